/** cache-manager over its memory store, as the comparison uses it. */

import { createCache } from 'cache-manager'
import { type Contender, minute, type Wish } from '../compare/contender.ts'

const key = 'k'

const open = ({ ttl, due }: Wish) => createCache({ ttl, refreshThreshold: ttl - due })

export const contenders: readonly Contender[] = [
  {
    name: 'cache-manager',
    packages: ['cache-manager'],
    configuration: '`ttl` 1 min, `refreshThreshold` 20 s; read by `wrap()`',
    promises: 'A refresh ahead of the expiry. No stale values after it, no forced refresh, no marking as out of date.',
    ages: { due: 45_000, expired: 61_000 },
    start(load, wish = minute) {
      const cache = open(wish)
      return {
        read: () => cache.wrap(key, load),
        peek: () => cache.get(key),
        invalidate: () => cache.del(key),
        set: (value) => cache.set(key, value),
      }
    },
    startMany(load, wish) {
      const cache = open(wish)
      return { read: (at) => cache.wrap(at, () => load(at)) }
    },
  },
]
