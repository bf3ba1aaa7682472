/** cacheable in memory, as the comparison uses it. */

import { Cacheable } from 'cacheable'
import type { Contender } from '../compare/contender.ts'

const key = 'k'

export const contenders: readonly Contender[] = [
  {
    name: 'cacheable',
    packages: ['cacheable'],
    configuration: '`ttl` 1 min, `throwErrors`; read by `getOrSet()`',
    promises: 'No refresh ahead of the expiry, no stale values after it, no forced refresh, no marking as out of date.',
    ages: { expired: 61_000 },
    start(load) {
      const cache = new Cacheable({ ttl: 60_000 })
      cache.on('error', () => {})
      return {
        read: () => cache.getOrSet(key, load, { ttl: 60_000, throwErrors: true }),
        peek: () => cache.get(key),
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, value, 60_000),
      }
    },
  },
]
