/** bentocache with its memory driver, as the comparison uses it. */

import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import type { Contender } from '../compare/contender.ts'

const key = 'k'

function contender(name: string, timeout: 0 | '1s', what: string): Contender {
  return {
    name,
    packages: ['bentocache'],
    configuration: `\`ttl\` 1 min, \`grace\` 10 min, \`graceBackoff\` 10 s, ${what}`,
    promises:
      'Stale values within `grace`. No refresh ahead of the expiry. `graceBackoff` is not applied when `timeout` is 0; otherwise it is added to the expiry, so that it pauses nothing once the value expired longer ago than that (with `stale: 300_000` in its file: 10 calls in 10 reads).',
    ages: { stale: 61_000, expired: 12 * 60_000 },
    start(load) {
      const bento = new BentoCache({
        default: 'memory',
        stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10 })) },
      })
      const options = {
        key,
        ttl: '1m',
        grace: '10m',
        graceBackoff: '10s',
        timeout,
        factory: load,
      } as const
      return {
        read: () => bento.getOrSet(options),
        peek: () => bento.get({ key, grace: false }),
        invalidate: () => bento.delete({ key }),
        set: (value) => bento.set({ key, value, ttl: '1m', grace: '10m' }),
        expire: () => bento.expire({ key }),
        refresh: () => bento.getOrSet({ ...options, forceFresh: true }),
      }
    },
  }
}

export const contenders: readonly Contender[] = [
  contender('bentocache', 0, '`timeout` 0, the default: a stale value is served while it is loaded anew'),
  contender('bentocache-waiting', '1s', '`timeout` 1 s: a reader waits that long before it takes a stale value'),
]
