/** evercurrent, as the comparison uses it. */

import { BackgroundCache } from 'evercurrent'
import type { Contender } from '../compare/contender.ts'

const minute = 60_000

export const contenders: readonly Contender[] = [
  {
    name: 'evercurrent',
    packages: ['evercurrent'],
    configuration:
      '`ttl` 1 min, `refreshWindow` 20 s, `staleIfError` 10 min, default `backoff`; `random` always gives 0, the draw with the shortest pauses',
    promises: 'Rules L6 to L8, L12 and L13 of [laws.md](laws.md). One value per cache; no second tier yet.',
    ages: { due: 45_000, stale: 61_000, expired: 12 * minute },
    start(load) {
      const cache = new BackgroundCache({
        ttl: minute,
        refreshWindow: 20_000,
        staleIfError: 10 * minute,
        random: () => 0,
        fetch: load,
      })
      return {
        read: () => cache.get(),
        peek: () => cache.peek(),
        invalidate: () => cache.invalidate(),
        set: (value) => cache.set(value),
        expire: () => cache.expire(),
        refresh: () => cache.refresh(),
      }
    },
  },
]
