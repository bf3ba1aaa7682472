/** How a fetch ended badly, and what the user's callbacks make of it. */

import type { ErrorClass } from '../events/cache-event.ts'
import type { Policy } from '../policy/policy.ts'
import { toMilliseconds } from '../time/duration.ts'

export interface Defeat {
  readonly error: unknown
  readonly class: ErrorClass
  /** a number in [0, 1] for the jitter of the cool-down */
  readonly draw: number
  /** milliseconds, 0 when nothing was asked for */
  readonly retryAfter: number
}

/** Calls the user's code; `undefined` when that failed. */
type Guard = <T>(call: () => T) => T | undefined

export function defeatOf<V>(error: unknown, policy: Policy<V>, draw: number, guard: Guard): Defeat {
  const { classifyError, retryAfter } = policy
  const answer = classifyError && guard(() => classifyError(error))
  const delay = guard(() => {
    const asked = retryAfter?.(error)
    return asked === undefined ? 0 : toMilliseconds('retryAfter', asked, 0)
  })
  return { error, class: answer === 'fatal' || answer === 'gone' ? answer : 'retry', draw, retryAfter: delay ?? 0 }
}
