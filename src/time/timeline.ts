/** The cache's own time: whole milliseconds that also count sleep, and their place on the wall clock. */

import type { Clock } from './clock.ts'

/** How long reads may go without a look at the wall clock. */
const checkEvery = 1000
/** A wall clock that ran ahead by more than this was not corrected by a network: the machine slept. */
const sleepAbove = 100

/**
 * Monotonic clocks stand still while a laptop sleeps or a VM is frozen; wall clocks do not, but are set back and forth.
 * So age is counted on the monotonic clock, plus every forward jump of the wall clock against it. A wall clock set back
 * only moves the dates that are reported, never an age.
 *
 * Time starts at 0 when the cache is made, so that the times in a cell stay small integers for 24 days.
 */
export class Timeline {
  readonly #clock: Clock
  /** what turns a reading of the clock into our time */
  #shift: number
  /** the epoch time at which our time was 0 */
  #epochAtZero: number
  /** the reading at which the wall clock was looked at last */
  #checkedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#checkedAt = clock.now()
    this.#shift = -this.#checkedAt
    this.#epochAtZero = clock.wallNow()
  }

  /** One clock read, and at most once a second one of the wall clock. */
  now(): number {
    const reading = this.#clock.now()
    const unchecked = reading - this.#checkedAt
    if (!(unchecked >= 0 && unchecked < checkEvery)) this.#check(reading)
    return Math.floor(reading + this.#shift)
  }

  /** Now, with a look at the wall clock: at every launch and write. */
  checkedNow(): number {
    const reading = this.#clock.now()
    this.#check(reading)
    return Math.floor(reading + this.#shift)
  }

  toEpoch(at: number): number {
    return at + this.#epochAtZero
  }

  fromEpoch(epoch: number): number {
    return epoch - this.#epochAtZero
  }

  #check(reading: number): void {
    // A clock that went back was replaced (fake timers were installed): our time stands still instead.
    if (reading < this.#checkedAt) this.#shift += this.#checkedAt - reading
    this.#checkedAt = reading
    const ahead = this.#clock.wallNow() - this.toEpoch(reading + this.#shift)
    if (ahead > sleepAbove) this.#shift += Math.floor(ahead)
    else if (Math.abs(ahead) > 1) this.#epochAtZero += Math.round(ahead)
  }
}
