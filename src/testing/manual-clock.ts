/** A clock that stands still until it is told to move. */

import FakeTimers from '@sinonjs/fake-timers'
import type { Clock } from '../time/clock.ts'
import { startTimer } from '../time/timer.ts'

/** Both clocks advance together; `sleep` is what a closed laptop does. */
export interface ManualClock extends Clock {
  /** Moves time, runs the timers that become due, and lets promises settle in between. */
  advance(ms: number): Promise<void>
  /** Moves the wall clock alone: the machine slept. Timers do not run; a cache notices within a second of use. */
  sleep(ms: number): Promise<void>
}

/**
 * A clock for the `clock` option. No global is touched, so tests may run side by side.
 *
 * @param options `startAt`: what both clocks show at the start, in epoch milliseconds; default 0.
 * @example
 * ```ts
 * const clock = manualClock()
 * const cache = new BackgroundCache({ ttl: '30s', clock, fetch: () => 'a' })
 * await cache.get()
 * await clock.advance(30_000)
 * cache.peek() // undefined
 * ```
 */
export function manualClock(options: { readonly startAt?: number } = {}): ManualClock {
  const { startAt = 0 } = options
  const timers = FakeTimers.createClock(startAt)
  let slept = 0
  const clock: Clock = {
    now: () => timers.now,
    wallNow: () => timers.now + slept,
    after(ms, task) {
      const timer = timers.setTimeout(task, ms)
      return () => timers.clearTimeout(timer)
    },
  }
  return {
    ...clock,
    after: (ms, task) => startTimer(clock, ms, task, false),
    async advance(ms) {
      await timers.tickAsync(ms)
    },
    async sleep(ms) {
      slept += ms
      await timers.tickAsync(0)
    },
  }
}
