/** How long a value is fresh, aging and alive: computed once when it arrives, compared with the time ever after. */

import { parseInstant } from '../time/duration.ts'
import type { Timeline } from '../time/timeline.ts'
import { refuse } from './options.ts'
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
  return minute * (left <= 20 * minute ? 5 : left < 90 * minute ? 15 : 60)
}

export interface Arrival {
  readonly fetchedAt: number
  readonly arrivedAt: number
  /** the value's own expiry in the cache's time; `Infinity`: it carries none */
  readonly ownExpiry: number
  /** a number in [0, 1], asked for only when there is jitter */
  readonly draw: () => number
}

export function makeEntry<V>(policy: Policy<V>, value: V, arrival: Arrival): Entry<V> {
  const { fetchedAt, arrivedAt, ownExpiry, draw } = arrival
  const { ttl, jitter } = policy
  const expiresAt = Math.floor(Math.min(fetchedAt + ttl, ownExpiry))
  const left = expiresAt - arrivedAt
  const wanted = policy.refreshWindow ?? defaultWindow(ttl, ownExpiry < fetchedAt + ttl, left)
  // At most half of what is left, or a short-lived value would be fetched again on every read.
  const window = left < Infinity ? Math.max(0, Math.floor(Math.min(wanted, left / 2))) : 0
  const agingAt = expiresAt - window
  const entry = { value, fetchedAt, agingAt, expiresAt }
  // A fifth field only where it says something: a registry holds these by the million.
  return jitter ? { ...entry, refreshAt: agingAt + Math.floor(window * jitter * draw()) } : entry
}

/** The expiry a value brings along, or the one given with it if that is earlier, in the cache's time. Throws on nonsense. */
export function ownExpiryOf<V>(
  policy: Policy<V>,
  timeline: Timeline,
  value: V,
  fetchedAt: number,
  given = Infinity,
): number {
  const expiry = policy.expiresAt?.(value, timeline.toEpoch(fetchedAt))
  const epoch = expiry === undefined ? Infinity : parseInstant(expiry)
  // By its kind alone: it was derived from a value.
  if (Number.isNaN(epoch)) refuse('expiresAt', 'epoch milliseconds or a Date', Object(expiry))
  return timeline.fromEpoch(Math.min(epoch, given))
}

/** What to tell somebody whose value had expired before it arrived. */
export function explainExpired(timeline: Timeline, ownExpiry: number, now: number): string {
  const [expiry, epoch] = [timeline.toEpoch(ownExpiry), timeline.toEpoch(now)]
  const seconds = expiry < epoch / 100 && expiry * 1000 > epoch / 2
  return `expiresAt (${expiry}) is past at ${epoch} ms${seconds ? ': seconds instead of milliseconds?' : ''}`
}
