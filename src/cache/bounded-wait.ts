/** How one reader waits who may give up: by a signal, or after a time. */

import { handled } from '../fetch/waiting-room.ts'
import type { Clock } from '../time/clock.ts'
import { startTimer } from '../time/timer.ts'

export interface Patience<T> {
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  readonly maxWait: number
  /** called once, when this reader gave up */
  leave(): void
  /** what a reader gets whose time is up; throws what it gets instead */
  settleFor(): T
}

/** Waits for `answer`, but no longer than the reader's patience lasts. */
export function waitBounded<T>(
  answer: Promise<T>,
  { clock, signal, maxWait, leave, settleFor }: Patience<T>,
): Promise<T> {
  return handled(
    new Promise((resolve, reject) => {
      const stop = () => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      const giveUp = (end: () => void) => {
        stop()
        leave()
        try {
          end()
        } catch (error) {
          reject(error)
        }
      }
      const onAbort = () => giveUp(() => reject(signal?.reason))
      const stopTimer = startTimer(clock, maxWait, () => giveUp(() => resolve(settleFor())), true)
      signal?.addEventListener('abort', onAbort)
      answer.then(resolve, reject).then(stop)
    }),
  )
}
