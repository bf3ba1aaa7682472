/** What the listeners of a cache, or of a whole registry, are told: facts, dated and labelled, and counted. */

import type { Timeline } from '../time/timeline.ts'
import { type Audience, createBulletin } from './bulletin.ts'
import type { CacheEvent, Fact } from './cache-event.ts'

/** Which key of a registry a fact is about, and who listens to that key alone. */
export interface Subject {
  readonly label: Pick<CacheEvent, 'type' | 'namespace' | 'key'>
  readonly listeners: Audience<CacheEvent>
}

export type Newsroom = ReturnType<typeof createNewsroom>

export function createNewsroom({ now, toEpoch }: Timeline, name: string | undefined) {
  const listeners: Audience<CacheEvent> = new Set()
  /** how often each kind of fact happened */
  const counts: { [K in Fact['kind']]?: number } = {}

  const tell = (fact: Fact, subject?: Subject, times = 1, failed?: Set<unknown>) => {
    counts[fact.kind] = (counts[fact.kind] ?? 0) + times
    if (!listeners.size && !subject?.listeners.size) return
    const event: CacheEvent = { ...fact, at: toEpoch(now()), name, ...subject?.label }
    // Inside, times are the cache's own; whoever reads events knows only the calendar.
    if (event.kind === 'fetch-failed') Object.assign(event, { nextAttemptAt: toEpoch(event.nextAttemptAt) })
    if (subject) bulletin.tell(subject.listeners, event, failed)
    bulletin.tell(listeners, event, failed)
  }
  const bulletin = createBulletin((error, failed) => tell({ kind: 'listener-failed', error }, undefined, 1, failed))
  return { ...bulletin, tellListeners: bulletin.tell, listeners, counts, tell }
}
