/** What a registry with a tier counts, tells and shows. */

import type { BackendError, CacheEvent } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { EPOCH, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

describe('stats()', () => {
  it('counts a hit of the tier as a backend hit: no miss, no fetch, no hit of memory', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.cache.get('k')
    expect(b.registry.stats()).toMatchObject({
      hits: 0,
      backendHits: 1,
      misses: 0,
      fetches: 0,
      hitRatio: 1,
      missRatio: 0,
    })
    await b.cache.get('k')
    expect(b.registry.stats()).toMatchObject({ hits: 1, backendHits: 1, misses: 0, hitRatio: 1 })
  })

  it('counts what neither had as a miss and a fetch', async () => {
    const a = fleet().start()
    await a.load('k', 'v')
    await a.cache.get('k')
    expect(a.registry.stats()).toMatchObject({
      hits: 1,
      backendHits: 0,
      misses: 1,
      fetches: 1,
      hitRatio: 0.5,
      missRatio: 0.5,
    })
  })

  it('counts each reader who joined a look-up', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await Promise.all([b.cache.get('k'), b.cache.get('k')])
    const { hits, backendHits, misses } = b.registry.stats()
    expect(hits + backendHits + misses).toBe(2)
    expect(backendHits).toBeGreaterThanOrEqual(1)
  })

  it('counts find(): memory, tier, nowhere', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.cache.find('k')
    await b.cache.find('k')
    await b.cache.find('nothing')
    expect(b.registry.stats()).toMatchObject({ hits: 1, backendHits: 1, misses: 1, fetches: 0 })
    expect(b.registry.stats().hitRatio).toBeCloseTo(2 / 3)
  })

  it('counts each key of getMany()', async () => {
    const { start } = fleet()
    const policy = { source: 'many' } as const
    await start(policy).cache.set('k', 'v')
    const b = start(policy)
    const got = b.cache.getMany(['k', 'j'])
    await settle()
    await b.batch().resolve([['j', 'w']])
    await got
    await b.cache.getMany(['k', 'j'])
    expect(b.registry.stats()).toMatchObject({ hits: 2, backendHits: 1, misses: 1, fetches: 1 })
  })

  it('counts a refresh ahead that the tier satisfied as no fetch', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.cache.get('k')
    await clock.advance(40_000)
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve('w')
    await refreshed
    await b.cache.get('k')
    await settle()
    expect(b.registry.stats()).toMatchObject({ hits: 1, backendHits: 1, misses: 0, fetches: 0 })
  })

  it('counts set() as a write, and one that the tier did not take as a write failure', async () => {
    const a = fleet().start()
    await a.cache.set('k', 'v')
    const { writes } = a.registry.stats()
    a.tier.fail(down, 'set')
    await outcome(a.cache.set('k', 'w'))
    expect(writes).toBe(1)
    expect(a.registry.stats()).toMatchObject({ writes: 1, writeFailures: 1 })
  })

  it('counts the failed write of a fetched value', async () => {
    const a = fleet().start()
    a.tier.fail(down, 'set')
    await a.load('k', 'v')
    expect(a.registry.stats()).toMatchObject({ writeFailures: 1, fetches: 1, fetchFailures: 0 })
  })

  it('counts an open breaker’s reads as misses', async () => {
    const a = fleet().start()
    a.tier.fail(down)
    for (let index = 0; index < 7; index++) await a.load(`k${index}`, 'v')
    expect(a.registry.stats()).toMatchObject({ misses: 7, fetches: 7, backendHits: 0 })
  })

  it('is reset by clear()', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.cache.get('k')
    await b.registry.clear()
    expect(b.registry.stats()).toMatchObject({ backendHits: 0, hits: 0, misses: 0, writeFailures: 0, entries: 0 })
  })

  it('counts entries and bytes of memory, of those from the tier too', async () => {
    const { start } = fleet()
    await start().load('k', 'four')
    const b = start({}, { maxBytes: 1000 })
    await b.cache.get('k')
    expect(b.registry.stats()).toMatchObject({ entries: 1, bytes: 8 })
  })
})

