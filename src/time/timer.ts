/** One cancellable delay of any length, outside the async context of whoever asked for it. */

import { outsideContext } from './async-context.ts'
import type { Clock } from './clock.ts'

/** Platforms keep a delay in 32 bits: one millisecond more, and it fires at once. */
const longestDelay = 2 ** 31 - 1

/** Calls `task` after `ms` (`Infinity`: never). `ref` says whether Node waits for it. Returns what cancels it. */
export function startTimer(clock: Clock, ms: number, task: () => void, ref: boolean): () => void {
  let cancel = () => {}
  const wait = (left: number) => {
    const step = Math.min(left, longestDelay)
    cancel = clock.after(step, left > step ? () => wait(left - step) : task, { ref })
  }
  if (ms < Infinity) outsideContext(() => wait(ms))
  return () => cancel()
}
