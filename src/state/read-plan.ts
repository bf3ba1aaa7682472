/** What a read does, decided from the state, the policy and the time alone. The class only carries plans out. */

import type { FetchReason } from '../events/cache-event.ts'
import type { Launch } from '../fetch/flight.ts'
import { longestWithoutValue, unattendedPause } from '../policy/backoff.ts'
import { type Entry, freshness, refreshAt } from '../policy/lifetime.ts'
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

type Live<V, F extends Launch<V>> = Exclude<State<V, F>, { readonly kind: 'disposed' }>

/** The first row that matches decides, and nothing else does (DESIGN: "How a read is decided"). */
export function planRead<V, F extends Launch<V>>(state: Live<V, F>, policy: Policy<V>, now: number): ReadPlan<V, F> {
  const { entry } = state
  const { setback, told } = state.trouble ?? {}
  const flight = state.kind === 'refreshing' ? state.flight : undefined
  const due = now >= nextFetchAt(state)

  if (setback?.fatal) {
    if (!due) return { step: 'reject', error: setback.fatal.error }
    return flight ? { step: 'join', flight } : { step: 'fetch', reason: fetchReason(state, now) }
  }
  if (entry !== undefined && usable(state, now)) {
    const refresh = due && flight === undefined
    return refresh
      ? { step: 'serve-and-refresh', entry, stale: false, reason: 'aging' }
      : { step: 'serve', entry, stale: false }
  }
  // Once a fetch has failed, readers who may have a stale value no longer wait for the next one.
  const failed = setback?.failure !== undefined && (told === undefined || told.tried)
  if (entry !== undefined && mayServeStale(state, policy, now)) {
    if (flight ? failed : !due) return { step: 'serve', entry, stale: true }
    if (!flight && failed) return { step: 'serve-and-refresh', entry, stale: true, reason: 'expired' }
  }
  if (flight) return { step: 'join', flight }
  // A cool-down without an error (an older result was dropped) leaves nothing to tell this reader: it fetches.
  if (!due && setback?.failure) return { step: 'reject', error: setback.failure.error }
  return { step: 'fetch', reason: fetchReason(state, now) }
}

/** Why a fetch that a read starts is needed. */
export function fetchReason(state: State<unknown>, now: number): FetchReason {
  return state.entry === undefined ? 'first' : usable(state, now) ? 'aging' : 'expired'
}

/** Held, unexpired and not told to expire: what `peek()` gives. */
export function usable<V, F extends Launch<V>>(
  state: State<V, F>,
  now: number,
): state is State<V, F> & { readonly entry: Entry<V> } {
  return state.entry !== undefined && now < state.entry.expiresAt && state.trouble?.told === undefined
}

/** Held and fresh: what `tryGet()` gives. */
export function fresh<V, F extends Launch<V>>(
  state: State<V, F>,
  now: number,
): state is State<V, F> & { readonly entry: Entry<V> } {
  return usable(state, now) && freshness(state.entry, now) === 'fresh'
}

/** Whether an expired value, or one told to expire, may still serve somebody who would else get an error. */
export function mayServeStale<V>(state: State<V>, policy: Policy<V>, now: number): boolean {
  return (
    state.entry !== undefined && !state.trouble?.setback?.fatal && now < state.entry.expiresAt + policy.staleIfError
  )
}

/**
 * When the next read may start a fetch: once the value wants one and the cool-down is over. The cool-down counts in full
 * while an unexpired value is held, and for a few seconds at most while none is.
 */
export function nextFetchAt(state: State<unknown>): number {
  const { entry } = state
  const { setback, told } = state.trouble ?? {}
  const calm = setback?.nextAttemptAt ?? Number.NEGATIVE_INFINITY
  const calmWithoutValue = setback ? Math.min(calm, setback.at + longestWithoutValue) : calm
  if (entry === undefined) return calmWithoutValue
  const wanted = told || setback?.fatal ? Number.NEGATIVE_INFINITY : refreshAt(entry)
  return Math.min(Math.max(wanted, calm), Math.max(entry.expiresAt, calmWithoutValue))
}

/** When `keepFresh()` starts a fetch: as a read would, but never twice within a second after one that brought nothing. */
export function nextUnattendedFetchAt(state: State<unknown>): number {
  const { setback } = state.trouble ?? {}
  const due = nextFetchAt(state)
  return setback && setback.nextAttemptAt <= setback.at ? Math.max(due, setback.at + unattendedPause) : due
}
