/** What the result of a fetch means for what is held: the only place that asks the user's comparisons. */

import { InvalidValueError } from '../errors.ts'
import { freezeDeep } from '../policy/freeze.ts'
import { type Entry, explainExpired, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import type { Policy } from '../policy/policy.ts'
import type { Timeline } from '../time/timeline.ts'
import { isNotModified, type NotModified } from './fetch.ts'
import type { Launch } from './flight.ts'

export type Verdict<V> =
  /** a new value, or the held one with a new age */
  | { readonly kind: 'replaced' | 'renewed'; readonly entry: Entry<V> }
  /** took longer than it may live: for its waiters only */
  | { readonly kind: 'slow'; readonly entry: Entry<V> }
  /** older than what is held, by the author's own `isNewer` */
  | { readonly kind: 'older' }

interface Case<V> {
  readonly policy: Policy<V>
  readonly timeline: Timeline
  readonly launch: Launch<V>
  readonly held: Entry<V> | undefined
  readonly now: number
  readonly draw: () => number
}

/** Throws what makes the fetch a failed one, errors of the user's callbacks included. */
export function judge<V>(result: V | NotModified | undefined, of: Case<V>): Verdict<V> {
  const { policy, timeline, launch, now, held } = of
  const unmodified = isNotModified(result)
  if (unmodified && launch.previous === undefined) throw new InvalidValueError('notModified, but nothing was held')
  const value = unmodified ? (launch.previous as Entry<V>).value : result
  if (value === undefined)
    throw new InvalidValueError('The fetch resolved to undefined, which is not a value: use null')

  const same = held !== undefined && (Object.is(value, held.value) || (!unmodified && policy.equals(value, held.value)))
  if (held !== undefined && !same && policy.isNewer?.(value, held.value) === false) return { kind: 'older' }

  const ownExpiry = ownExpiryOf(policy, timeline, value, launch.startedAt)
  if (ownExpiry <= now) throw new InvalidValueError(explainExpired(timeline, ownExpiry, now))
  const arrival = { fetchedAt: launch.startedAt, arrivedAt: now, ownExpiry, draw: of.draw }
  const entry = makeEntry(policy, same ? held.value : value, arrival)
  if (policy.freeze) freezeDeep(entry.value)
  return { kind: entry.expiresAt <= now ? 'slow' : same ? 'renewed' : 'replaced', entry }
}
