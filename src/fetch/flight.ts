/** One fetch in the air, and everybody who waits for it. */

import type { DiscardReason, FetchReason } from '../events/cache-event.ts'
import type { Entry } from '../policy/lifetime.ts'
import { openRoom, type WaitingRoom } from './waiting-room.ts'

/** What the state machine knows of a fetch: its identity is the ticket, this is what is written on it. */
export interface Launch<V> {
  readonly reason: FetchReason
  /** in the cache's time */
  readonly startedAt: number
  /** what was held at the launch */
  readonly previous: Entry<V> | undefined
  /** a tier is asked first: the source was not, and may never be */
  readonly isLookingUp?: boolean
}

/**
 * Readers and refreshers wait apart, because a failed fetch may leave a reader with a stale value, but never somebody
 * who asked for a newer one.
 */
export interface Flight<V> extends Launch<V> {
  startedAt: number
  previous: Entry<V> | undefined
  isLookingUp?: boolean
  readers: WaitingRoom<V>
  readonly refreshers: WaitingRoom<V>
  readonly controller: AbortController
  /** why it lost the slot; it may fly on for those who wait */
  lostTo?: DiscardReason | undefined
  /** its waiters have their answer, or there are none: what it brings concerns nobody */
  over?: boolean
  stopTimer(): void
}

export function createFlight<V>(launch: Launch<V>, refreshers = openRoom<V>()): Flight<V> {
  // Written out: a spread would make an object of ten times the size.
  const { reason, startedAt, previous } = launch
  const controller = new AbortController()
  return { reason, startedAt, previous, readers: openRoom(), refreshers, controller, stopTimer() {} }
}
