/** async-cache-dedupe in memory, as the comparison uses it. */

import { createCache } from 'async-cache-dedupe'
import { type Contender, expiringEarly, minute, type Wish } from '../compare/contender.ts'

const key = 'k'

/** It counts in whole seconds. */
const open = (load: (key: string) => Promise<string>, wish: Wish, size: number) => {
  const { fresh, stale } = expiringEarly(wish)
  const [ttl, more] = [Math.max(1, Math.round(fresh / 1000)), Math.max(1, Math.round(stale / 1000))]
  return {
    cache: createCache({ ttl, stale: more, storage: { type: 'memory', options: { size } } }).define('load', load),
    kept: ttl + more,
  }
}

export const contenders: readonly Contender[] = [
  {
    name: 'async-cache-dedupe',
    packages: ['async-cache-dedupe'],
    configuration: '`ttl` 1 min, `stale` 10 min, in memory',
    promises:
      'Stale values within `stale`. No refresh ahead of the expiry, no forced refresh, no marking as out of date. `set()` is in its types only, and takes the key of the storage.',
    ages: { stale: 62_000, expired: 12 * 60_000 },
    start(load, wish = minute) {
      const { cache, kept } = open(() => load(), wish, 10)
      const storageKey = `load~${key}`
      return {
        read: () => cache.load(key),
        peek: () => cache.get('load', storageKey),
        invalidate: () => cache.clear('load', key),
        set: (value) => cache.set('load', storageKey, value, kept),
      }
    },
    startMany(load, wish, max) {
      const { cache } = open(load, wish, max)
      return { read: (at) => cache.load(at) }
    },
  },
]
