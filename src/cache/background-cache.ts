/** One value that is kept current: the public calls, each handed to the part that carries it out. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { freezeDeep } from '../policy/freeze.ts'
import { explainExpired, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import { checkOptions, instant, isA, refuse } from '../policy/options.ts'
import type { Lifetime, PolicyOptions } from '../policy/policy.ts'
import { type Inspection, inspect, type Snapshot } from '../state/snapshot.ts'
import { createCell } from './cell.ts'
import { interopObservable, interopPoint, iterateValues } from './follow-values.ts'
import { createKeeper } from './keeper.ts'
import type { PerCallCache, ReadOptions, RefreshOptions } from './observed.ts'
import { createReader } from './reader.ts'
import { resolveSetting, type Surroundings } from './setting.ts'
import { statsOf } from './stats.ts'

const listenerRule = isA('function')

class CacheOfOneValue<V> {
  static readonly name = 'BackgroundCache'
  readonly #setting
  readonly #cell
  readonly #reader
  readonly #keeper

  constructor(options: Parameters<typeof resolveSetting<V>>[0]) {
    this.#setting = resolveSetting(options)
    this.#cell = createCell<V>(
      this.#setting,
      (state) => this.#reader.update(state),
      () => this.#keeper.tend(),
    )
    this.#reader = createReader(this.#setting, this.#cell)
    this.#keeper = createKeeper(this.#setting, this.#cell)
    // Adapters ask `keepFresh?.()`: a cache that cannot fetch by itself has none.
    if (!this.#setting.fetch) Object.defineProperty(this, 'keepFresh', {})
  }

  get(argument?: unknown): Promise<V> {
    return this.#reader.get(argument)
  }

  read(argument?: unknown): Promise<Reading<V>> {
    return this.#reader.read(argument)
  }

  refresh(argument?: unknown): Promise<V> {
    return this.#reader.refresh(argument)
  }

  tryGet(): V | undefined {
    return this.#reader.tryGet()
  }

  peek(): V | undefined {
    return this.#reader.peek()
  }

  set(value: V, options: unknown = {}): void {
    const { expiresAt } = checkOptions('set()', options, { expiresAt: instant })
    if (this.#disposed) throw this.#cell.disposedError()
    const { entry, now, ownExpiry } = this.#arrival('set()', value, Infinity, expiresAt)
    if (ownExpiry <= now)
      throw new RangeError(`Cannot set a value: ${explainExpired(this.#setting.timeline, ownExpiry, now)}`)
    this.#cell.apply({ type: 'set', entry, now }, { reading: this.#cell.readingOf(entry, 'memory', false) })
  }

  seed(value: V, options: unknown = {}): boolean {
    const { fetchedAt = Infinity, expiresAt } = checkOptions('seed()', options, {
      fetchedAt: instant,
      expiresAt: instant,
    })
    if (this.#disposed) return false
    const { entry, now } = this.#arrival('seed()', value, fetchedAt, expiresAt)
    return this.#cell.seed(entry, now)
  }

  invalidate(condition?: unknown): boolean {
    const now = this.#setting.timeline.checkedNow()
    if (condition !== undefined) {
      const { ifValue } = checkOptions('invalidate()', condition, { ifValue: (_, value) => value as V })
      if (!Object.keys(condition as object).length) refuse('invalidate()', '{ ifValue } or nothing', condition)
      return this.#cell.apply({ type: 'reject', value: ifValue as V, draw: this.#cell.draw(), now })
    }
    const { kind } = this.#cell.state()
    return this.#cell.apply({ type: 'invalidate', now }) && kind !== 'empty'
  }

  expire(): void {
    this.#cell.apply({ type: 'expire', now: this.#setting.timeline.checkedNow() })
  }

  keepFresh(): () => void {
    return this.#keeper.hold()
  }

  // Arrow functions: React and others call these two detached from the cache.
  readonly subscribe = (listener: (snapshot: Snapshot<V>) => void): (() => void) => {
    listenerRule('the listener of subscribe()', listener)
    return this.#cell.observers.watch(listener)
  }

  readonly getSnapshot = (): Snapshot<V> => this.#cell.observers.snapshot()

  on(listener: (event: CacheEvent) => void): () => void {
    listenerRule('the listener of on()', listener)
    return this.#cell.observers.listen(listener)
  }

  values(): AsyncIterableIterator<V> {
    return iterateValues(this)
  }

  inspect(): Inspection {
    const { state, generation, waiting, observers } = this.#cell
    const { now, toEpoch } = this.#setting.timeline
    const counts = { generation: generation(), waiting: waiting(), observers: observers.count() }
    return inspect(state(), now(), toEpoch, counts)
  }

  stats() {
    return statsOf(this.#reader.counts(), this.#cell.observers.counts)
  }

  dispose(): void {
    this.#cell.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  [interopPoint]() {
    return interopObservable(this)
  }

  get #disposed(): boolean {
    return this.#cell.state().kind === 'disposed'
  }

  /** A value given from outside, as an entry that counts from `fetchedEpoch`, or from now if that is later. */
  #arrival(call: string, value: V, fetchedEpoch: number, expiresAt: number | undefined) {
    if (value === undefined || typeof (value as { then?: unknown } | null)?.then === 'function') {
      refuse(`the value of ${call}`, 'neither undefined nor a promise', value)
    }
    const { policy, timeline } = this.#setting
    const now = timeline.checkedNow()
    const fetchedAt = Math.floor(Math.min(now, timeline.fromEpoch(fetchedEpoch)))
    const ownExpiry = ownExpiryOf(policy, timeline, value, fetchedAt, expiresAt)
    if (policy.freeze) freezeDeep(value)
    return {
      now,
      ownExpiry,
      entry: makeEntry(policy, value, { fetchedAt, arrivedAt: now, ownExpiry, draw: this.#cell.draw }),
    }
  }
}

