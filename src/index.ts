/** The public surface of the core. It imports nothing at run time. */

export type { CacheBackend, Lookup, Stored } from './backend/backend.ts'
export type { Announcement, Coordinator, Lease } from './backend/coordinator.ts'
export { BackgroundCache, type BackgroundCacheConstructor, type CacheOptions } from './cache/background-cache.ts'
export type {
  InteropObservable,
  InteropObserver,
  KeepFreshOptions,
  Observed,
  PerCallCache,
  ReadOptions,
  RefreshOptions,
  SeedOptions,
  SetOptions,
} from './cache/observed.ts'
export type { Surroundings } from './cache/setting.ts'
export type { CacheStats } from './cache/stats.ts'
export type { Codec } from './codec/codec.ts'
export {
  BackendError,
  BatchError,
  CacheDisposedError,
  CacheError,
  FetchTimeoutError,
  InvalidValueError,
  type Issue,
  KeyGoneError,
  ValueRejectedError,
  WaitTimeoutError,
} from './errors.ts'
export type { CacheEvent, DiscardReason, ErrorClass, Fact, FetchReason, StoredDefect } from './events/cache-event.ts'
export type { Fetch, FetchContext, Held, NotModified, Reading } from './fetch/fetch.ts'
export type { StandardSchema } from './fetch/schema.ts'
export type { Lifetime, PolicyOptions } from './policy/policy.ts'
export { CacheRegistry } from './registry/cache-registry.ts'
export type { KeyParts } from './registry/key.ts'
export type {
  CacheEntry,
  FetchMany,
  KeyedCache,
  KeyedFetch,
  PerCallKeyedCache,
  RegistryStats,
  WeakKeyedCache,
} from './registry/keyed.ts'
export type { RegistryOptions, TypeOptions } from './registry/options.ts'
export type { Failure, Inspection, Snapshot } from './state/snapshot.ts'
export type { Awaitable } from './time/awaitable.ts'
export type { Clock } from './time/clock.ts'
export type { Duration, Instant } from './time/duration.ts'
export type { Pause } from './time/pause.ts'
