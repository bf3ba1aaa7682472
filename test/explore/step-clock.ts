/** A clock turned by hand, from one timer to the next, as fast as its driver wants. */
import type { Clock } from 'evercurrent'

export interface StepClock extends Clock {
  /** Both faces move to the next timer, which fires, or else to `until` (epoch milliseconds). False: they are there. */
  step(until: number): boolean
  /** Only the wall clock moves, and no timer fires: the machine slept. */
  sleep(ms: number): void
  /** how many timers have neither fired nor been cancelled: those that hold the process, and the others */
  readonly timers: { readonly holding: number; readonly others: number }
}

interface Timer {
  readonly at: number
  readonly task: () => void
  readonly holds: boolean
}

export function stepClock(startAt: number, wallStartsAt: number): StepClock {
  let elapsed = 0
  let slept = 0
  const timers = new Set<Timer>()
  const nextDue = (until: number) => {
    let next: Timer | undefined
    for (const timer of timers) if (timer.at <= until && (!next || timer.at < next.at)) next = timer
    return next
  }
  return {
    now: () => startAt + elapsed,
    wallNow: () => wallStartsAt + elapsed + slept,
    after(ms, task, options) {
      const timer = { at: elapsed + Math.max(0, ms), task, holds: options?.ref !== false }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    step(until) {
      const end = until - wallStartsAt - slept
      const timer = nextDue(end)
      if (timer) timers.delete(timer)
      elapsed = timer ? Math.max(elapsed, timer.at) : end
      timer?.task()
      return timer !== undefined
    },
    sleep(ms) {
      slept += ms
    },
    get timers() {
      let holding = 0
      for (const timer of timers) if (timer.holds) holding++
      return { holding, others: timers.size - holding }
    },
  }
}
