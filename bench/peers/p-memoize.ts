/** p-memoize over an expiry-map, as the comparison uses it. */

import ExpiryMap from 'expiry-map'
import pMemoize from 'p-memoize'
import { type Contender, minute } from '../compare/contender.ts'

const key = 'k'

export const contenders: readonly Contender[] = [
  {
    name: 'p-memoize',
    packages: ['p-memoize', 'expiry-map'],
    configuration: 'An `expiry-map` of 1 min as its `cache`',
    promises:
      'No refresh ahead of the expiry, no stale values after it, no forced refresh, no marking as out of date. Deleting and setting are calls of the map below it; it does not see them.',
    ages: { expired: 61_000 },
    start(load, { ttl } = minute) {
      const cache = new ExpiryMap<string, string>(ttl)
      const memoized = pMemoize((_key: string) => load(), { cache })
      return {
        read: () => memoized(key),
        peek: () => cache.get(key),
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, value),
      }
    },
    startMany: (load, { ttl }) => ({ read: pMemoize(load, { cache: new ExpiryMap<string, string>(ttl) }) }),
  },
]
