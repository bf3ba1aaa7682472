/** How a state looks from outside: to observers, and to whoever debugs it. */

import type { Launch } from '../fetch/flight.ts'
import { freshness, refreshAt } from '../policy/lifetime.ts'
import type { State } from './state.ts'

/** The failure since the last success. Times are epoch milliseconds. */
export interface Failure {
  readonly error: unknown
  readonly at: number
  readonly attempts: number
  readonly nextAttemptAt: number
}

interface WithValue<V> {
  readonly value: V
  readonly fetchedAt: number
  readonly expiresAt: number
  readonly failure: Failure | undefined
}
interface WithoutValue {
  readonly value: undefined
  readonly fetchedAt: undefined
  readonly expiresAt: undefined
  readonly failure: Failure | undefined
}

/**
 * The state as observers see it, in epoch milliseconds. The value is here on purpose, expired or not: time is not a
 * state. Every variant has every key, so it can be destructured.
 */
export type Snapshot<V> =
  | ({ readonly status: 'empty' } & WithoutValue)
  | ({ readonly status: 'current' } & WithValue<V>)
  | ({ readonly status: 'refreshing' } & WithValue<V>)
  | ({ readonly status: 'refreshing' } & WithoutValue)
  | ({ readonly status: 'disposed' } & WithoutValue & { readonly failure: undefined })

/** What is known of a cache without its value. Times are epoch milliseconds, `age` is milliseconds. */
export interface Inspection {
  readonly status: Snapshot<unknown>['status']
  /** a value told to expire is `expired` */
  readonly freshness: 'fresh' | 'aging' | 'expired' | undefined
  readonly age: number | undefined
  readonly refreshAt: number | undefined
  readonly expiresAt: number | undefined
  /** the end of the cool-down */
  readonly nextAttemptAt: number | undefined
  readonly lastError: unknown
  /** moved by every mutation: a fetch launched under an older one changes nothing */
  readonly generation: number
  readonly waiting: number
  readonly observers: number
}

type ToEpoch = (at: number) => number

export function snapshotOf<V>(state: State<V>, toEpoch: ToEpoch): Snapshot<V> {
  const { entry } = state
  const setback = state.trouble?.setback
  const failure = setback?.failure && {
    error: setback.failure.error,
    at: toEpoch(setback.at),
    attempts: setback.attempts,
    nextAttemptAt: toEpoch(setback.nextAttemptAt),
  }
  const times = entry
    ? { value: entry.value, fetchedAt: toEpoch(entry.fetchedAt), expiresAt: toEpoch(entry.expiresAt) }
    : { value: undefined, fetchedAt: undefined, expiresAt: undefined }
  return { status: state.kind, ...times, failure } as Snapshot<V>
}

/** Whether observers could tell the two apart. */
export function sameSnapshot(a: Snapshot<unknown>, b: Snapshot<unknown>): boolean {
  return (
    a.status === b.status &&
    Object.is(a.value, b.value) &&
    a.fetchedAt === b.fetchedAt &&
    a.expiresAt === b.expiresAt &&
    Object.is(a.failure?.error, b.failure?.error) &&
    a.failure?.at === b.failure?.at &&
    a.failure?.attempts === b.failure?.attempts
  )
}

export function inspect<V>(
  state: State<V, Launch<V>>,
  now: number,
  toEpoch: ToEpoch,
  counts: Pick<Inspection, 'generation' | 'waiting' | 'observers'>,
): Inspection {
  const { entry, trouble } = state
  return {
    status: state.kind,
    freshness: entry && (trouble?.told ? 'expired' : freshness(entry, now)),
    age: entry && now - entry.fetchedAt,
    refreshAt: entry && toEpoch(refreshAt(entry)),
    expiresAt: entry && toEpoch(entry.expiresAt),
    nextAttemptAt: trouble?.setback && toEpoch(trouble.setback.nextAttemptAt),
    lastError: trouble?.setback?.failure?.error,
    ...counts,
  }
}
