/** The public faces of a registry's caches: what they ask of their author, and what they offer. */

import type { KeepFreshOptions, Observed, ReadOptions, SeedOptions, SetOptions } from '../cache/observed.ts'
import type { CacheStats, Tally } from '../cache/stats.ts'
import type { FetchContext, Held, NotModified, Reading } from '../fetch/fetch.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { Duration } from '../time/duration.ts'

/**
 * Loads the value of one key. `previous` is what is held, expired or not: a fetch that takes it needs its type written,
 * or `define<V>`, because V cannot be inferred from a parameter.
 */
export type KeyedFetch<K, V> = (
  key: K,
  context: FetchContext,
  previous: Held<V> | undefined,
) => Awaitable<V | NotModified>

/**
 * Loads several keys at once. Returns pairs in any order, such as a `Map`, matched by their keys; a key left out does not
 * exist. Age counts from before the call, as for one key. The signal fires once nobody wants any of it.
 */
export type FetchMany<K, V> = (
  keys: readonly K[],
  context: Pick<FetchContext, 'signal' | 'reason' | 'startedAt'>,
) => Awaitable<Iterable<readonly [K, V]>>

/** Which key of a registry something is about. */
export interface KeyName {
  readonly type: string
  /** the parts */
  readonly key: readonly string[]
  /** names from the registry's own down; absent where there are none */
  readonly namespace?: readonly string[]
}

/**
 * One key, as a cache of its own: the same object for as long as anybody holds it. What it shows is the key's, whoever
 * changed it. Holding it keeps nothing in memory but itself; while it is observed its value is not evicted.
 *
 * Its calls are those of the type without the key, and reject and throw as they do.
 */
export interface CacheEntry<V> extends Observed<V> {
  /** The parts of the key: of a plain string, that one. */
  readonly key: readonly string[]
  /** While the entry is observed, the same promise until something changes. */
  get(options?: ReadOptions): Promise<V>
  /** As `get()`, with where the value came from and its times in epoch milliseconds. */
  read(options?: ReadOptions): Promise<Reading<V>>
  refresh(options?: { readonly ifOlderThan?: Duration | undefined }): Promise<V>
  tryGet(): V | undefined
  peek(): V | undefined
  set(value: V, options?: SetOptions): Promise<void>
  seed(value: V, options?: SeedOptions): boolean
  invalidate(condition?: { readonly ifValue: V }): Promise<boolean>
  expire(): Promise<void>
  /** As that of a `BackgroundCache`. Absent at run time where the type has no fetch. */
  keepFresh(options?: KeepFreshOptions): () => void
}

interface KeyedBase<K, V> {
  /** The value while it is unexpired, without asking the source. Counts as a hit or a miss, `peek()` does not. */
  find(key: K): Promise<V | undefined>
  /** The value while it is fresh. Never fetches. */
  tryGet(key: K): V | undefined
  /** The value while it is unexpired. Never fetches. */
  peek(key: K): V | undefined
  /**
   * Writes a value that wins over everything that started before it, and answers everybody who waits for the key.
   *
   * Rejects with `CacheDisposedError` after `dispose()`, `TypeError` for `undefined` or a promise, `RangeError` for a
   * value that has expired already.
   */
  set(key: K, value: V, options?: SetOptions): Promise<void>
  /**
   * Puts a value if it is newer than what is held, and says whether it did: not if a value as young is held, if it is too
   * old to serve, or after `dispose()`. Throws `TypeError` for `undefined` or a promise.
   */
  seed(key: K, value: V, options?: SeedOptions): boolean
  /**
   * Drops the value, and what a fetch in the air will bring. Resolves with whether there was either. With `ifValue`, only
   * if that very value (`Object.is`) is held.
   */
  invalidate(key: K, condition?: { readonly ifValue: V }): Promise<boolean>
  /**
   * Invalidates every key in this namespace that begins with these whole parts: `'db1'` is no prefix of `'db10'`.
   * Resolves with how many there were. Without parts: all of them.
   */
  invalidatePrefix(...parts: readonly string[]): Promise<number | undefined>
  /** Makes one read wait for a new value. If that fails, the value serves on, as stale. */
  expire(key: K): Promise<void>
  /** Invalidates every key of this type in this namespace, not in those below it. */
  clear(): Promise<void>
  /**
   * One key as an object that can be observed, by adapters too: `values$(schemas.entry('orders'))`.
   *
   * @example
   * ```ts
   * const orders = schemas.entry('orders')
   * const unsubscribe = orders.subscribe(({ value }) => console.log(value))
   * await schemas.set('orders', ['id'])
   * orders.peek() // ['id']
   * schemas.entry('orders') === orders // true
   * unsubscribe()
   * ```
   */
  entry(key: K): CacheEntry<V>
  /** The parts of every key in this namespace that holds a value; an expired one is held until it is evicted. */
  keys(): IterableIterator<readonly string[]>
  /** How many keys `keys()` has. */
  readonly size: number
}

