/** The look-ups of one turn are one call of the tier, where it has such a call. */

import type { CacheBackend, Lookup } from '../backend/backend.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { Guarded } from './guarded.ts'

export const isGeneration = (answer: unknown) => typeof answer === 'string'
const isLookup = (answer: Lookup | undefined) => isGeneration(answer?.generation)

export class LookUps {
  readonly #backend: CacheBackend
  readonly #guarded: Guarded
  readonly #deadline: number
  #asked: { readonly key: string; resolve(lookup: Promise<Lookup>): void }[] = []

  constructor(backend: CacheBackend, guarded: Guarded, deadline: number) {
    this.#backend = backend
    this.#guarded = guarded
    this.#deadline = deadline
  }

  ask(key: string): Promise<Lookup> {
    return new Promise((resolve) => {
      if (this.#asked.push({ key, resolve }) === 1) queueMicrotask(() => this.#send())
    })
  }

  #send(): void {
    const asked = this.#asked
    this.#asked = []
    const backend = this.#backend
    if (asked.length === 1 || !backend.getMany) {
      const one = (key: string) => (signal: AbortSignal) => backend.get(key, signal)
      for (const { key, resolve } of asked) resolve(this.#guarded.run('get', this.#deadline, one(key), isLookup))
      return
    }
    const keys = asked.map(({ key }) => key)
    const all = (signal: AbortSignal) => backend.getMany?.(keys, signal) as Awaitable<readonly Lookup[]>
    const areLookups = (lookups: readonly Lookup[]) => lookups?.length === keys.length && lookups.every(isLookup)
    const answer = this.#guarded.run('getMany', this.#deadline, all, areLookups)
    asked.forEach(({ resolve }, at) => {
      resolve(answer.then((lookups) => lookups[at] as Lookup))
    })
  }
}
