/** Every fact a cache can report. Facts are told after the state is consistent, in one order for every listener. */

/** Why a fetch was started. */
export type FetchReason = 'first' | 'aging' | 'expired' | 'refresh' | 'keep-fresh'

/** What a failure means: try again later, tell every reader, or "the source says it does not exist". */
export type ErrorClass = 'retry' | 'fatal' | 'gone'

/** Why the result of a fetch, whatever it will be, changes nothing. */
export type DiscardReason =
  | 'set'
  | 'seeded'
  | 'invalidated'
  | 'expired'
  | 'timed-out'
  | 'announced'
  | 'disposed'
  | 'older'
  /** the tier had moved on since the fetch began */
  | 'refused'

/** What is wrong with the bytes a tier gave. */
export type StoredDefect =
  | 'foreign'
  | 'truncated'
  | 'flipped'
  | 'other-key'
  | 'other-type'
  | 'newer-version'
  | 'future'
  | 'schema'

interface EventBase {
  /** epoch milliseconds */
  readonly at: number
  /** the cache's `name` option */
  readonly name: string | undefined
  /** of a registry: which key it is about */
  readonly type?: string
  readonly namespace?: readonly string[]
  readonly key?: readonly string[]
}

/** What happened, without when and to whom. Never carries a value. */
export type Fact =
  | { readonly kind: 'fetch-started'; readonly reason: FetchReason }
  | {
      readonly kind: 'fetch-succeeded'
      readonly reason: FetchReason
      readonly tookMs: number
      readonly changed: boolean
    }
  | {
      readonly kind: 'fetch-failed'
      readonly reason: FetchReason
      readonly tookMs: number
      readonly error: unknown
      readonly class: ErrorClass
      /** epoch milliseconds: until then no read starts a fetch while a value is held */
      readonly nextAttemptAt: number
    }
  | { readonly kind: 'fetch-discarded'; readonly because: DiscardReason }
  | { readonly kind: 'value-set' | 'value-seeded' | 'invalidated' | 'expired' | 'evicted' | 'disposed' }
  /** the fetch took longer than what it brought may live: served to its waiters, not kept */
  | { readonly kind: 'slower-than-ttl'; readonly tookMs: number; readonly ttlMs: number }
  | { readonly kind: 'served-stale'; readonly age: number }
  /** the tier threw, did not answer in time, or is left alone after it failed too often */
  | { readonly kind: 'backend-failed'; readonly operation: string; readonly error: unknown }
  /** the tier is left alone until then (epoch milliseconds), and is asked again */
  | { readonly kind: 'backend-suspended'; readonly until: number }
  | { readonly kind: 'backend-resumed' }
  /** what the tier held is treated as a miss */
  | { readonly kind: 'stored-value-rejected'; readonly because: StoredDefect }
  /** a listener or a callback threw or rejected; never told to the listener that failed */
  | { readonly kind: 'listener-failed'; readonly error: unknown }

/** A fact, with when it happened and to which cache. */
export type CacheEvent = EventBase & Fact
