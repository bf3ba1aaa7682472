/** What the user decides about freshness and failure, checked and completed once. */

import type { ErrorClass } from '../events/cache-event.ts'
import type { Duration, Instant } from '../time/duration.ts'
import { isProduction } from './freeze.ts'
import { checkOptions, duration, isA, type Rule, refuse } from './options.ts'

/** How values of one kind are kept current. Durations are milliseconds or strings such as `'30s'`. */
export interface PolicyOptions<V> {
  /** How long a value lives, counted from the start of its fetch. Required unless `expiresAt` is given. */
  readonly ttl?: Duration
  /**
   * How long before its expiry a value is refreshed, behind the readers. Default: a fifth of `ttl`; when the expiry
   * comes from the value, 5 minutes for lifetimes up to 20 minutes, 15 up to 90, 60 beyond. The window in force is at
   * most half of the lifetime left when the value arrived.
   */
  readonly refreshWindow?: Duration | undefined
  /** Share of the window, 0 to 1, by which the refresh may be delayed at random inside it. Default 0. */
  readonly jitter?: number | undefined
  /**
   * The value's own expiry; write it behind `fetch`, so that V is known. `undefined`: it carries none, and only `ttl`
   * counts. The earlier of the two is in force.
   */
  readonly expiresAt?: (value: V, fetchedAt: number) => Instant | undefined
  /** How long an expired value may serve while fetches fail (RFC 5861). Default 0. */
  readonly staleIfError?: Duration | undefined
  /** When a fetch that has not settled, its schema included, is aborted and counts as failed. Default 30 s. */
  readonly fetchTimeout?: Duration | undefined
  /** How long a reader waits before it takes a stale value or a `WaitTimeoutError`. Default: as long as it takes. */
  readonly maxWait?: Duration | undefined
  /** The cool-down after a failure, doubling from `base` (default 1 s) to `max` (default 60 s). `false`: none. */
  readonly backoff?: false | { readonly base?: Duration | undefined; readonly max?: Duration | undefined } | undefined
  /**
   * Whether a result says the same as the value held, whose identity is then kept. Default `Object.is`. This, `isNewer`
   * and `expiresAt` answer at once; if one throws, the fetch has failed.
   */
  readonly equals?: ((next: V, held: V) => boolean) | undefined
  /** `false`: the result is older than what is held, and is dropped. */
  readonly isNewer?: ((next: V, held: V) => boolean) | undefined
  /** What a failure means. Default: always `'retry'`, also when this throws. */
  readonly classifyError?: ((error: unknown) => ErrorClass) | undefined
  /** Lengthens the cool-down after this error, as a `Retry-After` header asks; at most 1 h. */
  readonly retryAfter?: ((error: unknown) => Duration | undefined) | undefined
  /** Freezes values deeply outside production (`NODE_ENV`), whatever is reachable from them. Default `false`. */
  readonly freeze?: boolean | undefined
}

/** A value must be able to end: by `ttl`, by its own `expiresAt`, or both. */
export type Lifetime<V> =
  | { readonly ttl: Duration }
  | { readonly expiresAt: NonNullable<PolicyOptions<V>['expiresAt']> }

export interface Backoff {
  readonly base: number
  readonly max: number
}

/** The options with every default filled in, in whole milliseconds. */
export interface Policy<V> {
  readonly ttl: number
  /** absent: the default depends on where the expiry of each value comes from */
  readonly refreshWindow?: number | undefined
  readonly jitter: number
  readonly expiresAt?: PolicyOptions<V>['expiresAt']
  readonly staleIfError: number
  readonly fetchTimeout: number
  readonly maxWait: number
  readonly backoff: Backoff | false
  readonly equals: (next: V, held: V) => boolean
  readonly isNewer?: PolicyOptions<V>['isNewer']
  readonly classifyError?: PolicyOptions<V>['classifyError']
  readonly retryAfter?: PolicyOptions<V>['retryAfter']
  readonly freeze?: boolean | undefined
}

const finite = Number.MAX_VALUE

const jitter: Rule<number> = (option, value) =>
  typeof value === 'number' && value >= 0 && value <= 1
    ? value
    : refuse(option, 'a number from 0 to 1', value, typeof value === 'number')

const backoff: Rule<Backoff | false> = (option, value) => {
  if (value === false) return value
  if (Object(value) !== value) refuse(option, 'false, or an object with base and max', value)
  const { base, max } = checkOptions(option, value, { base: duration(1, finite), max: duration(1, finite) }, 'backoff.')
  if ((base ?? 0) > (max ?? Infinity)) refuse('backoff.base', `at most backoff.max (${max})`, base, true)
  return { base: base ?? Math.min(1000, max ?? 1000), max: max ?? Math.max(60_000, base ?? 0) }
}

/** An answer that comes later would count as `true`, and its rejection would be nobody's. */
const callback: Rule<never> = (option, value) => {
  const call = isA<(...given: unknown[]) => unknown>('function')(option, value)
  return ((...given: unknown[]) => {
    const answer = call(...given)
    if (!(answer instanceof Promise)) return answer
    answer.catch(() => {})
    return refuse(option, 'a function that answers at once', answer, false, 'a promise')
  }) as never
}

// Made by a call that can be left out by whoever needs none of it.
export const policyRules = /* @__PURE__ */ (() => ({
  ttl: duration(1),
  refreshWindow: duration(0, finite),
  jitter,
  expiresAt: callback,
  staleIfError: duration(0),
  fetchTimeout: duration(1),
  maxWait: duration(0),
  backoff,
  equals: callback,
  isNewer: callback,
  classifyError: callback,
  retryAfter: callback,
  freeze: isA<boolean>('boolean'),
}))()

type Checked<V> = { readonly [K in keyof Policy<V>]?: Policy<V>[K] | undefined }

/** Fills in the defaults of options that were checked, and checks what only two of them together can get wrong. */
export function resolvePolicy<V>(checked: Checked<V>, given: PolicyOptions<V>): Policy<V> {
  const { ttl = Infinity, refreshWindow = 0, expiresAt } = checked
  if (!checked.ttl && !expiresAt) refuse('ttl', "a duration such as '30s', unless expiresAt is given", given.ttl)
  if (refreshWindow >= ttl) refuse('refreshWindow', `less than ttl (${ttl})`, given.refreshWindow, true)
  // Frozen values are a help in development, and a cost in production.
  const freeze = checked.freeze && !isProduction()
  return { ...(defaults as Policy<V>), ...(checked as Partial<Policy<V>>), freeze }
}

const defaults = {
  ttl: Infinity,
  jitter: 0,
  staleIfError: 0,
  fetchTimeout: 30_000,
  maxWait: Infinity,
  backoff: { base: 1000, max: 60_000 },
  equals: Object.is,
}
