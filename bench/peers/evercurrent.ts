/** evercurrent, as the comparison uses it. */

import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { type Contender, minute, type Wish } from '../compare/contender.ts'

const policy = ({ due, ttl, stale }: Wish) => ({ ttl, refreshWindow: ttl - due, staleIfError: stale - ttl })

export const contenders: readonly Contender[] = [
  {
    name: 'evercurrent',
    packages: ['evercurrent'],
    configuration:
      '`ttl` 1 min, `refreshWindow` 20 s, `staleIfError` 10 min, default `backoff`; `random` always gives 0, the draw with the shortest pauses',
    promises: 'Rules L6 to L8, L12 and L13 of [laws.md](laws.md). One value per cache; no second tier yet.',
    ages: { due: 45_000, stale: 61_000, expired: 12 * 60_000 },
    start(load, wish = minute) {
      const cache = new BackgroundCache({ ...policy(wish), random: () => 0, fetch: load })
      return {
        read: () => cache.get(),
        peek: () => cache.peek(),
        invalidate: () => cache.invalidate(),
        set: (value) => cache.set(value),
        expire: () => cache.expire(),
        refresh: () => cache.refresh(),
      }
    },
    startMany(load, wish, max) {
      const values = new CacheRegistry({ maxEntries: max }).define({
        type: 'value',
        ...policy(wish),
        fetch: load,
      })
      return { read: (at) => values.get(at), peek: (at) => values.peek(at) }
    },
  },
]

/** The same, kept fresh whether anybody reads or not. */
export const onlyMeasured: readonly Contender[] = [
  {
    name: 'evercurrent-kept-fresh',
    packages: ['evercurrent'],
    configuration: 'as evercurrent, with `keepFresh()`',
    promises: 'A load when a value is due, whether anybody reads or not.',
    ages: { due: 45_000, stale: 61_000, expired: 12 * 60_000 },
    start(load, wish = minute) {
      const cache = new BackgroundCache({ ...policy(wish), random: () => 0, fetch: load })
      cache.keepFresh()
      return { read: () => cache.get(), peek: () => cache.peek() }
    },
  },
]
