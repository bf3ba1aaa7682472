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

export function snapshotOf<V>({ kind, entry, trouble }: State<V>, toEpoch: ToEpoch): Snapshot<V> {
  const { at = 0, attempts, nextAttemptAt = 0, failure } = trouble?.setback ?? {}
  return {
    status: kind,
    value: entry?.value,
    fetchedAt: entry && toEpoch(entry.fetchedAt),
    expiresAt: entry && toEpoch(entry.expiresAt),
    failure: failure && { error: failure.error, at: toEpoch(at), attempts, nextAttemptAt: toEpoch(nextAttemptAt) },
  } as Snapshot<V>
}

/** Whether no observer could tell the two apart. */
export function looksSame(a: State<unknown>, b: State<unknown>): boolean {
  const failureOf = ({ trouble }: State<unknown>) => trouble?.setback?.failure
  return a.kind === b.kind && a.entry === b.entry && failureOf(a) === failureOf(b)
}

export function inspect<V>(
  { kind, entry, trouble }: State<V, Launch<V>>,
  now: number,
  toEpoch: ToEpoch,
  counts: Pick<Inspection, 'generation' | 'waiting' | 'observers'>,
): Inspection {
  const setback = trouble?.setback
  return {
    status: kind,
    freshness: entry && (trouble?.told ? 'expired' : freshness(entry, now)),
    age: entry && now - entry.fetchedAt,
    refreshAt: entry && toEpoch(refreshAt(entry)),
    expiresAt: entry && toEpoch(entry.expiresAt),
    nextAttemptAt: setback && toEpoch(setback.nextAttemptAt),
    lastError: setback?.failure?.error,
    ...counts,
  }
}
