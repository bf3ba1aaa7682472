/** Calls of a tier that cost at most a deadline, and that are not made while it fails: a circuit breaker. */

import { BackendError } from '../errors.ts'
import type { Fact } from '../events/cache-event.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { Clock } from '../time/clock.ts'
import type { Timeline } from '../time/timeline.ts'
import { startTimer } from '../time/timer.ts'

/** So many failures in a row, and the tier is left alone; after that one call probes it, at growing intervals. */
const failuresToOpen = 5
const firstPause = 1000
const longestPause = 30_000

export type Guarded = ReturnType<typeof guardBackend>

export function guardBackend(
  name: string,
  clock: Clock,
  { now, checkedNow, toEpoch }: Timeline,
  tell: (fact: Fact) => void,
) {
  let failures = 0
  let pause = 0
  let closedUntil = -Infinity
  let isProbing = false

  const succeeded = () => {
    if (pause) tell({ kind: 'backend-resumed' })
    failures = pause = 0
  }
  /** As one of ours, whatever was thrown. */
  const failed = (operation: string, thrown: unknown, wasProbe: boolean): BackendError => {
    const error =
      thrown instanceof BackendError
        ? thrown
        : new BackendError(`Backend '${name}' failed to ${operation}`, { operation, reason: 'failed', cause: thrown })
    tell({ kind: 'backend-failed', operation, error })
    // One that is full, or refuses a value, answers: it is not down.
    if (error.reason === 'full' || error.reason === 'refused') succeeded()
    // What was asked before it was left alone says nothing new.
    else if (wasProbe || (++failures >= failuresToOpen && !pause)) {
      pause = Math.min(Math.max(firstPause, 2 * pause), longestPause)
      closedUntil = checkedNow() + pause
      tell({ kind: 'backend-suspended', until: toEpoch(closedUntil) })
    }
    return error
  }

  return {
    /** Whether a call would be refused without asking. */
    isSuspended: () => pause > 0 && (isProbing || now() < closedUntil),

    /** Rejects with a `BackendError`: the call threw, took longer than `ms`, or is not made while the tier fails. */
    async run<T>(
      operation: string,
      ms: number,
      call: (signal: AbortSignal) => Awaitable<T>,
      isAnswer: (answer: T) => boolean,
    ): Promise<T> {
      if (pause && (isProbing || checkedNow() < closedUntil)) {
        const message = `Backend '${name}' is left alone after ${failures} failures in a row: cannot ${operation}`
        throw new BackendError(message, { operation, reason: 'unreachable' })
      }
      const isProbe = pause > 0
      isProbing ||= isProbe
      const controller = new AbortController()
      let stopTimer = () => {}
      try {
        const result = call(controller.signal)
        const isLater = typeof (result as PromiseLike<T> | null | undefined)?.then === 'function'
        const answer = isLater
          ? await new Promise<T>((resolve, reject) => {
              stopTimer = startTimer(
                clock,
                ms,
                () => {
                  const message = `Backend '${name}' did not ${operation} within ${ms} ms`
                  const error = new BackendError(message, { operation, reason: 'unreachable' })
                  reject(error)
                  controller.abort(error)
                },
                false,
              )
              Promise.resolve(result).then(resolve, reject)
            })
          : (result as T)
        if (!isAnswer(answer)) throw new TypeError(`Its ${operation}() answered something else than its contract says`)
        succeeded()
        return answer
      } catch (error) {
        throw failed(operation, error, isProbe)
      } finally {
        if (isProbe) isProbing = false
        stopTimer()
      }
    },
  }
}
