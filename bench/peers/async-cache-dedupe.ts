/** async-cache-dedupe in memory, as the comparison uses it. */

import { createCache } from 'async-cache-dedupe'
import type { Contender } from '../compare/contender.ts'

const key = 'k'

export const contenders: readonly Contender[] = [
  {
    name: 'async-cache-dedupe',
    packages: ['async-cache-dedupe'],
    configuration: '`ttl` 1 min, `stale` 10 min, in memory',
    promises:
      'Stale values within `stale`. No refresh ahead of the expiry, no forced refresh, no marking as out of date. `set()` is in its types only, and takes the key of the storage.',
    ages: { stale: 62_000, expired: 12 * 60_000 },
    start(load) {
      const cache = createCache({ ttl: 60, stale: 600, storage: { type: 'memory' } }).define('load', (_: string) =>
        load(),
      )
      const storageKey = `load~${key}`
      return {
        read: () => cache.load(key),
        peek: () => cache.get('load', storageKey),
        invalidate: () => cache.clear('load', key),
        set: (value) => cache.set('load', storageKey, value, 660),
      }
    },
  },
]
