/** @epic-web/cachified over a Map, as the comparison uses it. */

import { type CacheEntry, cachified, createCacheEntry, softPurge } from '@epic-web/cachified'
import { type Contender, expiringEarly, minute, type Wish } from '../compare/contender.ts'

const key = 'k'

const lifetime = (wish: Wish) => {
  const { fresh, stale } = expiringEarly(wish)
  return { ttl: fresh, swr: stale }
}

export const contenders: readonly Contender[] = [
  {
    name: 'cachified',
    packages: ['@epic-web/cachified'],
    configuration: '`ttl` 1 min, `swr` 10 min, `fallbackToCache`, over a `Map`',
    promises:
      'Stale values within `swr`. No refresh ahead of the expiry. Deleting and setting are calls of the cache below it, as its documentation shows; it does not see them. A forced load joins the one in the air.',
    ages: { stale: 61_000, expired: 12 * 60_000 },
    start(load, wish = minute) {
      const cache = new Map<string, CacheEntry<string>>()
      const life = lifetime(wish)
      const read = (forceFresh: boolean) =>
        cachified({ key, cache, ...life, forceFresh, fallbackToCache: true, getFreshValue: load })
      return {
        read: () => read(false),
        peek: () => cache.get(key)?.value,
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, createCacheEntry(value, life)),
        expire: () => softPurge({ cache, key }),
        refresh: () => read(true),
      }
    },
    startMany(load, wish) {
      const options = { cache: new Map<string, CacheEntry<string>>(), ...lifetime(wish), fallbackToCache: true }
      return { read: (at) => cachified({ key: at, ...options, getFreshValue: () => load(at) }) }
    },
  },
]
