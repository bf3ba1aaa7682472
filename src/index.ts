/** The public surface of the core. It imports nothing at run time. */

export { BackgroundCache, type BackgroundCacheConstructor, type CacheOptions } from './cache/background-cache.ts'
export type {
  InteropObservable,
  InteropObserver,
  Observed,
  PerCallCache,
  ReadOptions,
  RefreshOptions,
  SeedOptions,
  SetOptions,
} from './cache/observed.ts'
export type { Surroundings } from './cache/setting.ts'
export type { CacheStats } from './cache/stats.ts'
export {
  CacheDisposedError,
  CacheError,
  FetchTimeoutError,
  InvalidValueError,
  type Issue,
  ValueRejectedError,
  WaitTimeoutError,
} from './errors.ts'
export type { CacheEvent, DiscardReason, ErrorClass, Fact, FetchReason } from './events/cache-event.ts'
export type { Awaitable, Fetch, FetchContext, Held, NotModified, Reading } from './fetch/fetch.ts'
export type { StandardSchema } from './fetch/schema.ts'
export type { Lifetime, PolicyOptions } from './policy/policy.ts'
export type { Failure, Inspection, Snapshot } from './state/snapshot.ts'
export type { Clock } from './time/clock.ts'
export type { Duration, Instant } from './time/duration.ts'
