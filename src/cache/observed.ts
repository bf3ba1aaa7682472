/** The public faces of a cache: what adapters need, what every cache has, and what one with its own fetch has. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { Inspection, Snapshot } from '../state/snapshot.ts'
import type { Duration, Instant } from '../time/duration.ts'
import type { Pause } from '../time/pause.ts'
import type { CacheStats } from './stats.ts'

declare global {
  interface SymbolConstructor {
    /** the observable interop point, as rxjs declares it too */
    readonly observable: symbol
  }
}

/** The read-only side that every adapter needs (rxjs, react, svelte, …). */
export interface Observed<V> {
  /** Calls the listener after every change, not at once (React's contract), with the snapshot. Returns what ends it. */
  readonly subscribe: (listener: (snapshot: Snapshot<V>) => void) => () => void
  /** The same object until something that it shows has changed. */
  readonly getSnapshot: () => Snapshot<V>
  /** Calls the listener with every event. Returns what ends it. */
  on(listener: (event: CacheEvent) => void): () => void
  /** The held value and its successors; a slow consumer gets the latest only. Holds `keepFresh()` from the first `next()`. */
  values(): AsyncIterableIterator<V>
  inspect(): Inspection
  stats?(): Omit<CacheStats, 'entries' | 'bytes'>
  keepFresh?(options?: KeepFreshOptions): () => void
}

export interface KeepFreshOptions {
  /**
   * While it says so this hold rests: no timer, no fetch. Afterwards what is due is fetched once. In a page
   * `hiddenOrOffline` of `evercurrent/backend/browser`. Default: the `pauseWhile` of the cache or the registry.
   */
  readonly pauseWhile?: Pause | undefined
}

export interface ReadOptions {
  /** Detaches this reader alone: it rejects with the signal's reason, the fetch goes on for the others. */
  readonly signal?: AbortSignal | undefined
  /**
   * How long this reader waits before it takes a stale value, if one may serve, or a `WaitTimeoutError`. The fetch goes
   * on. Holds the process meanwhile. Default: the policy's.
   */
  readonly maxWait?: Duration | undefined
  /**
   * Receives the fetch that outlives this read, as a promise that never rejects and always settles. Called without a
   * `this`. Default: the cache's own.
   */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

export interface RefreshOptions {
  /** Takes a held value younger than this instead, or the error of an attempt younger than this. */
  readonly ifOlderThan?: Duration | undefined
}

export interface SetOptions {
  /** An expiry beside the `ttl` and the policy's `expiresAt`: the earliest of them counts. */
  readonly expiresAt?: Instant | undefined
}

export interface SeedOptions extends SetOptions {
  /** Since when the value is known: its age counts from here. Default, and at most: now. */
  readonly fetchedAt?: Instant | undefined
}

/** A cache that has no fetch of its own: every read brings one, which is not remembered. */
export interface PerCallCache<V> extends Observed<V>, Disposable {
  /**
   * The value. Waits only when nothing usable is held; in the refresh window it starts a fetch behind the readers.
   *
   * Rejects with the fetch's own error; with `WaitTimeoutError` after `maxWait`; with the signal's reason; with
   * `FetchTimeoutError`, `InvalidValueError` or `CacheDisposedError`; with `TypeError` or `RangeError` for a wrong
   * argument.
   */
  get(fetch: Fetch<V>): Promise<V>
  get(options: ReadOptions & { readonly fetch: Fetch<V> }): Promise<V>
  /** As `get()`, with where the value came from and its times in epoch milliseconds. */
  read(fetch: Fetch<V>): Promise<Reading<V>>
  read(options: ReadOptions & { readonly fetch: Fetch<V> }): Promise<Reading<V>>
  /**
   * A value whose fetch starts at or after this call, or a later `set`. While an earlier fetch is in the air, all callers
   * share one fetch behind it. Ignores the cool-down. Rejects with the fetch's own error, even while a value is held.
   */
  refresh(fetch: Fetch<V>): Promise<V>
  refresh(options: RefreshOptions & { readonly fetch: Fetch<V> }): Promise<V>
  /** The value while it is fresh. Never fetches. */
  tryGet(): V | undefined
  /** The value while it is unexpired. Never fetches. */
  peek(): V | undefined
  /**
   * Writes a value that wins over everything that started before it, and answers everybody who waits.
   *
   * Throws `CacheDisposedError` after `dispose()`, `TypeError` for `undefined` or a promise, `RangeError` for a value that
   * has expired already.
   */
  set(value: V, options?: SetOptions): void
  /**
   * Puts a value if it is newer than what is held, for bootstraps, and answers readers who wait. Says whether it did: not
   * if a value as young is held, if it is too old to serve, or after `dispose()`. Throws `TypeError` as `set` does.
   */
  seed(value: V, options?: SeedOptions): boolean
  /**
   * Drops the value, and what a fetch in the air will bring. Says whether there was either.
   *
   * With `ifValue`, only if that very value (`Object.is`) is still held: for a token that was rejected. Two such in a row,
   * the second within `backoff.max` of its arrival, count as a failed fetch (`ValueRejectedError`) and start the
   * cool-down.
   */
  invalidate(condition?: { readonly ifValue: V }): boolean
  /** Makes one read wait for a new value. If that fails, the value serves on, as stale. */
  expire(): void
  stats(): Omit<CacheStats, 'entries' | 'bytes'>
  /** Aborts the fetch, rejects who waits with `CacheDisposedError`, stops timers and ends observers. */
  dispose(): void
  /** what `from(cache)` of rxjs and its like call */
  [Symbol.observable](): InteropObservable<V>
}

/** The least an observable must do to be understood by another library. */
export interface InteropObservable<V> {
  subscribe(observer: Partial<InteropObserver<V>>): { unsubscribe(): void }
  [Symbol.observable](): InteropObservable<V>
}
export interface InteropObserver<V> {
  next(value: V): void
  error(error: unknown): void
  complete(): void
}
