/** One value that is kept current: the public calls, each handed to the part that carries it out. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import { freezeDeep } from '../policy/freeze.ts'
import { type Entry, explainExpired, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import { fresh, usable } from '../state/read-plan.ts'
import { type Inspection, inspect, type Snapshot } from '../state/snapshot.ts'
import type { Timeline } from '../time/timeline.ts'
import { Cell } from './cell.ts'
import { interopObservable, interopPoint, iterateValues } from './follow-values.ts'
import { Keeper } from './keeper.ts'
import type { BackgroundCacheConstructor } from './observed.ts'
import { Reader } from './reader.ts'
import { checkListener, instants, isConditional } from './requests.ts'
import { resolveSetting, type Setting } from './setting.ts'

class CacheOfOneValue<V> {
  readonly #setting: Setting<V>
  readonly #timeline: Timeline
  readonly #cell: Cell<V>
  readonly #reader: Reader<V>
  readonly #keeper: Keeper

  constructor(options: Parameters<typeof resolveSetting<V>>[0]) {
    this.#setting = resolveSetting(options)
    this.#timeline = this.#setting.timeline
    this.#cell = new Cell(this.#setting, {
      replaced: () => this.#reader.update(),
      settled: () => this.#keeper.tend(),
    })
    this.#reader = new Reader(this.#cell, this.#setting)
    this.#keeper = new Keeper(
      this.#setting.clock,
      this.#timeline,
      () => this.#cell.state,
      () => this.#cell.launch(this.#cell.newFlight('keep-fresh'), this.#setting.fetch as Fetch<V>),
    )
    // Adapters ask `keepFresh?.()`: a cache that cannot fetch by itself has none.
    if (this.#setting.fetch === undefined) Object.defineProperty(this, 'keepFresh', { value: undefined })
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
    const { state } = this.#cell
    return state.entry !== undefined && fresh(state, this.#timeline.now()) ? state.entry.value : undefined
  }

  peek(): V | undefined {
    const { state } = this.#cell
    return state.entry !== undefined && usable(state, this.#timeline.now()) ? state.entry.value : undefined
  }

  set(value: V, options?: unknown): void {
    const { expiresAt } = instants('set()', options, ['expiresAt'])
    if (value === undefined) throw new TypeError('Cannot set undefined, which is not a value: use null')
    if (this.#disposed) throw this.#cell.disposedError()
    const now = this.#timeline.checkedNow()
    const ownExpiry = ownExpiryOf(this.#setting.policy, this.#timeline, value, now, expiresAt)
    if (ownExpiry <= now) throw new RangeError(`Cannot set a value: ${explainExpired(this.#timeline, ownExpiry, now)}`)
    this.#cell.set(this.#entry(value, now, now, ownExpiry), now)
  }

  seed(value: V, options?: unknown): boolean {
    const given = instants('seed()', options, ['fetchedAt', 'expiresAt'])
    if (value === undefined) throw new TypeError('Cannot seed undefined, which is not a value: use null')
    if (this.#disposed) return false
    const now = this.#timeline.checkedNow()
    const fetchedAt = Math.min(now, Math.floor(this.#timeline.fromEpoch(given.fetchedAt ?? Number.POSITIVE_INFINITY)))
    const ownExpiry = ownExpiryOf(this.#setting.policy, this.#timeline, value, fetchedAt, given.expiresAt)
    return this.#cell.seed(this.#entry(value, fetchedAt, now, ownExpiry), now)
  }

  invalidate(condition?: unknown): boolean {
    const conditional = isConditional<V>(condition)
    if (this.#disposed) return false
    const now = this.#timeline.checkedNow()
    if (conditional) return this.#cell.reject(condition.ifValue, now)
    const { kind } = this.#cell.state
    this.#cell.invalidate(now)
    return kind !== 'empty'
  }

  expire(): void {
    this.#cell.expire(this.#timeline.checkedNow())
  }

  keepFresh(): () => void {
    return this.#keeper.hold()
  }

  // Arrow functions: React and others call these two detached from the cache.
  readonly subscribe = (listener: (snapshot: Snapshot<V>) => void): (() => void) => {
    checkListener('subscribe()', listener)
    return this.#disposed ? () => {} : this.#cell.observers.watch(listener)
  }

  readonly getSnapshot = (): Snapshot<V> => this.#cell.observers.snapshot()

  on(listener: (event: CacheEvent) => void): () => void {
    checkListener('on()', listener)
    return this.#disposed ? () => {} : this.#cell.observers.listen(listener)
  }

  values(): AsyncIterableIterator<V> {
    return iterateValues(this)
  }

  inspect(): Inspection {
    const { state, generation, waiting, observers } = this.#cell
    const counts = { generation, waiting, observers: observers.count }
    return inspect(state, this.#timeline.now(), (at) => this.#timeline.toEpoch(at), counts)
  }

  stats() {
    return this.#cell.counters.stats()
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

  /** What `util.inspect` and `console.log` show: never the value. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { status, freshness } = this.inspect()
    return `BackgroundCache${this.#setting.named} { ${freshness === undefined ? status : `${status}, ${freshness}`} }`
  }

  get #disposed(): boolean {
    return this.#cell.state.kind === 'disposed'
  }

  #entry(value: V, fetchedAt: number, arrivedAt: number, ownExpiry: number): Entry<V> {
    const { policy } = this.#setting
    if (policy.freeze) freezeDeep(value)
    return makeEntry(policy, value, { fetchedAt, arrivedAt, ownExpiry, draw: () => this.#cell.draw() })
  }
}

Object.defineProperty(CacheOfOneValue, 'name', { value: 'BackgroundCache' })

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
