/** How one reader waits who may give up: by a signal, or after a time. */

import { handled, invite, type WaitingRoom } from '../fetch/waiting-room.ts'
import type { Clock } from '../time/clock.ts'
import { startTimer } from '../time/timer.ts'

export interface Patience<T> {
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  readonly maxWait: number
  /** where the answer comes; who gives up is forgotten there */
  readonly room: WaitingRoom<unknown>
  /** called once, when this reader gave up */
  leave(): void
  /** what a reader gets whose time is up; throws what it gets instead */
  settleFor(): T
}

/** Waits for `answer`, but no longer than the reader's patience lasts. */
export function waitBounded<T>(
  answer: Promise<T>,
  { clock, signal, maxWait, room, leave, settleFor }: Patience<T>,
): Promise<T> {
  return handled(
    new Promise((resolve, reject) => {
      let stopTimer = () => {}
      const stop = () => {
        room.guests?.delete(onAnswer)
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      const onAnswer = () => {
        stop()
        answer.then(resolve, reject)
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
      const onAbort = () => giveUp(() => reject((signal as AbortSignal).reason))
      stopTimer = startTimer(clock, maxWait, () => giveUp(() => resolve(settleFor())), true)
      signal?.addEventListener('abort', onAbort)
      invite(room, onAnswer)
      // The fetch was called since the signal was looked at first: it may have settled this, or aborted it.
      if (room.closed) onAnswer()
      else if (signal?.aborted) onAbort()
    }),
  )
}
