/** One value that is kept current: the public calls, each handed to the part that carries it out. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { listenerRule } from '../policy/options.ts'
import type { Lifetime, PolicyOptions } from '../policy/policy.ts'
import type { Inspection, Snapshot } from '../state/snapshot.ts'
import { interopObservable, interopPoint, iterateValues } from './follow-values.ts'
import { createLiveValue, inspectLive, type LiveValue } from './live-value.ts'
import type { KeepFreshOptions, PerCallCache, ReadOptions, RefreshOptions } from './observed.ts'
import { resolveSetting, type Surroundings } from './setting.ts'
import { statsOf } from './stats.ts'

class CacheOfOneValue<V> {
  static readonly name = 'BackgroundCache'
  readonly #live: LiveValue<V>

  constructor(options: Parameters<typeof resolveSetting<V>>[0]) {
    this.#live = createLiveValue(resolveSetting(options))
    // Adapters ask `keepFresh?.()`: a cache that cannot fetch by itself has none.
    if (!this.#live.setting.fetch) Object.defineProperty(this, 'keepFresh', {})
  }

  get(argument?: unknown): Promise<V> {
    return this.#live.reader.get(argument)
  }

  read(argument?: unknown): Promise<Reading<V>> {
    return this.#live.reader.read(argument)
  }

  refresh(argument?: unknown): Promise<V> {
    return this.#live.reader.refresh(argument)
  }

  tryGet(): V | undefined {
    return this.#live.reader.tryGet()
  }

  peek(): V | undefined {
    return this.#live.reader.peek()
  }

  set(value: V, options?: unknown): void {
    this.#live.writer.set(value, options)
  }

  seed(value: V, options?: unknown): boolean {
    return this.#live.writer.seed(value, options)
  }

  invalidate(condition?: unknown): boolean {
    return this.#live.writer.invalidate(condition)
  }

  expire(): void {
    this.#live.writer.expire()
  }

  keepFresh(options?: KeepFreshOptions): () => void {
    return this.#live.keeper.hold(options)
  }

  // Arrow functions: React and others call these two detached from the cache.
  readonly subscribe = (listener: (snapshot: Snapshot<V>) => void): (() => void) => {
    listenerRule('the listener of subscribe()', listener)
    return this.#live.cell.observers.watch(listener)
  }

  readonly getSnapshot = (): Snapshot<V> => this.#live.cell.observers.snapshot()

  on(listener: (event: CacheEvent) => void): () => void {
    listenerRule('the listener of on()', listener)
    return this.#live.cell.observers.listen(listener)
  }

  values(): AsyncIterableIterator<V> {
    return iterateValues(this)
  }

  inspect(): Inspection {
    return inspectLive(this.#live)
  }

  stats() {
    const { tally, newsroom } = this.#live.setting
    return statsOf(tally, newsroom.counts)
  }

  dispose(): void {
    this.#live.cell.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  [interopPoint]() {
    return interopObservable(this)
  }
}

/** `undefined` is not a value. */
export type Definite<V> = unknown extends V
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
   * returned function was called. Obeys the cool-down. Holds the process, except while it is paused.
   */
  keepFresh(options?: KeepFreshOptions): () => void
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
