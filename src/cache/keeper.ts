/** Keeps one cell fresh without readers, while anybody holds it. */

import type { Fetch } from '../fetch/fetch.ts'
import { nextUnattendedFetchAt } from '../state/read-plan.ts'
import { outsideContext } from '../time/async-context.ts'
import { startTimer } from '../time/timer.ts'
import type { Cell } from './cell.ts'
import type { Setting } from './setting.ts'

/** Timers stand still while the machine sleeps, so the time is looked at this often. */
const longestNap = 60_000

export function createKeeper<V>({ clock, timeline, fetch }: Setting<V>, cell: Cell<V>) {
  let holds = 0
  let stopTimer = () => {}

  /** Fetches if that is due, else waits until it is. Called after every change. */
  const tend = () => {
    stopTimer()
    const state = cell.state()
    if (!holds || state.kind === 'disposed') return
    // A timer also stands while a fetch is in the air or none will ever be due: whoever holds this holds the process.
    const wait = state.flight ? Infinity : nextUnattendedFetchAt(state) - timeline.checkedNow()
    if (wait > 0) stopTimer = startTimer(clock, Math.min(wait, longestNap), tend, true)
    else {
      const flight = cell.newFlight('keep-fresh')
      outsideContext(() => cell.launch(flight, fetch as Fetch<V>))
      cell.handOver(flight)
    }
  }
  return {
    tend,
    /** Returns what lets go; the last one to let go stops the timer. */
    hold() {
      let held = 1
      holds++
      tend()
      return () => {
        holds -= held
        held = 0
        if (!holds) stopTimer()
      }
    },
  }
}
