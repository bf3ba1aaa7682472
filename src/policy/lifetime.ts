/** How long a value is fresh, aging and alive: computed once when it arrives, compared with the time ever after. */

import { toEpoch } from '../time/duration.ts'
import { kindOf } from '../time/received.ts'
import type { Timeline } from '../time/timeline.ts'
import type { Policy } from './policy.ts'

/** A value and its times, in whole milliseconds of the cache's own time. */
export interface Entry<V> {
  readonly value: V
  /** when the fetch that brought it started: age counts from here */
  readonly fetchedAt: number
  readonly agingAt: number
  readonly expiresAt: number
  /** where jitter puts the refresh inside the window; absent when that is `agingAt` */
  readonly refreshAt?: number
}

export type Freshness = 'fresh' | 'aging' | 'expired'

export function freshness(entry: Entry<unknown>, now: number): Freshness {
  return now < entry.agingAt ? 'fresh' : now < entry.expiresAt ? 'aging' : 'expired'
}

/** From when on a read of an aging entry refreshes it. */
export function refreshAt(entry: Entry<unknown>): number {
  return entry.refreshAt ?? entry.agingAt
}

const minute = 60_000

/**
 * The window when none is configured: a fifth of the ttl, or tiers when the expiry is the value's own
 * (the tiers of the AWS SDKs' credential refresh: 5 minutes up to 20, 15 up to 90, 60 beyond).
 */
function defaultWindow(ttl: number, ownExpiryCounts: boolean, left: number): number {
  if (!ownExpiryCounts) return ttl / 5
  return left <= 20 * minute ? 5 * minute : left < 90 * minute ? 15 * minute : 60 * minute
}

export interface Arrival {
  readonly fetchedAt: number
  readonly arrivedAt: number
  /** the value's own expiry in the cache's time; `Infinity`: it carries none */
  readonly ownExpiry: number
  /** a number in [0, 1), asked for only when there is jitter */
  readonly draw: () => number
}

export function makeEntry<V>(policy: Policy<V>, value: V, arrival: Arrival): Entry<V> {
  const { fetchedAt, arrivedAt, ownExpiry } = arrival
  const expiresAt = Math.floor(Math.min(fetchedAt + policy.ttl, ownExpiry))
  if (expiresAt === Number.POSITIVE_INFINITY) return { value, fetchedAt, agingAt: expiresAt, expiresAt }
  const left = expiresAt - arrivedAt
  const wanted = policy.refreshWindow ?? defaultWindow(policy.ttl, ownExpiry < fetchedAt + policy.ttl, left)
  // At most half of what is left, or a short-lived value would be fetched again on every read.
  const window = Math.max(0, Math.floor(Math.min(wanted, left / 2)))
  const agingAt = expiresAt - window
  // A fifth field only where it says something: a registry holds these by the million.
  if (policy.jitter === 0) return { value, fetchedAt, agingAt, expiresAt }
  const delay = Math.floor(window * policy.jitter * arrival.draw())
  return { value, fetchedAt, agingAt, expiresAt, refreshAt: agingAt + delay }
}

/** The expiry a value brings along, or the explicit one given with it, in the cache's time. Throws on nonsense. */
export function ownExpiryOf<V>(
  policy: Policy<V>,
  timeline: Timeline,
  value: V,
  fetchedAt: number,
  given?: unknown,
): number {
  const expiry = given ?? policy.expiresAt?.(value, timeline.toEpoch(fetchedAt))
  return expiry === undefined ? Number.POSITIVE_INFINITY : timeline.fromEpoch(toEpoch('expiresAt', expiry, kindOf))
}

/** What to tell somebody whose value had expired before it arrived. */
export function explainExpired(timeline: Timeline, ownExpiry: number, now: number): string {
  const [expiry, epoch] = [timeline.toEpoch(ownExpiry), timeline.toEpoch(now)]
  const hint =
    expiry > 0 && expiry < epoch / 100 && expiry * 1000 > epoch / 2 ? ': seconds instead of milliseconds?' : ''
  return `expiresAt (${expiry}) is not after its arrival (${epoch}, epoch milliseconds)${hint}`
}
