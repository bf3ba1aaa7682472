/** cacheable in memory, as the comparison uses it. */

import { Cacheable } from 'cacheable'
import { type Contender, minute } from '../compare/contender.ts'

const key = 'k'

const open = (ttl: number) => {
  const cache = new Cacheable({ ttl })
  cache.on('error', () => {})
  return { cache, options: { ttl, throwErrors: true } as const }
}

export const contenders: readonly Contender[] = [
  {
    name: 'cacheable',
    packages: ['cacheable'],
    configuration: '`ttl` 1 min, `throwErrors`; read by `getOrSet()`',
    promises: 'No refresh ahead of the expiry, no stale values after it, no forced refresh, no marking as out of date.',
    ages: { expired: 61_000 },
    start(load, { ttl } = minute) {
      const { cache, options } = open(ttl)
      return {
        read: () => cache.getOrSet(key, load, options),
        peek: () => cache.get(key),
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, value, ttl),
      }
    },
    startMany(load, { ttl }) {
      const { cache, options } = open(ttl)
      return { read: (at) => cache.getOrSet(at, () => load(at), options) }
    },
  },
]
