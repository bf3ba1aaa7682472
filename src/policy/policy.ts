/** What the user decides about freshness and failure, checked and completed once. */

import { type Duration, type Instant, toMilliseconds } from '../time/duration.ts'
import { received } from '../time/received.ts'
import type { ErrorClass } from '../events/cache-event.ts'
import { checkKeys, checkType } from './check.ts'

/** How values of one kind are kept current. Durations are milliseconds or strings such as `'30s'`. */
export interface PolicyOptions<V> {
  /** How long a value lives, counted from the start of its fetch. Required unless `expiresAt` is given. */
  readonly ttl?: Duration
  /**
   * How long before its expiry a value is refreshed, behind the readers. Default: a fifth of `ttl`; when the expiry
   * comes from the value, 5 minutes for lifetimes up to 20 minutes, 15 up to 90, 60 beyond. The window in force is at
   * most half of the lifetime left when the value arrived.
   */
  readonly refreshWindow?: Duration
  /** Share of the window, 0 to 1, by which the refresh may be delayed at random inside it. Default 0. */
  readonly jitter?: number
  /** The value's own expiry. `undefined`: it carries none, and only `ttl` counts. The earlier of the two is in force. */
  readonly expiresAt?: (value: V, fetchedAt: number) => Instant | undefined
  /** How long an expired value may serve while fetches fail (RFC 5861). Default 0. */
  readonly staleIfError?: Duration
  /** When a fetch that has not settled is aborted and counts as failed. Default 30 s; `Infinity`: never. */
  readonly fetchTimeout?: Duration
  /** How long a reader waits before it takes a stale value or a `WaitTimeoutError`. Default: as long as it takes. */
  readonly maxWait?: Duration
  /** The cool-down after a failure, doubling from `base` (default 1 s) to `max` (default 60 s). `false`: none. */
  readonly backoff?: false | { readonly base?: Duration; readonly max?: Duration }
  /** Whether a result says the same as the value held, whose identity is then kept. Default `Object.is`. */
  readonly equals?: (next: V, held: V) => boolean
  /** `false`: the result is older than what is held, and is dropped. */
  readonly isNewer?: (next: V, held: V) => boolean
  /** What a failure means. Default: always `'retry'`. */
  readonly classifyError?: (error: unknown) => ErrorClass
  /** Lengthens the cool-down after this error, as a `Retry-After` header asks; at most 1 h. */
  readonly retryAfter?: (error: unknown) => Duration | undefined
  /** Freezes values deeply outside production (`NODE_ENV`). Default `false`. */
  readonly freeze?: boolean
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
  readonly refreshWindow: number | undefined
  readonly jitter: number
  readonly expiresAt: PolicyOptions<V>['expiresAt']
  readonly staleIfError: number
  readonly fetchTimeout: number
  readonly maxWait: number
  readonly backoff: Backoff | false
  readonly equals: (next: V, held: V) => boolean
  readonly isNewer: PolicyOptions<V>['isNewer']
  readonly classifyError: PolicyOptions<V>['classifyError']
  readonly retryAfter: PolicyOptions<V>['retryAfter']
  readonly freeze: boolean
}

export const policyKeys = [
  'ttl',
  'refreshWindow',
  'jitter',
  'expiresAt',
  'staleIfError',
  'fetchTimeout',
  'maxWait',
  'backoff',
  'equals',
  'isNewer',
  'classifyError',
  'retryAfter',
  'freeze',
] as const

/** Throws `TypeError` or `RangeError` naming the option; unknown keys are the caller's to refuse. */
export function resolvePolicy<V>(options: PolicyOptions<V>): Policy<V> {
  const { jitter = 0, expiresAt, equals = Object.is, isNewer, classifyError, retryAfter, freeze = false } = options
  for (const [name, callback] of Object.entries({ expiresAt, equals, isNewer, classifyError, retryAfter })) {
    checkType(name, callback, 'function')
  }
  checkType('freeze', freeze, 'boolean')
  if (typeof jitter !== 'number') throw new TypeError(`Cannot use jitter: not a number: received ${received(jitter)}`)
  if (!(jitter >= 0 && jitter <= 1)) throw new RangeError(`Cannot use jitter: not within 0 and 1: received ${jitter}`)
  const duration = (name: keyof PolicyOptions<V>, fallback: number, least: 0 | 1) =>
    options[name] === undefined ? fallback : toMilliseconds(name, options[name], least)

  if (options.ttl === undefined && expiresAt === undefined) {
    throw new TypeError('Cannot use ttl: it is required unless expiresAt is given: received undefined')
  }
  const ttl = duration('ttl', Number.POSITIVE_INFINITY, 1)
  const refreshWindow =
    options.refreshWindow === undefined
      ? undefined
      : toMilliseconds('refreshWindow', options.refreshWindow, 0, Number.MAX_VALUE)
  if (refreshWindow !== undefined && refreshWindow >= ttl) {
    throw new RangeError(
      `Cannot use refreshWindow: not shorter than ttl (${ttl} ms): received ${received(options.refreshWindow)}`,
    )
  }
  return {
    ttl,
    refreshWindow,
    jitter,
    expiresAt,
    staleIfError: duration('staleIfError', 0, 0),
    fetchTimeout: duration('fetchTimeout', 30_000, 1),
    maxWait: duration('maxWait', Number.POSITIVE_INFINITY, 0),
    backoff: resolveBackoff(options.backoff),
    equals,
    isNewer,
    classifyError,
    retryAfter,
    freeze,
  }
}

function resolveBackoff(backoff: unknown): Backoff | false {
  if (backoff === false) return false
  if (backoff === undefined) return { base: 1000, max: 60_000 }
  if (typeof backoff !== 'object' || backoff === null) {
    throw new TypeError(`Cannot use backoff: not false or { base, max }: received ${received(backoff)}`)
  }
  checkKeys('backoff', backoff, ['base', 'max'])
  const given = backoff as { base?: unknown; max?: unknown }
  const part = (name: 'base' | 'max') =>
    given[name] === undefined ? undefined : toMilliseconds(`backoff.${name}`, given[name], 1, Number.MAX_VALUE)
  const base = part('base')
  const max = part('max')
  if (base !== undefined && max !== undefined && base > max) {
    throw new RangeError(
      `Cannot use backoff.base: longer than backoff.max (${max} ms): received ${received(given.base)}`,
    )
  }
  return { base: base ?? Math.min(1000, max ?? 1000), max: max ?? Math.max(60_000, base ?? 0) }
}
