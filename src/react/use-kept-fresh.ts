/** How long a component keeps what it shows fresh: while it is mounted, and across a remount. */

import { useEffect } from 'react'
import type { Observed } from '../cache/observed.ts'
import { systemClock } from '../time/clock.ts'
import { startTimer } from '../time/timer.ts'

/** Strict mode, a change of route and a reordered list unmount and mount again: that is no reason to stop and start. */
const graceMs = 1000

export function useKeptFresh(cache: Observed<unknown>): void {
  useEffect(() => {
    const letGo = cache.keepFresh?.()
    return letGo && (() => void startTimer(systemClock, graceMs, letGo, false))
  }, [cache])
}
