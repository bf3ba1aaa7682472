/** What a read does, decided from the state, the policy and the time alone. The class only carries plans out. */

import type { FetchReason } from '../events/cache-event.ts'
import type { Launch } from '../fetch/flight.ts'
import { longestWithoutValue, unattendedPause } from '../policy/backoff.ts'
import { type Entry, refreshAt } from '../policy/lifetime.ts'
import type { Policy } from '../policy/policy.ts'
import type { State } from './state.ts'

export type ReadPlan<V, F> =
  | { readonly step: 'serve'; readonly entry: Entry<V>; readonly stale: boolean }
  | {
      readonly step: 'serve-and-refresh'
      readonly entry: Entry<V>
      readonly stale: boolean
      readonly reason: FetchReason
    }
  | { readonly step: 'join'; readonly flight: F }
  | { readonly step: 'fetch'; readonly reason: FetchReason }
  | { readonly step: 'reject'; readonly error: unknown }

/** The first row that matches decides, and nothing else does: see "How a read is decided" in docs/laws.md. */
export function planRead<V, F extends Launch<V>>(state: State<V, F>, policy: Policy<V>, now: number): ReadPlan<V, F> {
  const { entry, flight } = state
  const { setback, told } = state.trouble ?? {}
  const failure = setback?.failure
  const due = now >= nextFetchAt(state)
  const fit = isUsable(state, now)
  const reason = !entry ? 'first' : fit ? 'aging' : 'expired'
  const wait: ReadPlan<V, F> = flight ? { step: 'join', flight } : { step: 'fetch', reason }

  if (setback?.fatal) return due ? wait : { step: 'reject', error: setback.fatal.error }
  // Once a fetch has failed, readers who may have a stale value no longer wait for the next one.
  const behind = failure && (!told || told.tried)
  if (entry && (fit || (mayServeStale(state, policy, now) && (behind || (!flight && !due))))) {
    return { step: due && !flight ? 'serve-and-refresh' : 'serve', entry, stale: !fit, reason }
  }
  // A cool-down without an error (an older result was dropped) leaves nothing to tell this reader: it fetches.
  return !flight && !due && failure ? { step: 'reject', error: failure.error } : wait
}

/** Held, unexpired and not told to expire: what `peek()` gives. */
export function isUsable({ entry, trouble }: State<unknown>, now: number): boolean {
  return !!entry && now < entry.expiresAt && !trouble?.told
}

/** Whether an expired value, or one told to expire, may still serve somebody who would else get an error. */
export function mayServeStale<V>({ entry, trouble }: State<V>, policy: Policy<V>, now: number): boolean {
  return !!entry && !trouble?.setback?.fatal && now < entry.expiresAt + policy.staleIfError
}

/**
 * When the next read may start a fetch: once the value wants one and the cool-down is over. The cool-down counts in full
 * while an unexpired value is held, and for a few seconds at most while none is.
 */
export function nextFetchAt({ entry, trouble }: State<unknown>): number {
  const { setback, told } = trouble ?? {}
  const calm = setback?.nextAttemptAt ?? -Infinity
  const calmWithoutValue = Math.min(calm, (setback?.at ?? 0) + longestWithoutValue)
  if (!entry) return calmWithoutValue
  const wanted = told || setback?.fatal ? -Infinity : refreshAt(entry)
  return Math.min(Math.max(wanted, calm), Math.max(entry.expiresAt, calmWithoutValue))
}

/** When `keepFresh()` starts a fetch: as a read would, but never twice within a second after one that brought nothing. */
export function nextUnattendedFetchAt(state: State<unknown>): number {
  const { setback } = state.trouble ?? {}
  const due = nextFetchAt(state)
  return setback && setback.nextAttemptAt <= setback.at ? Math.max(due, setback.at + unattendedPause) : due
}
