/** bentocache with its memory driver, as the comparison uses it. */

import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { type Contender, expiringEarly, minute, type Wish } from '../compare/contender.ts'

const key = 'k'

const open = (maxItems: number) =>
  new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems, serialize: false })) },
  })

/** `grace` counts from when a value was written, not from when it expired. */
const lifetime = (wish: Wish) => {
  const { fresh, stale } = expiringEarly(wish)
  return { ttl: fresh, grace: fresh + stale, graceBackoff: '10s' } as const
}

function contender(name: string, timeout: 0 | '1s', what: string): Contender {
  return {
    name,
    packages: ['bentocache'],
    configuration: `\`ttl\` 1 min, \`grace\` 11 min, \`graceBackoff\` 10 s, ${what}`,
    promises:
      'Stale values within `grace`. No refresh ahead of the expiry. `graceBackoff` is not applied when `timeout` is 0; otherwise it is added to the expiry, so that it pauses nothing once the value expired longer ago than that (with `stale: 300_000` in its file: 10 calls in 10 reads).',
    ages: { stale: 61_000, expired: 12 * 60_000 },
    start(load, wish = minute) {
      const bento = open(10)
      const life = lifetime(wish)
      const options = { key, ...life, timeout, factory: load }
      return {
        read: () => bento.getOrSet(options),
        peek: () => bento.get({ key, grace: false }),
        invalidate: () => bento.delete({ key }),
        set: (value) => bento.set({ key, value, ttl: life.ttl, grace: life.grace }),
        expire: () => bento.expire({ key }),
        refresh: () => bento.getOrSet({ ...options, forceFresh: true }),
      }
    },
    startMany(load, wish, max) {
      const bento = open(max)
      const options = { ...lifetime(wish), timeout }
      return { read: (at) => bento.getOrSet({ key: at, ...options, factory: () => load(at) }) }
    },
  }
}

export const contenders: readonly Contender[] = [
  contender('bentocache', 0, '`timeout` 0, the default: a stale value is served while it is loaded anew'),
  contender('bentocache-waiting', '1s', '`timeout` 1 s: a reader waits that long before it takes a stale value'),
]
