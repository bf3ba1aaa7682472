/** What counts as a new value for those who follow them, whether they are pushed or pull. */

import type { Snapshot } from '../state/snapshot.ts'
import type { InteropObservable, InteropObserver, Observed } from './observed.ts'

/** Who follows; `closed` is asked after the first call. */
export interface Follower<V> {
  readonly next: (value: V) => void
  readonly complete: () => void
  readonly closed?: boolean | undefined
}

/**
 * Tells the value held now, unless it has expired, and every new one after it, in the order in which they were
 * committed; keeps the cache fresh meanwhile. Failures are no news here. Returns what ends it.
 */
export function followValues<V>(cache: Observed<V>, follower: Follower<V>): () => void {
  let told: V | undefined
  const look = ({ value }: Snapshot<V>) => {
    if (value === undefined) told = undefined
    else if (!Object.is(value, told) && cache.inspect().freshness !== 'expired') {
      told = value
      follower.next(value)
    }
  }
  return followSnapshots(cache, { next: look, complete: () => follower.complete(), closed: () => !!follower.closed })
}

interface SnapshotFollower<V> {
  readonly next: (snapshot: Snapshot<V>) => void
  readonly complete: () => void
  readonly closed?: () => boolean
}

/** Tells the snapshot at once and after every change, the last one included; keeps the cache fresh meanwhile. */
export function followSnapshots<V>(cache: Observed<V>, follower: SnapshotFollower<V>): () => void {
  let letGo = () => {}
  const unsubscribe = cache.subscribe((snapshot) => look(snapshot))
  const end = () => {
    unsubscribe()
    letGo()
  }
  const look = (snapshot: Snapshot<V>) => {
    follower.next(snapshot)
    if (snapshot.status !== 'disposed') return
    end()
    follower.complete()
  }
  look(cache.getSnapshot())
  // Whoever has enough after the first value causes no fetch.
  if (!follower.closed?.()) letGo = cache.keepFresh?.() ?? letGo
  return end
}

/** The values as an async iterator that starts with its first `next()` and knows only the latest. */
export function iterateValues<V>(cache: Observed<V>): AsyncIterableIterator<V> {
  const asking: ((result: IteratorResult<V, undefined>) => void)[] = []
  let end: (() => void) | undefined
  let done = false
  let given: V | undefined
  const finish = (): IteratorResult<V, undefined> => {
    done = true
    for (const answer of asking.splice(0)) answer({ done: true, value: undefined })
    return { done: true, value: undefined }
  }
  const offer = () => {
    const { value } = cache.getSnapshot()
    const [answer] = asking
    if (value === undefined) given = undefined
    else if (answer && !Object.is(value, given) && cache.inspect().freshness !== 'expired') {
      given = value
      asking.shift()
      answer({ done: false, value })
    }
  }
  return {
    next: () =>
      new Promise((resolve) => {
        if (done) return resolve(finish())
        asking.push(resolve)
        if (end) offer()
        else end = followSnapshots(cache, { next: offer, complete: finish })
      }),
    return: () => {
      end?.()
      return Promise.resolve(finish())
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Where other libraries look for an observable. */
export const interopPoint = (Symbol.observable || '@@observable') as typeof Symbol.observable

/** The values as an observable that other libraries understand. */
export function interopObservable<V>(cache: Observed<V>): InteropObservable<V> {
  const observable = {
    subscribe: (observer: Partial<InteropObserver<V>> & { readonly closed?: boolean }) => ({
      unsubscribe: followValues(cache, {
        next: (value) => observer.next?.(value),
        complete: () => observer.complete?.(),
        get closed() {
          return observer.closed
        },
      }),
    }),
    [interopPoint]: () => observable,
  }
  return observable as unknown as InteropObservable<V>
}
