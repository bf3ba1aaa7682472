/** The cache's own time: whole milliseconds that also count sleep, and their place on the wall clock. */

import { type Clock, systemClock } from './clock.ts'

/** How long reads may go without a look at the wall clock. */
const checkEvery = 1000
/** A wall clock that ran ahead by more than this was not corrected by a network: the machine slept. */
const sleepAbove = 100

export interface Timeline {
  /** One clock read, and at most once a second one of the wall clock. */
  now(): number
  /** Now, with a look at the wall clock: at every launch and write. */
  checkedNow(): number
  /** `now() < deadline`, for one in whole milliseconds: all that most reads ask. */
  isBefore(deadline: number): boolean
  toEpoch(at: number): number
  fromEpoch(epoch: number): number
}

/**
 * Monotonic clocks stand still while a laptop sleeps or a VM is frozen; wall clocks do not, but are set back and forth.
 * So age is counted on the monotonic clock, plus every forward jump of the wall clock against it. A wall clock set back
 * only moves the dates that are reported, never an age.
 *
 * Time starts at 0 when the cache is made, so that the times in a cell stay small integers for 24 days.
 */
export function createTimeline(clock: Clock): Timeline {
  // The call below is shared by all caches of a process: V8 would not inline it once they have different clocks.
  const isSystem = clock === systemClock
  /** the reading at which the wall clock was looked at last */
  let checkedAt = clock.now()
  /** what turns a reading of the clock into our time */
  let shift = -checkedAt
  /** the epoch time at which our time was 0 */
  let epochAtZero = clock.wallNow()

  const toEpoch = (at: number) => at + epochAtZero
  const check = (reading: number) => {
    // A clock that went back was replaced (fake timers were installed): our time stands still instead.
    if (reading < checkedAt) shift += checkedAt - reading
    checkedAt = reading
    const ahead = clock.wallNow() - toEpoch(reading + shift)
    if (ahead > sleepAbove) shift += Math.floor(ahead)
    else if (Math.abs(ahead) > 1) epochAtZero += Math.round(ahead)
    return Math.floor(reading + shift)
  }
  /** Our time, with fractions: to round them, and to let `check` return into this, costs as much as the comparison. */
  const elapsed = () => {
    const reading = isSystem ? performance.now() : clock.now()
    const unchecked = reading - checkedAt
    if (unchecked < 0 || unchecked >= checkEvery) check(reading)
    return reading + shift
  }
  return {
    now: () => Math.floor(elapsed()),
    isBefore: (deadline) => elapsed() < deadline,
    checkedNow: () => check(clock.now()),
    toEpoch,
    fromEpoch: (epoch) => epoch - epochAtZero,
  }
}
