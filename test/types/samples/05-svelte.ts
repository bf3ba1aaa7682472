/** What a framework adapter needs: a subscription, the snapshot, and nothing else. */
import { BackgroundCache, type Observed, type Snapshot } from 'evercurrent'

interface Readable<T> {
  subscribe(run: (value: T) => void, invalidate?: () => void): () => void
}

const cache = new BackgroundCache({ ttl: '1m', fetch: async () => 1 })

/** Svelte wants the first call at once, `subscribe` makes none. */
export function toStore<V>(observed: Observed<V>): Readable<Snapshot<V>> {
  return {
    subscribe(run) {
      run(observed.getSnapshot())
      return observed.subscribe(run)
    },
  }
}
export const store: Readable<Snapshot<number>> = toStore(cache)

// Both work detached, as React calls them.
const { subscribe, getSnapshot } = cache
export const unsubscribe: () => void = subscribe(() => getSnapshot().value?.toFixed())

/** A component that may observe but not write. */
export function show(observed: Observed<number>): void {
  // @ts-expect-error the read-only side cannot write
  observed.set(1)
  // @ts-expect-error nor drop
  observed.invalidate()
}