type WithFetch<K, V> = { readonly fetch: KeyedFetch<K, V> }
type MayFetch<K, V> = { readonly fetch?: KeyedFetch<K, V> | undefined }

/** A type without a fetch of its own: every read brings one, which is not remembered. */
export interface PerCallKeyedCache<K, V> extends KeyedBase<K, V> {
  /**
   * The value of a key. Waits only when nothing usable is held; in the refresh window it starts a fetch behind the readers.
   *
   * Rejects with the fetch's own error; with `KeyGoneError` when `fetchMany` left the key out; with `WaitTimeoutError`
   * after `maxWait`; with the signal's reason; with `FetchTimeoutError`, `InvalidValueError` or `CacheDisposedError`; with
   * `TypeError` or `RangeError` for a wrong key or option.
   */
  get(key: K, options: ReadOptions & WithFetch<K, V>): Promise<V>
  /** As `get()`, with where the value came from and its times in epoch milliseconds. */
  read(key: K, options: ReadOptions & WithFetch<K, V>): Promise<Reading<V>>
  /**
   * A value whose fetch starts at or after this call, or a later `set`. Ignores the cool-down. Rejects with the fetch's own
   * error, even while a value is held. With `ifOlderThan`, a held value younger than that is good enough.
   */
  refresh(key: K, options: WithFetch<K, V> & { readonly ifOlderThan?: Duration | undefined }): Promise<V>
  /**
   * The same type under another namespace: per tenant, without defining it again. Below the namespace of this one.
   *
   * @example
   * ```ts
   * await schemas.namespace('acme').set('orders', ['id'])
   * schemas.namespace('acme').peek('orders') // ['id']
   * schemas.namespace('globex').peek('orders') // undefined
   * ```
   */
  namespace(name: string): PerCallKeyedCache<K, V>
  /**
   * A handle that does not keep the registry: for what outlives it, such as a pool that is shared.
   *
   * @example
   * ```ts
   * const schemasIfAny = schemas.weak()
   * await schemasIfAny.set('orders', ['id']) // true
   * await registry.dispose()
   * await schemasIfAny.set('orders', ['id']) // false
   * await schemasIfAny.get('orders', { fetch: () => ['id', 'placed_at'] }) // ['id', 'placed_at']
   * ```
   */
  weak(): WeakKeyedCache<K, V>
}

/** The values of one type, by key. */
export interface KeyedCache<K, V> extends PerCallKeyedCache<K, V> {
  get(key: K, options?: ReadOptions & MayFetch<K, V>): Promise<V>
  read(key: K, options?: ReadOptions & MayFetch<K, V>): Promise<Reading<V>>
  /**
   * The values of several keys, each read as `get()` reads it. With `fetchMany`, all that have to be fetched are fetched
   * in one call; a key that it leaves out is absent from the map, which has the order of the keys.
   *
   * Rejects with `BatchError` if any key failed, once all have settled: its `errors` has those, its `values` the others.
   *
   * @example
   * ```ts
   * const found = await schemas.getMany(['orders', 'customers', 'no_such_table']) // one call of fetchMany
   * found.get('customers') // ['id', 'email']
   * found.has('no_such_table') // false
   * ```
   */
  getMany(keys: Iterable<K>, options?: ReadOptions): Promise<Map<K, V>>
  refresh(key: K, options?: MayFetch<K, V> & { readonly ifOlderThan?: Duration | undefined }): Promise<V>
  namespace(name: string): KeyedCache<K, V>
}

/**
 * After the registry is gone, disposed or collected: `find` gives `undefined`, `set` gives `false`, `get` fetches without
 * caching (and without a time limit of its own). Before that they are those of the type.
 */
export interface WeakKeyedCache<K, V> {
  find(key: K): Promise<V | undefined>
  set(key: K, value: V): Promise<boolean>
  get(key: K, options: ReadOptions & WithFetch<K, V>): Promise<V>
}

/** The counts of a registry. */
export interface RegistryStats extends CacheStats {
  /** the reads of each type, in all namespaces: together they are `hits`, `backendHits` and `misses` */
  readonly types: Readonly<Record<string, Readonly<Tally>>>
}
