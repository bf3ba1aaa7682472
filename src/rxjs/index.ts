/** Caches as RxJS observables: what observers see, in commit order, ended by `dispose()` and never by an error. */

import { Observable } from 'rxjs'
import { followSnapshots, followValues } from '../cache/follow-values.ts'
import type { Observed } from '../cache/observed.ts'
import type { CacheEvent } from '../events/cache-event.ts'
import type { CacheRegistry } from '../registry/cache-registry.ts'
import type { Snapshot } from '../state/snapshot.ts'

/**
 * The held value, unless it has expired, and every new one. Keeps the cache fresh while anybody is subscribed: many
 * subscribers share one timer and one fetch. Never errors; completes when the cache is disposed.
 *
 * @example
 * ```ts
 * const view$ = combineLatest([values$(config), values$(schema)])
 * ```
 */
export function values$<V>(cache: Observed<V>): Observable<V> {
  return new Observable<V>((subscriber) => followValues(cache, subscriber))
}

/** The snapshot, at once and after every change. Keeps the cache fresh while anybody is subscribed. Never errors. */
export function snapshots$<V>(cache: Observed<V>): Observable<Snapshot<V>> {
  return new Observable<Snapshot<V>>((subscriber) =>
    followSnapshots(cache, {
      next: (snapshot) => subscriber.next(snapshot),
      complete: () => subscriber.complete(),
      closed: () => subscriber.closed,
    }),
  )
}

/**
 * Every event from now on: of a cache, of one entry, or of all keys of a registry, whichever namespace it is a view of.
 * Only observes. Never errors; completes when the cache or the registry is disposed.
 *
 * @example
 * ```ts
 * const logging = events$(registry).subscribe(({ kind, key }) => console.log(kind, key))
 * ```
 */
export function events$(source: Observed<unknown> | CacheRegistry): Observable<CacheEvent> {
  return new Observable<CacheEvent>((subscriber) => {
    const isOfOne = 'getSnapshot' in source
    const isOver = isOfOne ? source.getSnapshot().status === 'disposed' : source.disposed
    if (isOver) return subscriber.complete()
    return source.on((event) => {
      subscriber.next(event)
      // A registry tells of each key that ends with it, and of itself last.
      if (event.kind === 'disposed' && (isOfOne || !event.key)) subscriber.complete()
    })
  })
}
