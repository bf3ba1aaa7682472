/** How one reader waits who may give up: by a signal, or after a time. */

import { handled } from '../fetch/deferred.ts'
import type { Clock } from '../time/clock.ts'
import { startTimer } from '../time/timer.ts'

export interface Patience<T> {
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  readonly maxWait: number
  /** called once, when this reader gave up */
  readonly leave: () => void
  /** what a reader gets whose time is up */
  readonly settleFor: () => Promise<T>
}

/** Waits for `answer`, but no longer than the reader's patience lasts. */
export function waitBounded<T>(answer: Promise<T>, patience: Patience<T>): Promise<T> {
  const { clock, signal, maxWait, leave, settleFor } = patience
  return handled(
    new Promise<T>((resolve, reject) => {
      const giveUp = (end: () => void) => {
        stop()
        leave()
        end()
      }
      const onAbort = () => giveUp(() => reject(signal?.reason))
      const stopTimer = startTimer(clock, maxWait, () => giveUp(() => resolve(settleFor())), true)
      const stop = () => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort)
      answer.then(
        (value) => {
          stop()
          resolve(value)
        },
        (error) => {
          stop()
          reject(error)
        },
      )
    }),
  )
}
