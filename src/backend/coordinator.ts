/** How the processes that share a tier agree on who fetches, and hear of what the others changed. */

import type { Awaitable } from '../time/awaitable.ts'

/** A key, or all keys with a prefix, moved on to this generation. Never carries a value. */
export interface Announcement {
  readonly key: string
  readonly generation: string
  /** who says so: whoever published it ignores it */
  readonly origin: string
  /** `key` is a prefix */
  readonly prefix?: true
}

/** The right to fetch one key. It ends by itself when its holder dies. */
export interface Lease {
  /** grows with every lease of the key */
  readonly fence: string
  release(): Awaitable<void>
}

export interface Coordinator {
  /**
   * Resolves with the lease once this process may fetch. `undefined`: another one held it and is done, so the tier is to
   * be looked at again. Rejects when the signal fires, or when nobody can be asked: then each fetches for itself.
   */
  lease(key: string, signal: AbortSignal): Awaitable<Lease | undefined>
  publish(message: Announcement): Awaitable<void>
  /** `lost-messages`: the connection was away, and nobody knows what was said meanwhile. Returns what ends it. */
  subscribe(listener: (message: Announcement | 'lost-messages') => void): Awaitable<() => void>
}
