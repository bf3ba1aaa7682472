/** The snapshot of a cache, or what is selected of it, in a component. */

import { useMemo, useSyncExternalStore } from 'react'
import type { Observed } from '../cache/observed.ts'
import type { CacheEntry, PerCallKeyedCache } from '../registry/keyed.ts'
import type { Snapshot } from '../state/snapshot.ts'
import { useKeptFresh } from './use-kept-fresh.ts'

type Select<V, S> = (snapshot: Snapshot<V>) => S
type Keyed<K, V> = Pick<PerCallKeyedCache<K, V>, 'entry'>

/**
 * The snapshot: `{ status, value, fetchedAt, expiresAt, failure }`. Renders again when it has changed, and keeps the cache
 * fresh while the component is mounted and for a second longer. A cache without a fetch of its own is only observed.
 *
 * With `select` it renders again only when what that returns has changed (`Object.is`): a component that takes the value
 * does not render for a refresh that brought the same. A selector that makes a new object each time renders at every
 * change of the snapshot.
 *
 * While rendering on a server, and for the first render in a browser after it, it is what the cache holds: put there what
 * the server had, by `seed()`.
 *
 * @example
 * ```tsx
 * const prices = new BackgroundCache({ ttl: '10s', fetch: async () => ({ eur: 1.5 }) })
 * const users = registry.define({ type: 'user', ttl: '1m', fetch: async (id: string) => ({ name: `user ${id}` }) })
 *
 * function Price() {
 *   const { value, failure } = useCache(prices)
 *   if (value === undefined) return <p>{failure ? 'not there yet' : 'loading'}</p>
 *   return <p>{value.eur.toFixed(2)}</p>
 * }
 * function Name({ id }: { id: string }) {
 *   return <b>{useCache(users, id, ({ value }) => value?.name) ?? '…'}</b>
 * }
 * await prices.get()
 * await users.get('1')
 * renderToString(<Price />) // '<p>1.50</p>'
 * renderToString(<Name id="1" />) // '<b>user 1</b>'
 * ```
 */
export function useCache<V>(cache: Observed<V>): Snapshot<V>
export function useCache<V, S>(cache: Observed<V>, select: Select<V, S>): S
export function useCache<K, V>(cache: Keyed<K, V>, key: K): Snapshot<V>
export function useCache<K, V, S>(cache: Keyed<K, V>, key: K, select: Select<V, S>): S
export function useCache<K, V, S>(source: Observed<V> | Keyed<K, V>, ...rest: unknown[]): Snapshot<V> | S {
  const isKeyed = 'entry' in source
  const cache: CacheEntry<V> | Observed<V> = isKeyed ? source.entry(rest[0] as K) : source
  const select = rest[isKeyed ? 1 : 0] as Select<V, S> | undefined
  const read = useMemo(() => (select ? selecting(cache, select) : cache.getSnapshot), [cache, select])
  useKeptFresh(cache)
  return useSyncExternalStore<Snapshot<V> | S>(cache.subscribe, read, read)
}

/** Asked twice of the same snapshot it gives the same, also when the selector would not: React takes that for a change. */
function selecting<V, S>(cache: Observed<V>, select: Select<V, S>): () => S {
  let seen: Snapshot<V> | undefined
  let selected: S
  return () => {
    const snapshot = cache.getSnapshot()
    if (snapshot !== seen) selected = select(snapshot)
    seen = snapshot
    return selected
  }
}
