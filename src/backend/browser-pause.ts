/** When the timers of a page rest: while nobody can see it, or it cannot reach anything. */

import type { Pause } from '../time/pause.ts'

/** By these a page learns that it is seen again, that the network is back, or that it was put to sleep. */
const events = ['visibilitychange', 'online', 'offline', 'resume', 'pageshow', 'focus']

/**
 * True while this page is hidden or offline. On its return, and after a sleep, what is due is refreshed once. Where there
 * is no page (in a worker, on a server) it counts as seen.
 *
 * @example
 * ```ts
 * const registry = new CacheRegistry({ pauseWhile: hiddenOrOffline }) // for every observer
 * const flags = registry.define({ type: 'flags', ttl: '30s', fetch: () => ['dark'] })
 * const stop = flags.entry('all').keepFresh({ pauseWhile: hiddenOrOffline }) // for this one
 * stop()
 * ```
 */
export const hiddenOrOffline: Pause = {
  isPaused: () => globalThis.document?.visibilityState === 'hidden' || globalThis.navigator?.onLine === false,
  subscribe(listener) {
    const ending = new AbortController()
    const tell = () => listener()
    for (const event of events) globalThis.addEventListener?.(event, tell, ending)
    return () => ending.abort()
  },
}
