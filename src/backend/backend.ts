/** What a storage tier has to offer: bytes by key, and a generation that tells a late writer from a timely one. */

import type { Awaitable } from '../time/awaitable.ts'
import type { Coordinator } from './coordinator.ts'

/** What is kept in a tier. Times are epoch milliseconds. */
export interface Stored {
  readonly bytes: Uint8Array
  readonly generation: string
  readonly fetchedAt: number
  readonly expiresAt: number
  /** natural expiry plus `staleIfError`: a tier may purge it after this */
  readonly keepUntil: number
}

/** What a tier knows about a key. A miss has a generation too: that is what a later write is compared with. */
export interface Lookup {
  readonly generation: string
  readonly stored: Stored | undefined
}

/**
 * A storage tier, shared by processes. `evercurrent/testing` has its contract as tests: `backendContract(make)`.
 *
 * Generations are opaque to whoever uses a tier. A tier that lost the record of one refuses the write it is compared
 * with, and never accepts it: after an eviction, a restart, or when the store was wiped.
 */
export interface CacheBackend {
  readonly name: string
  get(key: string, signal?: AbortSignal): Awaitable<Lookup>
  /** One look-up for each key, in their order. */
  getMany?(keys: readonly string[], signal?: AbortSignal): Awaitable<readonly Lookup[]>
  /**
   * With `ifGeneration`: stores only while the key still is at it. Without: stores always. Either way the key moves on.
   * Returns the generation now in force, `undefined` when it was refused.
   */
  set(
    key: string,
    stored: Omit<Stored, 'generation'>,
    options: { readonly ifGeneration?: string; readonly signal?: AbortSignal },
  ): Awaitable<string | undefined>
  /**
   * Moves the key on and leaves a tombstone for 24 h, whether or not it held anything. Refused by `ifGeneration`:
   * `existed` is false, and the generation is the one in force.
   */
  delete(
    key: string,
    options: { readonly ifGeneration?: string; readonly signal?: AbortSignal },
  ): Awaitable<{ readonly generation: string; readonly existed: boolean }>
  /**
   * Drops every key that begins with the prefix, and defeats late writes of such keys, of those too that never existed.
   * Returns how many it dropped, `undefined` when that is not cheaply known. An empty prefix is every key.
   */
  deletePrefix(prefix: string, signal?: AbortSignal): Awaitable<number | undefined>
  /** `undefined` when not cheaply known. */
  size?(): Awaitable<{ readonly entries: number; readonly bytes: number } | undefined>
  /** Joins the processes that use the tier. Without one each works for itself. */
  readonly coordinator?: Coordinator
  /** Closing twice is closing once; whatever is called after it rejects. */
  close?(): Awaitable<void>
}
