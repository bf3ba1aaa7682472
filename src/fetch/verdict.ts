/** What the result of a fetch means for what is held: the only place that asks the user's comparisons. */

import { InvalidValueError } from '../errors.ts'
import type { ErrorClass } from '../events/cache-event.ts'
import { freezeDeep } from '../policy/freeze.ts'
import { type Entry, explainExpired, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import { duration } from '../policy/options.ts'
import type { Policy } from '../policy/policy.ts'
import type { Timeline } from '../time/timeline.ts'
import { isNotModified, type NotModified } from './fetch.ts'
import type { Launch } from './flight.ts'

export type Verdict<V> =
  /** a new value, or the held one with a new age */
  | { readonly kind: 'replaced' | 'renewed'; readonly entry: Entry<V> }
  /** took longer than it may live: for its waiters only */
  | { readonly kind: 'slow'; readonly entry: Entry<V> }
  /** older than what is held, by the author's own `isNewer`: the waiters get what is held */
  | { readonly kind: 'older'; readonly entry: Entry<V>; readonly draw: number }
  | Defeat

/** A verdict that brought something. */
export type Landing<V> = Exclude<Verdict<V>, Defeat>

/** How a fetch ended badly. */
export interface Defeat {
  readonly kind: 'failed'
  readonly error: unknown
  readonly class: ErrorClass
  /** a number in [0, 1] for the jitter of the cool-down */
  readonly draw: number
  /** milliseconds, 0 when nothing was asked for */
  readonly retryAfter: number
}

interface Case<V> {
  readonly policy: Policy<V>
  readonly timeline: Timeline
  readonly launch: Launch<V>
  readonly held: Entry<V> | undefined
  readonly now: number
  readonly draw: () => number
}

/** Throws what makes the fetch a failed one, errors of the user's callbacks included. */
export function judge<V>(result: V | NotModified | undefined, of: Case<V>): Landing<V> {
  const { policy, timeline, launch, now, held, draw } = of
  const unmodified = isNotModified(result)
  const value = unmodified ? launch.previous?.value : result
  if (value === undefined) {
    throw new InvalidValueError(
      `The fetch resolved to ${unmodified ? 'notModified, but nothing was held' : 'undefined: use null'}`,
    )
  }
  const same = held && (Object.is(value, held.value) || (!unmodified && policy.equals(value, held.value)))
  if (held && !same && policy.isNewer?.(value, held.value) === false)
    return { kind: 'older', entry: held, draw: draw() }

  const fetchedAt = launch.startedAt
  const ownExpiry = ownExpiryOf(policy, timeline, value, fetchedAt)
  if (ownExpiry <= now) throw new InvalidValueError(explainExpired(timeline, ownExpiry, now))
  const entry = makeEntry(policy, same ? held.value : value, { fetchedAt, arrivedAt: now, ownExpiry, draw })
  if (policy.freeze) freezeDeep(entry.value)
  return { kind: entry.expiresAt <= now ? 'slow' : same ? 'renewed' : 'replaced', entry }
}

/** Calls the user's code; `undefined` when that failed. */
type Guard = <T>(call: () => T) => T | undefined

/** What a failure means, as the user's callbacks see it. */
export function judgeFailure<V>(error: unknown, policy: Policy<V>, draw: number, guard: Guard): Defeat {
  const answer = guard(() => policy.classifyError?.(error))
  const delay = guard(() => duration(0)('retryAfter', policy.retryAfter?.(error) ?? 0)) ?? 0
  return {
    kind: 'failed',
    error,
    class: answer === 'fatal' || answer === 'gone' ? answer : 'retry',
    draw,
    retryAfter: delay,
  }
}
