/**
 * The states of one cached value. No timer, promise or I/O enters here, and time is not a state.
 *
 *              launch                    landed
 *     empty ───────────▶ refreshing ───────────────▶ current
 *       ▲                  │    ▲                       │
 *       │ invalidate       │    │ launch: read in the   │
 *       └──────────────────┘    │ window or after expiry│
 *          (any state)          └───────────────────────┘
 *
 *     failed: refreshing ─▶ current (what was held before) or empty, plus a setback
 *
 * The flight lives inside `refreshing`, so "refreshing without a flight" cannot be written, and whether a fetch still
 * owns the slot is one comparison of identities. Why identity and not a counter:
 *
 *     reader:  launch A ──────────────────────────────▶ A lands: not the flight in the slot, changes nothing
 *     writer:            set('b')   launch C ──▶ C lands
 */

import type { ErrorClass } from '../events/cache-event.ts'
import type { Launch } from '../fetch/flight.ts'
import type { Entry } from '../policy/lifetime.ts'

/** Boxed, because a fetch may fail with `undefined`. */
export interface Failure {
  readonly error: unknown
  readonly class: ErrorClass
}

/** The last attempt did not renew the value. Any success and `set` clear it. */
export interface Setback {
  readonly at: number
  readonly attempts: number
  /** the cool-down ends here */
  readonly nextAttemptAt: number
  /** absent when the source answered, but with something too old or too slow to keep */
  readonly failure?: Failure | undefined
  /** the fatal failure since the last success, which later failures do not hide */
  readonly fatal?: Failure | undefined
}

/** `expire()` was called: one read waits again. */
export interface ToldToExpire {
  readonly at: number
  /** another process changed it, too: what the tier holds counts, or that it holds nothing */
  readonly announced?: boolean
  /** a fetch failed since, so the value serves on as stale */
  readonly tried?: boolean
}

/** Values rejected one right after another, as with a permanent 401. */
export interface Rejections {
  readonly inARow: number
  /** since when the successor of the last rejected value is held */
  readonly heldSince?: number
}

/** What a healthy value need not carry. */
export interface Trouble {
  readonly setback?: Setback | undefined
  readonly told?: ToldToExpire | undefined
  readonly rejections?: Rejections | undefined
}

interface Rest {
  readonly trouble?: Trouble | undefined
  readonly flight?: undefined
  readonly queued?: undefined
}

export type State<V, F extends Launch<V> = Launch<V>> =
  | ({ readonly kind: 'empty'; readonly entry?: undefined } & Rest)
  | ({ readonly kind: 'current'; readonly entry: Entry<V> } & Rest)
  | {
      readonly kind: 'refreshing'
      /** what is held meanwhile */
      readonly entry?: Entry<V> | undefined
      readonly trouble?: Trouble | undefined
      readonly flight: F
      /** a trailing fetch is wanted by callers of `refresh()` that came after the launch */
      readonly queued?: boolean | undefined
    }
  | ({ readonly kind: 'disposed'; readonly entry?: undefined } & Rest)

/** What every cache begins with. */
export const empty: State<never, never> = { kind: 'empty' }
