/** lru-cache and its `fetch()`, as the comparison uses it. */

import { LRUCache } from 'lru-cache'
import { type Contender, expiringEarly, minute, type Wish } from '../compare/contender.ts'

const key = 'k'

const open = (load: (key: string) => Promise<string>, wish: Wish, max: number) =>
  new LRUCache<string, string>({
    max,
    ttl: expiringEarly(wish).fresh,
    allowStale: true,
    allowStaleOnFetchRejection: true,
    noDeleteOnFetchRejection: true,
    fetchMethod: load,
  })

export const contenders: readonly Contender[] = [
  {
    name: 'lru-cache',
    packages: ['lru-cache'],
    configuration:
      '`ttl` 1 min, `allowStale`, `allowStaleOnFetchRejection`, `noDeleteOnFetchRejection`; read by `fetch()`',
    promises:
      'A stale value is served without a limit. No refresh ahead of the expiry, no marking as out of date. Who waits for a load that is deleted gets `undefined` with these options, else an error, by design. `fetch()` calls are documented as unique while one is in the air: `forceRefresh` joins it. Deleting first makes a refresh that is right.',
    ages: { stale: 61_000 },
    start(load, wish = minute) {
      const cache = open(() => load(), wish, 10)
      return {
        read: () => cache.fetch(key),
        peek: () => cache.peek(key),
        invalidate: () => cache.delete(key),
        set: (value) => cache.set(key, value),
        refresh: () => cache.fetch(key, { forceRefresh: true, allowStale: false }),
      }
    },
    startMany(load, wish, max) {
      const cache = open(load, wish, max)
      return { read: (at) => cache.fetch(at), peek: (at) => cache.get(at) }
    },
  },
]
