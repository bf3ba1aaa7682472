/** The storage tier of a registry: asked within a deadline, written in order, and not trusted while it is owed a delete. */

import type { CacheBackend, Lookup, Stored } from '../backend/backend.ts'
import type { Announcement, Lease } from '../backend/coordinator.ts'
import { BackendError } from '../errors.ts'
import type { Newsroom } from '../events/newsroom.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { Clock } from '../time/clock.ts'
import type { Timeline } from '../time/timeline.ts'
import { startTimer } from '../time/timer.ts'
import { guardBackend } from './guarded.ts'
import { Lines } from './lines.ts'
import { isGeneration, LookUps } from './look-ups.ts'
import { type Debt, Owed } from './owed.ts'

export interface TierOptions {
  readonly backend: CacheBackend
  /** milliseconds a reader waits for the tier */
  readonly backendDeadline: number
  /** milliseconds a write may take */
  readonly writeDeadline: number
}

/** Of a write that failed: the tier may have it, or get it yet. */
export const unsure = Symbol('unsure')

/** Where the tier is with a value, as far as that is known. */
export type Whereabouts = string | typeof unsure | undefined

interface Surroundings {
  readonly clock: Clock
  readonly timeline: Timeline
  readonly newsroom: Newsroom
}

const isDeletion = (moved: Awaited<ReturnType<CacheBackend['delete']>> | undefined) =>
  isGeneration(moved?.generation) && typeof moved?.existed === 'boolean'
const isCount = (dropped: number | undefined) => dropped === undefined || Number.isFinite(dropped)
const onlyAt = (generation: string | undefined) => (generation === undefined ? {} : { ifGeneration: generation })

export class Tier {
  readonly #backend: CacheBackend
  readonly #readDeadline: number
  readonly #writeDeadline: number
  readonly #clock: Clock
  readonly #newsroom: Newsroom
  readonly #guarded
  readonly #lines = new Lines()
  readonly #owed = new Owed()
  readonly #lookUps: LookUps
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
    this.#lookUps = new LookUps(backend, this.#guarded, backendDeadline)
  }

  /** What it holds at the key once this process's own writes are through. Rejects: it cannot be known in time. */
  look(key: string): Promise<Lookup> {
    const pending = this.#lines.pending(key)
    if (!pending && this.#owed.isEmpty()) return this.#lookUps.ask(key)
    const afterwards = async () => {
      await pending
      for (const prefix of this.#owed.prefixesOf(key)) await this.#dropPrefix(prefix)
      const debt = this.#owed.of(key)
      if (debt) await this.#drop(key, () => debt)
      return this.#lookUps.ask(key)
    }
    return this.#within(this.#readDeadline, 'get', afterwards())
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
        const stored = await this.#within(this.#writeDeadline, 'encode', make())
        const options = onlyAt(ifGeneration)
        const call = (signal: AbortSignal) => this.#backend.set(key, stored, { ...options, signal })
        const generation = await this.#run('set', call, (answer) => answer === undefined || isGeneration(answer))
        if (generation !== undefined) {
          // What it was owed is made good by whatever was written since.
          this.#owed.paid(key)
          this.#announce({ key, generation })
        }
        return generation
      }),
    )
  }

  /** Rejects with a `BackendError`, and remembers that it is owed, if the tier cannot be told. */
  drop(key: string): Promise<boolean> {
    return this.#counted(this.#drop(key, () => 'all'))
  }

  /** Drops only what was there at this generation: nothing, if none is known, and all, if a write may arrive yet. */
  dropAt(key: string, generation: () => Awaitable<Whereabouts>): Promise<boolean> {
    const debt = async () => {
      const ifGeneration = await generation()
      if (ifGeneration === unsure) return 'all'
      return ifGeneration === undefined ? undefined : { ifGeneration }
    }
    return this.#counted(this.#drop(key, debt))
  }

  /** What is there, if it was fetched before, is to be dropped before it is read. */
  owe(key: string, fetchedBefore: number): void {
    this.#owed.add(key, { fetchedBefore })
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
    await this.#within(this.#writeDeadline, 'flush', this.#lines.all()).catch(() => {})
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

  #drop(key: string, debtOf: () => Awaitable<Debt | undefined>): Promise<boolean> {
    return this.#lines.write(key, async () => {
      const given = debtOf()
      const debt = given === 'all' ? given : await given
      if (!debt) return false
      try {
        const condition =
          debt === 'all' ? {} : 'ifGeneration' in debt ? debt : await this.#ifFetchedBefore(key, debt.fetchedBefore)
        const existed = !!condition && (await this.#delete(key, condition))
        this.#owed.paid(key)
        return existed
      } catch (error) {
        this.#owed.add(key, debt)
        throw error
      }
    })
  }

  async #delete(key: string, condition: { readonly ifGeneration?: string }): Promise<boolean> {
    const call = (signal: AbortSignal) => this.#backend.delete(key, { ...condition, signal })
    const { generation, existed } = await this.#run('delete', call, isDeletion)
    this.#announce({ key, generation })
    return existed
  }

  /** Where the key is, if what is there is older than that. */
  async #ifFetchedBefore(key: string, fetchedBefore: number) {
    const { stored, generation } = await this.#lookUps.ask(key)
    return stored && stored.fetchedAt < fetchedBefore ? { ifGeneration: generation } : undefined
  }

  #dropPrefix(prefix: string): Promise<number | undefined> {
    return this.#lines.sweep(prefix, async () => {
      const call = (signal: AbortSignal) => this.#backend.deletePrefix(prefix, signal)
      try {
        const dropped = await this.#run('deletePrefix', call, isCount)
        this.#owed.paidPrefix(prefix)
        this.#announce({ key: prefix, generation: '', prefix: true })
        return dropped
      } catch (error) {
        this.#owed.addPrefix(prefix)
        throw error
      }
    })
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

  /** Rejects with a `BackendError` if it takes longer. */
  #within<T>(ms: number, operation: string, work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const message = `Backend '${this.#backend.name}' could not ${operation} within ${ms} ms`
      const late = () => reject(new BackendError(message, { operation, reason: 'unreachable' }))
      const stopTimer = startTimer(this.#clock, ms, late, false)
      work.then(resolve, reject).finally(stopTimer)
    })
  }

  /** A value that cannot be read in time cannot be read. */
  inReadersTime<T>(operation: string, work: Promise<T>): Promise<T> {
    return this.#within(this.#readDeadline, operation, work)
  }
}
