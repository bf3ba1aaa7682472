/** The public faces of a cache: what adapters need, what every cache has, and what one with its own fetch has. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { Inspection, Snapshot } from '../state/snapshot.ts'
import type { Duration, Instant } from '../time/duration.ts'
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
  keepFresh?(): () => void
}

export interface ReadOptions {
  /** Detaches this reader alone: it rejects with the signal's reason, the fetch goes on for the others. */
  readonly signal?: AbortSignal
  /** How long this reader waits before it takes a stale value or a `WaitTimeoutError`. Default: the policy's. */
  readonly maxWait?: Duration
  /** Receives the fetch that outlives this read, as a promise that never rejects. Default: the cache's own. */
  readonly waitUntil?: (work: Promise<unknown>) => void
}

/** A cache that has no fetch of its own: every read brings one. */
export interface PerCallCache<V> extends Observed<V>, Disposable {
  get(fetch: Fetch<V>): Promise<V>
  get(options: ReadOptions & { readonly fetch: Fetch<V> }): Promise<V>
  read(fetch: Fetch<V>): Promise<Reading<V>>
  read(options: ReadOptions & { readonly fetch: Fetch<V> }): Promise<Reading<V>>
  refresh(fetch: Fetch<V>): Promise<V>
  refresh(options: { readonly fetch: Fetch<V>; readonly ifOlderThan?: Duration }): Promise<V>
  /** The value while it is fresh. Never fetches. */
  tryGet(): V | undefined
  /** The value while it is unexpired. Never fetches. */
  peek(): V | undefined
  /** Writes a value that wins over everything that started before it. Throws `CacheDisposedError` after `dispose()`. */
  set(value: V, options?: { readonly expiresAt?: Instant }): void
  /** Puts a value only if it is newer than what is held, and says whether it did. */
  seed(value: V, options?: { readonly fetchedAt?: Instant; readonly expiresAt?: Instant }): boolean
  /** Drops the value, or only that very value, and says whether anything was dropped. */
  invalidate(condition?: { readonly ifValue: V }): boolean
  /** Makes one read wait again; the value stays as a fallback. */
  expire(): void
  stats(): Omit<CacheStats, 'entries' | 'bytes'>
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
