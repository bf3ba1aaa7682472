/** The counters of a registry: what counts as what, and that every view shows the same. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome, ttl } from '../support/keyed.ts'

const down = new Error('down')

describe('reads', () => {
  it('a fetch is a miss, what is held is a hit, joining a flight is a miss', async () => {
    const { cache, call, registry } = keyed()
    const both = [cache.get('k'), cache.get('k')]
    await flush()
    await call('k').resolve('v')
    await Promise.all(both)
    for (let count = 0; count < 6; count++) await cache.get('k')
    expect(registry.stats()).toMatchObject({ hits: 6, misses: 2, fetches: 1, hitRatio: 0.75, missRatio: 0.25 })
  })

  it('ratios are 0 before the first read, and add up to 1 after', async () => {
    const { cache, registry } = keyed()
    expect(registry.stats()).toMatchObject({ hitRatio: 0, missRatio: 0 })
    await cache.find('k')
    expect(registry.stats()).toMatchObject({ hitRatio: 0, missRatio: 1 })
    await cache.set('k', 'v')
    await cache.find('k')
    const { hitRatio, missRatio } = registry.stats()
    expect(hitRatio + missRatio).toBe(1)
  })

  it('every way to read counts once: get, read, find, getMany, entry, weak', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', 'v')
    await cache.set('l', 'v')
    const fetch = () => 'v'
    let hits = 0
    const counts = async (read: Promise<unknown>, by = 1) => {
      await read
      hits += by
      expect(registry.stats()).toMatchObject({ hits, misses: 0 })
    }
    await counts(cache.get('k'))
    await counts(cache.get('k', {}))
    await counts(cache.read('k'))
    await counts(cache.find('k'))
    await counts(cache.getMany(['k', 'l']), 2)
    await counts(cache.getMany(['k', 'k'], {}))
    await counts(cache.entry('k').get())
    await counts(cache.entry('k').read())
    await counts(cache.weak().find('k'))
    await counts(cache.weak().get('k', { fetch }))
    await counts(cache.namespace('n').set('k', 'v'), 0)
    await counts(cache.namespace('n').get('k'))
    const end = cache.entry('k').subscribe(() => {})
    await counts(cache.get('k'))
    await counts(cache.find('k'))
    end()
  })

  it('peek() and tryGet() are not counted', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', 'v')
    for (const key of ['k', 'missing']) [cache.peek(key), cache.tryGet(key), cache.entry(key).peek()]
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 0 })
  })

  it('an aging value is a hit, an expired one a miss, a stale one served is counted', async () => {
    const { cache, registry, clock, call } = keyed({ staleIfError: ttl })
    await cache.set('k', 'v')
    await clock.advance(45_000)
    await cache.get('k')
    expect(registry.stats()).toMatchObject({ hits: 1, misses: 0 })
    await flush()
    await call('k').reject(down)
    await clock.advance(15_000)
    await cache.get('k')
    expect(registry.stats()).toMatchObject({ staleServed: 1, fetchFailures: 1 })
  })

  it('getMany() counts each key once', async () => {
    const { cache, registry, batch } = keyed({ source: 'many' })
    await cache.set('held', 'v')
    const many = cache.getMany(['a', 'held', 'b', 'a'])
    await flush()
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    await many
    expect(registry.stats()).toMatchObject({ hits: 1, misses: 2 })
  })

  it('a rejected read during the cool-down is a miss', async () => {
    const { cache, registry, call } = keyed()
    const first = outcome(cache.get('k'))
    await flush()
    await call('k').reject(down)
    await first
    await outcome(cache.get('k'))
    expect(registry.stats()).toMatchObject({ misses: 2, fetches: 1, fetchFailures: 1 })
  })
})

describe('writes, discards, evictions', () => {
  it('set() and seed() are writes, refused ones are not', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', 'v')
    cache.seed('l', 'v')
    cache.seed('l', 'v')
    await outcome(Promise.resolve().then(() => cache.set('k', undefined as never)))
    expect(registry.stats()).toMatchObject({ writes: 2, writeFailures: 0 })
  })

  it('a fetch that lost the slot is discarded, once', async () => {
    const { cache, registry, call } = keyed()
    const first = cache.get('k')
    await flush()
    await cache.invalidate('k')
    await cache.invalidate('k')
    await call('k').resolve('late')
    await first
    expect(registry.stats()).toMatchObject({ discarded: 1, fetches: 1, fetchFailures: 0 })
  })

  it('a discarded failure is no failure', async () => {
    const { cache, registry, call } = keyed()
    const first = outcome(cache.get('k'))
    await flush()
    await cache.set('k', 'v')
    await call('k').reject(down)
    await first
    expect(registry.stats()).toMatchObject({ discarded: 1, fetchFailures: 0 })
  })

  it('an eviction is counted, an invalidation is not one', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 2 })
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'v')
    await cache.clear()
    expect(registry.stats()).toMatchObject({ evictions: 2, entries: 0 })
  })

  it('entries counts values: not empty keys, nor failed ones, nor fetches in the air', async () => {
    const { cache, registry, call } = keyed()
    cache.entry('handle')
    const failing = outcome(cache.get('failed'))
    await flush()
    await call('failed').reject(down)
    await failing
    const reader = cache.get('air')
    await flush()
    expect(registry.stats().entries).toBe(0)
    await call('air').resolve('v')
    await reader
    expect(registry.stats().entries).toBe(1)
    expect(cache.size).toBe(1)
  })

  it('an expired value is an entry until it leaves', async () => {
    const { cache, registry, clock } = keyed()
    await cache.set('k', 'v')
    await clock.advance(10 * ttl)
    expect(registry.stats().entries).toBe(1)
    await cache.invalidate('k')
    expect(registry.stats().entries).toBe(0)
  })
})

describe('clear()', () => {
  it('at the root resets every counter, in a namespace and of one type it does not', async () => {
    const { cache, registry, load } = keyed()
    await load('k', 'v')
    await cache.namespace('n').set('k', 'v')
    await registry.namespace('n').clear()
    await cache.clear()
    expect(registry.stats()).toMatchObject({ misses: 1, fetches: 1, writes: 1, entries: 0 })
    await registry.clear()
    expect(registry.stats()).toMatchObject({ misses: 0, fetches: 0, writes: 0, entries: 0 })
  })

  it('does not count its own discards and invalidations after the reset', async () => {
    const { cache, registry, call } = keyed()
    const first = cache.get('k')
    await flush()
    await registry.clear()
    await call('k').resolve('late')
    await first
    expect(registry.stats()).toMatchObject({ discarded: 0, fetches: 0 })
  })

  it('called by a listener resets as well, and everything goes on', async () => {
    const { cache, registry } = keyed()
    let cleared = false
    registry.on(({ kind }) => {
      if (kind !== 'value-set' || cleared) return
      cleared = true
      void registry.clear()
    })
    await cache.set('k', 'v')
    expect(cache.peek('k')).toBeUndefined()
    await cache.set('k', 'w')
    expect(registry.stats()).toMatchObject({ writes: 1, entries: 1 })
  })

  it('keeps cool-downs', async () => {
    const { cache, registry, call, calls } = keyed()
    const first = outcome(cache.get('k'))
    await flush()
    await call('k').reject(down)
    await first
    await registry.clear()
    expect(await outcome(cache.get('k'))).toBe(down)
    expect(calls).toHaveLength(1)
  })
})

describe('the object', () => {
  it('is a copy: changing it changes nothing', async () => {
    const registry = new CacheRegistry()
    const stats = registry.stats() as { hits: number }
    try {
      stats.hits = 99
    } catch {
      // frozen is fine
    }
    expect(registry.stats().hits).toBe(0)
  })
})
