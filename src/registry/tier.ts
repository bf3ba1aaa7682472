/** The storage tier of a registry: asked within a deadline, written in order, and not trusted while it is owed a delete. */

import type { CacheBackend, Lookup, Stored } from '../backend/backend.ts'
import type { Announcement, Lease } from '../backend/coordinator.ts'
import { guardBackend } from '../backend/guarded.ts'
import { BackendError } from '../errors.ts'
import type { Newsroom } from '../events/newsroom.ts'
import { handled } from '../fetch/waiting-room.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { Clock } from '../time/clock.ts'
import type { Timeline } from '../time/timeline.ts'
import { startTimer } from '../time/timer.ts'
import { Lines } from './lines.ts'

export interface TierOptions {
  readonly backend: CacheBackend
  /** milliseconds a reader waits for the tier */
  readonly backendDeadline: number
  /** milliseconds a write may take */
  readonly writeDeadline: number
}

interface Surroundings {
  readonly clock: Clock
  readonly timeline: Timeline
  readonly newsroom: Newsroom
}

const onlyAt = (generation: string | undefined) => (generation === undefined ? {} : { ifGeneration: generation })

const isGeneration = (answer: unknown) => typeof answer === 'string'
const isLookup = (answer: Lookup | undefined) => isGeneration(answer?.generation)

/** Beyond so many keys it could not be told to drop, all of it counts as one. */
const mostOwed = 10_000

export class Tier {
  readonly #backend: CacheBackend
  readonly #readDeadline: number
  readonly #writeDeadline: number
  readonly #clock: Clock
  readonly #newsroom: Newsroom
  readonly #guarded
  readonly #lines = new Lines()
  /** deletes that it could not be told of: until it was, what it holds there may be what was invalidated */
  readonly #owed = new Map<string, 'key' | 'prefix'>()
  /** look-ups of one turn, sent as one */
  #asked: { readonly key: string; resolve(lookup: Promise<Lookup>): void }[] = []
  readonly #origin = `${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  #unsubscribe: Promise<() => void> | undefined
  writeFailures = 0

  constructor({ backend, backendDeadline, writeDeadline }: TierOptions, { clock, timeline, newsroom }: Surroundings) {
    this.#backend = backend
    this.#readDeadline = backendDeadline
    this.#writeDeadline = writeDeadline
    this.#clock = clock
    this.#newsroom = newsroom
    this.#guarded = guardBackend(backend.name, clock, timeline, (fact) => newsroom.tell(fact))
  }

