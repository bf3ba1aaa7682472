/** Keeps one cell fresh without readers, while anybody holds it. */

import { nextUnattendedFetchAt } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import { outsideContext } from '../time/async-context.ts'
import type { Clock } from '../time/clock.ts'
import type { Timeline } from '../time/timeline.ts'
import { startTimer } from '../time/timer.ts'

export class Keeper {
  readonly #clock: Clock
  readonly #timeline: Timeline
  readonly #state: () => State<unknown>
  readonly #launch: () => void
  #holds = 0
  #stopTimer = () => {}

  constructor(clock: Clock, timeline: Timeline, state: () => State<unknown>, launch: () => void) {
    this.#clock = clock
    this.#timeline = timeline
    this.#state = state
    this.#launch = launch
  }

  /** Returns what lets go; the last one to let go stops the timer. */
  hold(): () => void {
    let holding = true
    this.#holds++
    if (this.#holds === 1) this.tend()
    return () => {
      if (!holding) return
      holding = false
      this.#holds--
      if (this.#holds === 0) this.#stopTimer()
    }
  }

  /** Fetches if that is due, else waits until it is. Called after every change. */
  tend(): void {
    this.#stopTimer()
    const state = this.#state()
    if (this.#holds === 0 || state.kind === 'refreshing' || state.kind === 'disposed') return
    const now = this.#timeline.checkedNow()
    const due = nextUnattendedFetchAt(state)
    if (due <= now) outsideContext(this.#launch)
    else this.#stopTimer = startTimer(this.#clock, due - now, () => this.tend(), true)
  }
}
