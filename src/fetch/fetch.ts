/** What a fetch is told, and what it may answer. */

import type { FetchReason } from '../events/cache-event.ts'
import type { Awaitable } from '../time/awaitable.ts'

declare const notModified: unique symbol
/** The answer "what you hold is still right". */
export interface NotModified {
  readonly [notModified]: true
}

/** What a fetch is told. Not generic on purpose: destructuring it must not stop V from being inferred from the result. */
export interface FetchContext {
  /** aborted by the timeout, by `dispose()`, and when the fetch is superseded with nobody waiting for it */
  readonly signal: AbortSignal
  readonly reason: FetchReason
  /** epoch milliseconds at which this fetch started: the origin of the value's age */
  readonly startedAt: number
  /** "The held value is still right": renews its age, keeps its identity. Throws `TypeError` when nothing was held. */
  notModified(): NotModified
}

/** A value and its times, in epoch milliseconds. */
export interface Held<V> {
  readonly value: V
  readonly fetchedAt: number
  readonly expiresAt: number
}

/**
 * Loads the value. Read its inputs inside, never before. `previous` is what is held, expired or not: a fetch that takes it
 * needs its result annotated, or `new BackgroundCache<V>`, because V cannot be inferred from a parameter.
 */
export type Fetch<V> = (context: FetchContext, previous: Held<V> | undefined) => Awaitable<V | NotModified>

/** What one read got and where it came from. */
export interface Reading<V> extends Held<V> {
  readonly from: 'memory' | 'backend' | 'source'
  /** past its expiry or told to expire */
  readonly stale: boolean
}

/** Registered, so that a cache understands the answer of another copy of the package. */
const mark = Symbol.for('evercurrent.notModified')
const answer = { [mark]: true } as unknown as NotModified

/** The answer itself; `somethingHeld` is what makes it a legal one. */
export function answerNotModified(somethingHeld: boolean): NotModified {
  if (somethingHeld) return answer
  throw new TypeError('Cannot answer notModified(): nothing was held when this fetch started')
}

export function isNotModified(result: unknown): result is NotModified {
  return (result as { [mark]?: unknown } | null | undefined)?.[mark] === true
}
