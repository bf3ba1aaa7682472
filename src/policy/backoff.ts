/** How long to leave the source alone after a failure. */

import type { Backoff } from './policy.ts'

/** What a `Retry-After` may ask for at most. */
const longestRetryAfter = 3_600_000

/** A cool-down counts as at most this long while nothing usable is held: somebody is waiting for a first value. */
export const longestWithoutValue = 5000

/** How long "it does not exist" is remembered at most. */
export const longestGone = 5000

/** With the cool-down turned off, attempts that nobody waits for still keep this distance. */
export const unattendedPause = 1000

/**
 * The delay after the n-th failure in a row: exponential with equal jitter, between half the delay and the delay
 * (after Marc Brooker's "Exponential Backoff And Jitter"); `retryAfter` may lengthen it.
 */
export function coolDown(backoff: Backoff | false, attempts: number, draw: number, retryAfter: number): number {
  if (!backoff) return 0
  const delay = Math.min(backoff.max, backoff.base * 2 ** (attempts - 1))
  return Math.max(Math.round(delay / 2 + (draw * delay) / 2), Math.min(Math.ceil(retryAfter), longestRetryAfter))
}