describe('memory in front of the tier', () => {
  it('evicts what came from the tier like anything else, and the tier keeps it', async () => {
    const { start } = fleet()
    const a = start()
    for (const key of ['a', 'b', 'c']) await a.load(key, key)
    const b = start({}, { maxEntries: 2 })
    for (const key of ['a', 'b', 'c']) await b.cache.get(key)
    expect([...b.cache.keys()]).toEqual([['b'], ['c']])
    expect(b.registry.stats().evictions).toBe(1)
    expect((await b.read('a')).value).toMatchObject({ value: 'a', from: 'backend' })
    expect(b.tier.count('delete')).toBe(0)
  })

  it('L6 eviction does not weaken the fence: a value from before a drop is not found again', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 1 })
    const reading = await a.get('k')
    await a.cache.invalidate('k')
    await a.cache.set('other', 'x')
    await a.call('k').resolve('late')
    expect(reading.value).toBe('late')
    await a.registry.flush()
    expect(await a.cache.find('k')).toBeUndefined()
  })
})

describe('events', () => {
  it('of a tier hit are those of no fetch', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.get('k')
    expect(b.kinds().filter((kind) => kind.startsWith('fetch-'))).toEqual([])
  })

  it('say what failed and until when the tier is left alone, and nothing about the value', async () => {
    const { start, clock } = fleet()
    const secret = 'hunter2'
    const a = start()
    await a.load('k', secret)
    a.tier.fail(down)
    await outcome(a.cache.set('k', secret))
    await outcome(a.cache.invalidate('k'))
    await outcome(a.cache.find('k'))
    for (let index = 0; index < 5; index++) await outcome(a.cache.find(`${index}`))
    a.tier.heal()
    await clock.advance(1000)
    await a.cache.find('k')
    const failed = a.events.filter(
      (event): event is CacheEvent & { kind: 'backend-failed' } => event.kind === 'backend-failed',
    )
    expect(failed.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['set', 'delete', 'get']))
    const suspended = a.events.find((event) => event.kind === 'backend-suspended')
    expect(suspended).toMatchObject({ until: EPOCH + 1000 })
    expect(a.kinds()).toContain('backend-resumed')
    expect(JSON.stringify(a.events)).not.toContain(secret)
  })

  it('carry the error of the tier', async () => {
    const a = fleet().start()
    a.tier.fail(down)
    const reading = await a.get('k')
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
    const failed = a.events.find((event) => event.kind === 'backend-failed')
    const error = (failed as { error?: unknown } | undefined)?.error
    expect(error === down || (error as BackendError).cause === down).toBe(true)
  })

  it('of set() are told after it happened', async () => {
    const a = fleet().start()
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'v')
    await settle()
    expect(a.kinds()).not.toContain('value-set')
    await gate.open()
    await written
    expect(a.kinds()).toContain('value-set')
  })

  it('of a discarded fetch say that the tier refused', async () => {
    const { start } = fleet()
    const a = start()
    const reading = await a.get('k')
    await start().cache.set('k', 'new')
    await a.call().resolve('late')
    expect(reading.value).toBe('late')
    expect(a.events).toContainEqual(
      expect.objectContaining({ kind: 'fetch-discarded', because: 'refused', key: ['k'] }),
    )
  })
})

describe('inspect()', () => {
  it('shows age and expiry of a value from the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(5000)
    const b = start()
    await b.get('k')
    expect([...b.registry.inspect()]).toMatchObject([
      { type: 'thing', key: ['k'], status: 'current', freshness: 'fresh', age: 5000, expiresAt: EPOCH + ttl },
    ])
  })

  it('shows a key in look-up as refreshing', async () => {
    const a = fleet().start()
    a.tier.hang()
    await a.get('k')
    expect([...a.registry.inspect()]).toMatchObject([{ key: ['k'], status: 'refreshing', waiting: 1 }])
  })

  it('does not show what is only in the tier', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    expect([...b.registry.inspect()]).toEqual([])
    expect([b.cache.size, [...b.cache.keys()]]).toEqual([0, []])
  })
})
