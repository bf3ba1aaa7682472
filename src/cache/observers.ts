/** What observers of one cache are told: snapshots that changed, and events, in the order things happened. */

import { type Audience, Bulletin, subscribe } from '../events/bulletin.ts'
import type { CacheEvent, Fact } from '../events/cache-event.ts'
import { type Snapshot, sameSnapshot, snapshotOf } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import type { Timeline } from '../time/timeline.ts'

export class Observers<V> {
  readonly #watchers: Audience<Snapshot<V>> = new Set()
  readonly #listeners: Audience<CacheEvent> = new Set()
  readonly #bulletin = new Bulletin((error, failed) => this.#tell({ kind: 'listener-failed', error }, failed))
  readonly #name: string | undefined
  readonly #timeline: Timeline
  readonly #state: () => State<V>
  #snapshot: Snapshot<V>
  #snapshotOf: State<V>

  constructor(name: string | undefined, timeline: Timeline, state: () => State<V>) {
    this.#name = name
    this.#timeline = timeline
    this.#state = state
    this.#snapshotOf = state()
    this.#snapshot = snapshotOf(this.#snapshotOf, () => 0)
  }

  get count(): number {
    return this.#watchers.size
  }

  watch(listener: (snapshot: Snapshot<V>) => void): () => void {
    this.snapshot()
    return subscribe(this.#watchers, listener)
  }

  listen(listener: (event: CacheEvent) => void): () => void {
    return subscribe(this.#listeners, listener)
  }

  /** The same object until something that it shows has changed. */
  snapshot(): Snapshot<V> {
    const state = this.#state()
    if (state !== this.#snapshotOf) {
      this.#snapshotOf = state
      const next = snapshotOf(state, (at) => this.#timeline.toEpoch(at))
      if (!sameSnapshot(next, this.#snapshot)) this.#snapshot = next
    }
    return this.#snapshot
  }

  /** Runs a change; observers hear of it, and of what it caused, once it is complete. */
  during<T>(change: () => T): T {
    return this.#bulletin.during(change)
  }

  /** The state was replaced. */
  changed(facts: readonly Fact[]): void {
    for (const fact of facts) this.#tell(fact)
    if (this.#watchers.size === 0) return
    const before = this.#snapshot
    const now = this.snapshot()
    if (now !== before) this.#bulletin.tell(this.#watchers, now)
  }

  tell(fact: Fact): void {
    this.#tell(fact)
  }

  /** Calls a callback of the user; a failure is told and `undefined` stands for its answer. */
  guard<T>(call: () => T): T | undefined {
    return this.#bulletin.guard(call)
  }

  /** Forgets everybody, once they have heard of everything that happened. */
  dismiss(): void {
    this.#bulletin.finally(() => {
      this.#watchers.clear()
      this.#listeners.clear()
    })
  }

  #tell(fact: Fact, except?: object): void {
    if (this.#listeners.size === 0) return
    const at = this.#timeline.toEpoch(this.#timeline.now())
    // Inside, times are the cache's own; a reader of events knows only the calendar.
    const times = 'nextAttemptAt' in fact ? { nextAttemptAt: this.#timeline.toEpoch(fact.nextAttemptAt) } : {}
    const event: CacheEvent = { ...fact, ...times, at, name: this.#name }
    this.#bulletin.tell(this.#listeners, event, except, fact.kind === 'listener-failed')
  }
}
