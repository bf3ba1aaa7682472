/** A clock moved by hand that remembers every timer, and runs each in the async context it was made in, as Node does. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from 'evercurrent'
import { flush } from './flush.ts'

export interface RecordedTimer {
  readonly due: number
  /** whether it would hold the process */
  readonly ref: boolean
  state: 'waiting' | 'fired' | 'cancelled'
  readonly run: () => void
}

export interface RecordingClock extends Clock {
  readonly timers: RecordedTimer[]
  /** the timers that would hold the process now */
  holding(): RecordedTimer[]
  advance(ms: number): Promise<void>
}

export function recordingClock(startAt = 1_800_000_000_000): RecordingClock {
  const timers: RecordedTimer[] = []
  let elapsed = 5_000
  const next = (until: number) =>
    timers.filter((timer) => timer.state === 'waiting' && timer.due <= until).sort((a, b) => a.due - b.due)[0]
  return {
    timers,
    now: () => elapsed,
    wallNow: () => startAt + elapsed,
    after(ms, task, options) {
      const inContext = AsyncLocalStorage.snapshot()
      const timer: RecordedTimer = {
        due: elapsed + ms,
        ref: options?.ref !== false,
        state: 'waiting',
        run: () => inContext(task),
      }
      timers.push(timer)
      return () => {
        if (timer.state === 'waiting') timer.state = 'cancelled'
      }
    },
    holding: () => timers.filter((timer) => timer.ref && timer.state === 'waiting'),
    async advance(ms) {
      const target = elapsed + ms
      await flush()
      for (let timer = next(target); timer !== undefined; timer = next(target)) {
        elapsed = Math.max(elapsed, timer.due)
        timer.state = 'fired'
        timer.run()
        await flush()
      }
      elapsed = target
      await flush()
    },
  }
}
