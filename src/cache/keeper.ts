/** Keeps one cell fresh without readers, while anybody holds it. */

import type { Fetch } from '../fetch/fetch.ts'
import { checkOptions } from '../policy/options.ts'
import { nextUnattendedFetchAt } from '../state/read-plan.ts'
import { outsideContext } from '../time/async-context.ts'
import type { Pause } from '../time/pause.ts'
import { startTimer } from '../time/timer.ts'
import type { Cell } from './cell.ts'
import type { KeepFreshOptions } from './observed.ts'
import { pauseRules, type Setting } from './setting.ts'

/** Timers stand still while the machine sleeps, so the time is looked at this often. */
const longestNap = 60_000

/** Somebody who wants it kept fresh, and when not. */
interface Hold {
  readonly pause: Pause | undefined
  readonly end: () => void
}

export function createKeeper<V>(setting: Setting<V>, cell: Cell<V>) {
  const { clock, timeline, fetch, newsroom } = setting
  const holds = new Set<Hold>()
  let stopTimer = () => {}

  const isWanted = () => {
    for (const { pause } of holds) if (!pause || !newsroom.guard(() => pause.isPaused())) return true
    return false
  }
  /** Fetches if that is due, else waits until it is. Called after every change. */
  const tend = () => {
    stopTimer()
    const state = cell.state()
    if (state.kind === 'disposed') for (const hold of holds) hold.end()
    if (!isWanted()) return
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
    hold(options: KeepFreshOptions = {}) {
      const { pauseWhile: pause = setting.pauseWhile } = checkOptions('keepFresh()', options, pauseRules)
      const unsubscribe = pause && newsroom.guard(() => pause.subscribe(tend))
      const end = () => {
        if (holds.delete(hold) && unsubscribe) newsroom.guard(unsubscribe)
      }
      const hold: Hold = { pause, end }
      holds.add(hold)
      tend()
      return () => {
        end()
        tend()
      }
    },
  }
}
