/** A clock turned by hand that fires what is due at once, without waiting for promises: thousands of schedules a second. */
import type { Clock } from 'evercurrent'

export interface StepClock extends Clock {
  /** Both faces move; due timers fire in order, those of one moment in the order they were made. */
  advance(ms: number): void
  /** how many timers have neither fired nor been cancelled */
  readonly waiting: number
}

export function stepClock(startAt: number, wallStartsAt: number): StepClock {
  let elapsed = 0
  const timers = new Set<{ readonly at: number; readonly task: () => void }>()
  const nextDue = (until: number) => {
    let next: { readonly at: number; readonly task: () => void } | undefined
    for (const timer of timers) if (timer.at <= until && (!next || timer.at < next.at)) next = timer
    return next
  }
  return {
    now: () => startAt + elapsed,
    wallNow: () => wallStartsAt + elapsed,
    after(ms, task) {
      const timer = { at: elapsed + Math.max(0, ms), task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const end = elapsed + ms
      for (let timer = nextDue(end); timer; timer = nextDue(end)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.at)
        timer.task()
      }
      elapsed = end
    },
    get waiting() {
      return timers.size
    },
  }
}
