/** A clock that is moved by hand and counts how often it is read. */

import type { Clock } from 'evercurrent'
import { flush } from './flush.ts'

export interface HandClock extends Clock {
  /** how often each face was read */
  readonly reads: { now: number; wallNow: number }
  /** both faces move; due timers fire in order */
  advance(ms: number): Promise<void>
  /** only the wall moves: a laptop slept, or somebody set it */
  moveWall(ms: number): void
}

/** A clock turned by hand, whose monotonic face starts anywhere and which counts its reads. */
export function handClock(startAt = 0, wallStartsAt = Date.UTC(2026, 0, 1)): HandClock {
  let mono = startAt
  let wall = wallStartsAt
  const reads = { now: 0, wallNow: 0 }
  const timers = new Set<{ at: number; task: () => void }>()
  const moveTo = (at: number) => {
    wall += at - mono
    mono = at
  }
  return {
    reads,
    now: () => {
      reads.now++
      return mono
    },
    wallNow: () => {
      reads.wallNow++
      return wall
    },
    after: (ms, task) => {
      const timer = { at: mono + Math.max(0, ms), task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    moveWall: (ms) => {
      wall += ms
    },
    advance: async (ms) => {
      const end = mono + ms
      await flush()
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        timers.delete(due)
        moveTo(Math.max(mono, due.at))
        due.task()
        await flush()
      }
      moveTo(end)
      await flush()
    },
  }
}
