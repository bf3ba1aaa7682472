/** lru-cache and its `fetch()`, as the comparison uses it. */

import { LRUCache } from 'lru-cache'
import type { Contender } from '../compare/contender.ts'

const key = 'k'

export const contenders: readonly Contender[] = [
  {
    name: 'lru-cache',
    packages: ['lru-cache'],
    configuration:
      '`ttl` 1 min, `allowStale`, `allowStaleOnFetchRejection`, `noDeleteOnFetchRejection`; read by `fetch()`',
    promises:
      'A stale value is served without a limit. No refresh ahead of the expiry, no marking as out of date. Who waits for a load that is deleted gets `undefined` with these options, else an error, by design. `fetch()` calls are documented as unique while one is in the air: `forceRefresh` joins it. Deleting first makes a refresh that is right.',
    ages: { stale: 61_000 },
    start(load) {
      const cache = new LRUCache<string, string>({
        max: 10,
        ttl: 60_000,
        allowStale: true,
        allowStaleOnFetchRejection: true,
        noDeleteOnFetchRejection: true,
        fetchMethod: load,
      })
      return {
        read: () => cache.fetch(key),
        peek: () => cache.peek(key),
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, value),
        refresh: () => cache.fetch(key, { forceRefresh: true, allowStale: false }),
      }
    },
  },
]
