/** What observers of one cache are told: snapshots that changed, and events, in the order things happened. */

import { type Audience, createBulletin } from '../events/bulletin.ts'
import type { CacheEvent, Fact } from '../events/cache-event.ts'
import { looksSame, type Snapshot, snapshotOf } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import type { Setting } from './setting.ts'

export function createObservers<V>({ timeline, name }: Setting<V>) {
  const { now, toEpoch } = timeline
  const watchers: Audience<Snapshot<V>> = new Set()
  const listeners: Audience<CacheEvent> = new Set()
  /** how often each kind of fact happened */
  const counts: { [K in Fact['kind']]?: number } = {}
  let shown: State<V> = { kind: 'empty' }
  /** the same object until something that it shows has changed */
  let last: Snapshot<V> = snapshotOf(shown, toEpoch)

  const tell = (fact: Fact, times = 1, failed?: Set<unknown>) => {
    counts[fact.kind] = (counts[fact.kind] ?? 0) + times
    if (!listeners.size) return
    const event: CacheEvent = { ...fact, at: toEpoch(now()), name }
    // Inside, times are the cache's own; whoever reads events knows only the calendar.
    if (event.kind === 'fetch-failed') Object.assign(event, { nextAttemptAt: toEpoch(event.nextAttemptAt) })
    bulletin.tell(listeners, event, failed)
  }
  const bulletin = createBulletin((error, failed) => tell({ kind: 'listener-failed', error }, 1, failed))
  const join = <T>(audience: Audience<T>, listener: (news: T) => unknown) => {
    const subscription = { listener }
    if (shown.kind !== 'disposed') audience.add(subscription)
    return () => {
      audience.delete(subscription)
    }
  }
  return {
    counts,
    tell,
    during: bulletin.during,
    guard: bulletin.guard,
    snapshot: () => last,
    count: () => watchers.size,
    watch: (listener: (snapshot: Snapshot<V>) => void) => join(watchers, listener),
    listen: (listener: (event: CacheEvent) => void) => join(listeners, listener),
    /** The state was replaced. */
    changed(state: State<V>, facts: readonly Fact[]) {
      const same = looksSame(state, shown)
      shown = state
      if (!same) last = snapshotOf(state, toEpoch)
      for (const fact of facts) tell(fact)
      if (!same) bulletin.tell(watchers, last)
    },
    /** Forgets everybody, once they have heard of everything that happened. */
    dismiss() {
      bulletin.afterwards(() => {
        watchers.clear()
        listeners.clear()
      })
    },
  }
}