  /** What it holds at the key once this process's own writes are through. Rejects: it cannot be known in time. */
  look(key: string): Promise<Lookup> {
    const pending = this.#lines.pending(key)
    if (!pending && !this.#owed.size) return this.#ask(key)
    const afterwards = async () => {
      await pending
      for (const [owed, kind] of this.#owed) {
        if (kind === 'key' ? owed === key : key.startsWith(owed)) await this.#payBack(owed, kind)
      }
      return this.#ask(key)
    }
    return this.#within(afterwards(), this.#readDeadline)
  }

  #ask(key: string): Promise<Lookup> {
    return new Promise((resolve) => {
      if (this.#asked.push({ key, resolve }) === 1) queueMicrotask(() => this.#askAll())
    })
  }

  #askAll(): void {
    const asked = this.#asked
    this.#asked = []
    const { getMany } = this.#backend
    if (asked.length > 1 && getMany) {
      const keys = asked.map(({ key }) => key)
      const answer = this.#guarded.run(
        'getMany',
        this.#readDeadline,
        (signal) => getMany.call(this.#backend, keys, signal),
        (lookups) => lookups?.length === keys.length && lookups.every(isLookup),
      )
      asked.forEach(({ resolve }, at) => {
        resolve(handled(answer.then((lookups) => lookups[at] as Lookup)))
      })
      return
    }
    for (const { key, resolve } of asked)
      resolve(this.#guarded.run('get', this.#readDeadline, (signal) => this.#backend.get(key, signal), isLookup))
  }

  /**
   * Writes what `make` gives once it is this write's turn. Resolves with the generation now in force, `undefined` when it
   * was refused. Rejects with a `BackendError`.
   */
  write(
    key: string,
    make: () => Promise<Omit<Stored, 'generation'>>,
    ifGeneration?: string,
  ): Promise<string | undefined> {
    return this.#counted(
      this.#lines.write(key, async () => {
        const stored = await make()
        const options = onlyAt(ifGeneration)
        const call = (signal: AbortSignal) => this.#backend.set(key, stored, { ...options, signal })
        const generation = await this.#run('set', call, (answer) => answer === undefined || isGeneration(answer))
        if (generation !== undefined) {
          // What it was owed is made good by whatever was written since.
          this.#owed.delete(key)
          this.#announce({ key, generation })
        }
        return generation
      }),
    )
  }

  /** Rejects with a `BackendError`, and remembers that it is owed, if the tier cannot be told. */
  drop(key: string, ifGeneration?: string): Promise<boolean> {
    return this.#counted(this.#drop(key, ifGeneration))
  }

  dropPrefix(prefix: string): Promise<number | undefined> {
    return this.#counted(this.#dropPrefix(prefix))
  }

  /** The lease of a key, or `undefined` when somebody else had it: then the tier may hold something newer. */
  async lease(key: string, signal: AbortSignal): Promise<Lease | 'free' | undefined> {
    const { coordinator } = this.#backend
    if (!coordinator || this.#guarded.isSuspended()) return 'free'
    try {
      return await coordinator.lease(key, signal)
    } catch (error) {
      if (!signal.aborted) this.#newsroom.tell({ kind: 'backend-failed', operation: 'lease', error })
      return 'free'
    }
  }

  release(lease: Lease): void {
    this.#unheard('release', async () => lease.release())
  }

  /** Calls back with what other processes changed. */
  follow(listener: (message: Announcement | 'lost-messages') => void): void {
    const { coordinator } = this.#backend
    if (!coordinator || this.#unsubscribe) return
    const others = (message: Announcement | 'lost-messages') => {
      if (message === 'lost-messages' || message.origin !== this.#origin) listener(message)
    }
    this.#unsubscribe = (async () => coordinator.subscribe(others))()
    this.#unheard('subscribe', () => this.#unsubscribe as Promise<unknown>)
  }

  /** Resolves once every write so far has succeeded or failed, at the latest after the time a write may take. */
  async flush(): Promise<void> {
    await this.#within(this.#lines.all(), this.#writeDeadline).catch(() => {})
  }

  async close(): Promise<void> {
    await this.flush()
    this.#unheard('unsubscribe', async () => (await this.#unsubscribe)?.())
  }

  #run<T>(
    operation: string,
    call: (signal: AbortSignal) => Awaitable<T>,
    isAnswer: (answer: T) => boolean,
  ): Promise<T> {
    return this.#guarded.run(operation, this.#writeDeadline, call, isAnswer)
  }

  #drop(key: string, ifGeneration?: string): Promise<boolean> {
    const call = (signal: AbortSignal) => this.#backend.delete(key, { ...onlyAt(ifGeneration), signal })
    return this.#lines.write(key, async () => {
      const { generation, existed } = await this.#run('delete', call, (moved) => isGeneration(moved?.generation)).catch(
        this.#owing(key, 'key'),
      )
      this.#owed.delete(key)
      this.#announce({ key, generation })
      return existed
    })
  }

  #dropPrefix(prefix: string): Promise<number | undefined> {
    return this.#lines.sweep(prefix, async () => {
      const call = (signal: AbortSignal) => this.#backend.deletePrefix(prefix, signal)
      const dropped = await this.#run('deletePrefix', call, () => true).catch(this.#owing(prefix, 'prefix'))
      for (const each of this.#owed.keys()) if (each.startsWith(prefix)) this.#owed.delete(each)
      this.#announce({ key: prefix, generation: '', prefix: true })
      return dropped
    })
  }

  #owing(key: string, kind: 'key' | 'prefix') {
    return (error: unknown): never => {
      this.#owed.set(key, kind)
      if (this.#owed.size > mostOwed) {
        this.#owed.clear()
        this.#owed.set('', 'prefix')
      }
      throw error
    }
  }

  async #payBack(key: string, kind: 'key' | 'prefix'): Promise<void> {
    await (kind === 'key' ? this.#drop(key) : this.#dropPrefix(key))
  }

  #announce(message: Omit<Announcement, 'origin'>): void {
    const { coordinator } = this.#backend
    if (coordinator) this.#unheard('publish', async () => coordinator.publish({ ...message, origin: this.#origin }))
  }

  /** Whether it works is an event and nobody's error. */
  #unheard(operation: string, call: () => Promise<unknown>): void {
    call().catch((error: unknown) => this.#newsroom.tell({ kind: 'backend-failed', operation, error }))
  }

  #counted<T>(write: Promise<T>): Promise<T> {
    write.catch(() => this.writeFailures++)
    return write
  }

  /** The result of what has been under way already, if it comes in time. */
  #within<T>(work: Promise<T>, ms: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const message = `Backend '${this.#backend.name}' has not carried out an earlier write within ${ms} ms`
      const late = () => reject(new BackendError(message, { operation: 'get', reason: 'unreachable' }))
      const stopTimer = startTimer(this.#clock, ms, late, false)
      work.then(resolve, reject).finally(stopTimer)
    })
  }
}
