/** What observers of one value are told: snapshots that changed, and events, in the order things happened. */

import { type Audience, join } from '../events/bulletin.ts'
import type { CacheEvent, Fact } from '../events/cache-event.ts'
import { looksSame, type Snapshot, snapshotOf } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import type { Setting } from './setting.ts'

export function createObservers<V>({ timeline, newsroom, subject, initial }: Setting<V>) {
  const { toEpoch } = timeline
  const watchers: Audience<Snapshot<V>> = new Set()
  const listeners = subject?.listeners ?? newsroom.listeners
  let shown: State<V> = initial
  /** the same object until something that it shows has changed */
  let last: Snapshot<V> = snapshotOf(shown, toEpoch)

  const tell = (fact: Fact, times?: number) => newsroom.tell(fact, subject, times)
  const joinUnlessDisposed = <T>(audience: Audience<T>, listener: (news: T) => unknown) =>
    shown.kind === 'disposed' ? () => {} : join(audience, listener)
  return {
    tell,
    snapshot: () => last,
    count: () => watchers.size,
    watch: (listener: (snapshot: Snapshot<V>) => void) => joinUnlessDisposed(watchers, listener),
    listen: (listener: (event: CacheEvent) => void) => joinUnlessDisposed(listeners, listener),
    /** The state was replaced. */
    changed(state: State<V>, facts: readonly Fact[]) {
      const same = looksSame(state, shown)
      shown = state
      if (!same) last = snapshotOf(state, toEpoch)
      for (const fact of facts) tell(fact)
      if (!same) newsroom.tellListeners(watchers, last)
    },
    /** Forgets everybody, once they have heard of everything that happened. */
    dismiss() {
      newsroom.afterwards(() => {
        watchers.clear()
        listeners.clear()
      })
    },
  }
}
