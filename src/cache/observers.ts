/** What observers of one cache are told: snapshots that changed, and events, in the order things happened. */

import { type Audience, createBulletin } from '../events/bulletin.ts'
import type { CacheEvent, Fact } from '../events/cache-event.ts'
import { looksSame, type Snapshot, snapshotOf } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import type { Setting } from './setting.ts'

export type Observers<V> = ReturnType<typeof createObservers<V>>

export function createObservers<V>({ timeline, name }: Setting<V>, getState: () => State<V>) {
  const watchers: Audience<Snapshot<V>> = new Set()
  const listeners: Audience<CacheEvent> = new Set()
  let shown = getState()
  let last = snapshotOf(shown, timeline.toEpoch)

  /** The same object until something that it shows has changed. */
  const snapshot = (): Snapshot<V> => {
    const state = getState()
    if (!looksSame(state, shown)) last = snapshotOf(state, timeline.toEpoch)
    shown = state
    return last
  }
  const tell = (fact: Fact, failed?: Set<unknown>) => {
    if (!listeners.size) return
    const event: CacheEvent = { ...fact, at: timeline.toEpoch(timeline.now()), name }
    // Inside, times are the cache's own; whoever reads events knows only the calendar.
    if (event.kind === 'fetch-failed') Object.assign(event, { nextAttemptAt: timeline.toEpoch(event.nextAttemptAt) })
    bulletin.tell(listeners, event, failed)
  }
  const bulletin = createBulletin((error, failed) => tell({ kind: 'listener-failed', error }, failed))
  const join = <T>(audience: Audience<T>, listener: (news: T) => unknown) => {
    const subscription = { listener }
    snapshot()
    if (shown.kind !== 'disposed') audience.add(subscription)
    return () => {
      audience.delete(subscription)
    }
  }
  return {
    snapshot,
    tell,
    during: bulletin.during,
    guard: bulletin.guard,
    count: () => watchers.size,
    watch: (listener: (snapshot: Snapshot<V>) => void) => join(watchers, listener),
    listen: (listener: (event: CacheEvent) => void) => join(listeners, listener),
    /** The state was replaced. */
    changed(facts: readonly Fact[]) {
      for (const fact of facts) tell(fact)
      const before = last
      if (watchers.size && snapshot() !== before) bulletin.tell(watchers, last)
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