/** `undefined` is not a value. */
type Definite<V> = unknown extends V
  ? unknown
  : undefined extends V
    ? { readonly 'a value cannot be undefined, use null': never }
    : unknown

export type CacheOptions<V> = PolicyOptions<V> & Surroundings & Lifetime<V>

export interface BackgroundCacheConstructor {
  new <V>(
    options: CacheOptions<V> & { readonly schema: StandardSchema<V>; readonly fetch: Fetch<unknown> } & Definite<V>,
  ): BackgroundCache<V>
  new <V>(
    options: CacheOptions<V> & { readonly fetch: Fetch<V>; readonly schema?: undefined } & Definite<V>,
  ): BackgroundCache<V>
  new <V>(
    options: CacheOptions<V> & {
      readonly fetch?: undefined
      readonly schema?: StandardSchema<V> | undefined
    } & Definite<V>,
  ): PerCallCache<V>
}

/** A cache with a fetch of its own. */
export interface BackgroundCache<V> extends PerCallCache<V> {
  get(fetch?: Fetch<V>): Promise<V>
  get(options: ReadOptions & { readonly fetch?: Fetch<V> | undefined }): Promise<V>
  read(fetch?: Fetch<V>): Promise<Reading<V>>
  read(options: ReadOptions & { readonly fetch?: Fetch<V> | undefined }): Promise<Reading<V>>
  refresh(fetch?: Fetch<V>): Promise<V>
  refresh(options: RefreshOptions & { readonly fetch?: Fetch<V> | undefined }): Promise<V>
  /**
   * Fetches at once when nothing usable is held, and then at the window of each value, without readers, until every
   * returned function was called. Obeys the cool-down. Holds the process.
   */
  keepFresh(): () => void
}

/**
 * Keeps one value current.
 *
 * Throws `TypeError` or `RangeError` naming the option when one is missing, unknown or nonsense.
 *
 * @example
 * ```ts
 * const schema = new BackgroundCache({ ttl: '30s', refreshWindow: '5s', fetch: ({ signal }) => describe('orders', signal) })
 * const fields = await schema.get() // the first read waits; later ones do not, for as long as there are readers
 * ```
 */
export const BackgroundCache = CacheOfOneValue as unknown as BackgroundCacheConstructor
