/** What a registry tells about its keys, and that no value is in it. */

import { inspect } from 'node:util'
import { type CacheEvent, CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, keyed, outcome, ttl } from '../support/keyed.ts'

const down = new Error('down')
const secret = 'hunter2'

describe('registry.inspect()', () => {
  it('tells type, parts, state, age and times of every key', async () => {
    const { cache, registry, clock } = keyed<string, readonly string[]>()
    await cache.set(['db', 'orders'], 'v')
    await clock.advance(45_000)
    expect([...registry.inspect()]).toEqual([
      {
        type: 'thing',
        key: ['db', 'orders'],
        status: 'current',
        freshness: 'aging',
        age: 45_000,
        refreshAt: EPOCH + 40_000,
        expiresAt: EPOCH + ttl,
        nextAttemptAt: undefined,
        lastError: undefined,
        generation: expect.any(Number),
        waiting: 0,
        observers: 0,
      },
    ])
  })

  it('tells of keys in the air, failed, expired, observed', async () => {
    const { cache, registry, call, clock } = keyed()
    await cache.set('expired', 'v')
    await clock.advance(ttl)
    await cache.set('held', 'v')
    const failing = outcome(cache.get('failed'))
    const readers = [cache.get('air'), cache.get('air')]
    const end = cache.entry('observed').subscribe(() => {})
    await flush()
    await call('failed').reject(down)
    await failing
    const by = new Map([...registry.inspect()].map((each) => [each.key[0], each]))
    expect(by.get('expired')).toMatchObject({ status: 'current', freshness: 'expired', age: ttl })
    expect(by.get('held')).toMatchObject({ status: 'current', freshness: 'fresh', age: 0 })
    expect(by.get('failed')).toMatchObject({
      status: 'empty',
      freshness: undefined,
      lastError: down,
      nextAttemptAt: EPOCH + ttl + 750,
    })
    expect(by.get('air')).toMatchObject({ status: 'refreshing', waiting: 2 })
    expect(by.get('observed')).toMatchObject({ status: 'empty', observers: 1 })
    end()
    await call('air').resolve('v')
    await Promise.all(readers)
  })

  it('tells a refresh that failed beside the value that is held, at rest', async () => {
    const { cache, registry, call, clock } = keyed()
    await cache.set('k', 'v')
    await clock.advance(45_000)
    await cache.get('k')
    await flush()
    await call('k').reject(down)
    expect([...registry.inspect()]).toMatchObject([
      { status: 'current', freshness: 'aging', lastError: down, nextAttemptAt: EPOCH + 45_750 },
    ])
  })

  it('a value told to expire is expired', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', 'v')
    await cache.expire('k')
    expect([...registry.inspect()]).toMatchObject([{ freshness: 'expired' }])
  })

  it('tells the type of each key', async () => {
    const registry = new CacheRegistry()
    for (const type of ['a', 'b']) {
      await registry.define({ type, ttl: 1000, fetch: (_: string) => 1 }).set('k', 1)
    }
    expect([...registry.inspect()].map(({ type, key }) => [type, ...key])).toEqual([
      ['a', 'k'],
      ['b', 'k'],
    ])
  })

  it('may be walked twice, left half way, and while keys come and go', async () => {
    const { cache, registry } = keyed()
    for (let at = 0; at < 10; at++) await cache.set(`k${at}`, 'v')
    expect([...registry.inspect()]).toHaveLength(10)
    expect([...registry.inspect()]).toHaveLength(10)
    let seen = 0
    for (const { key } of registry.inspect()) {
      seen++
      void cache.invalidate(key[0] as string)
      void cache.set(`new ${key[0]}`, 'v')
      if (seen > 100) break
    }
    expect(seen).toBeLessThanOrEqual(20)
    expect(cache.size).toBe(10)
  })

  it('neither counts as a read nor as a use', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 2 })
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    expect([...registry.inspect()]).toHaveLength(2)
    await cache.set('c', 'v')
    expect([...cache.keys()]).toEqual([['b'], ['c']])
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 0 })
  })

  it('an evicted and an invalidated key are not there', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 1 })
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    expect([...registry.inspect()].map(({ key }) => key)).toEqual([['b']])
    await cache.invalidate('b')
    expect([...registry.inspect()]).toEqual([])
  })
})

describe('L19 no value', () => {
  const everything = async () => {
    const world = keyed<string>({}, { name: 'n', maxEntries: 3 })
    const { cache, call, clock } = world
    await world.load('loaded', secret)
    await cache.set('set', secret)
    cache.seed('seeded', secret)
    const entry = cache.entry('set')
    const ends = [entry.subscribe(() => {}), entry.keepFresh()]
    await clock.advance(45_000)
    const reader = cache.get('air')
    await cache.get('loaded')
    await flush()
    await call('loaded').reject(down)
    await cache.invalidate('set', { ifValue: secret })
    await call('air').resolve(secret)
    await reader
    await cache.set('set', secret)
    for (const key of ['x', 'y', 'z']) await cache.set(key, secret)
    return { ...world, entry, ends }
  }

  it('in util.inspect of a registry, a cache, an entry, a weak handle, however deep', async () => {
    const { registry, cache, entry } = await everything()
    for (const what of [registry, cache, entry, cache.weak(), cache.namespace('n'), registry.namespace('n')]) {
      for (const showHidden of [false, true]) {
        expect(inspect(what, { depth: Number.POSITIVE_INFINITY, showHidden })).not.toContain(secret)
      }
      expect(JSON.stringify(what) ?? '').not.toContain(secret)
      expect(String(what)).not.toContain(secret)
    }
  })

  it('in inspect() and stats()', async () => {
    const { registry, entry } = await everything()
    const told = [[...registry.inspect()], registry.stats(), entry.inspect()]
    expect(inspect(told, { depth: Number.POSITIVE_INFINITY })).not.toContain(secret)
  })

  it('in events', async () => {
    const { events } = await everything()
    expect(events.length).toBeGreaterThan(15)
    expect(inspect(events, { depth: Number.POSITIVE_INFINITY })).not.toContain(secret)
  })

  it('in errors of schemas', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: `not ${secret}`, path: ['a'], code: 'bad', input: secret }] }),
      },
    }
    const { cache, call, events } = keyed({ schema })
    const reader = outcome(cache.get('k'))
    await flush()
    await call('k').resolve(secret)
    const error = await reader
    expect(error).toMatchObject({ code: 'INVALID_VALUE', issues: [{ path: ['a'], code: 'bad' }] })
    expect(inspect([error, events], { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(secret)
  })

  it('in the error that refuses a promise or an expired value to set()', async () => {
    const { cache } = keyed()
    const expired = await outcome(cache.set('k', secret, { expiresAt: 1 }))
    expect(inspect(expired)).not.toContain(secret)
  })

  it('names are those of the public types', () => {
    const { registry, cache } = keyed()
    expect(registry.constructor.name).toBe('CacheRegistry')
    expect(cache.constructor.name).toBe('KeyedCache')
    expect(cache.entry('k').constructor.name).toBe('CacheEntry')
  })
})

describe('events', () => {
  it('carry type, key, name and epoch time', async () => {
    const { cache, events, clock, call } = keyed<string, readonly string[]>({}, { name: 'catalog' })
    await clock.advance(5)
    const reader = cache.get(['db', 't'])
    await flush()
    await call().resolve('v')
    await reader
    const common = { at: EPOCH + 5, name: 'catalog', type: 'thing', key: ['db', 't'] }
    expect(events).toEqual([
      { ...common, kind: 'fetch-started', reason: 'first' },
      { ...common, kind: 'fetch-succeeded', reason: 'first', tookMs: 0, changed: true },
    ])
  })

  it('of a key at rest and of a resident one are alike', async () => {
    const told = async (observed: boolean) => {
      const { cache, events } = keyed()
      if (observed) cache.entry('k').subscribe(() => {})
      await cache.set('k', '1')
      cache.seed('k', 'refused')
      await cache.expire('k')
      await cache.invalidate('k', { ifValue: 'other' })
      await cache.invalidate('k', { ifValue: '1' })
      await cache.set('k', '2')
      await cache.invalidate('k', { ifValue: '2' })
      await cache.clear()
      return events
    }
    const kinds = (events: readonly CacheEvent[]) => events.map(({ kind }) => kind)
    expect(kinds(await told(false))).toEqual(kinds(await told(true)))
    expect(kinds(await told(false)).slice(0, 3)).toEqual(['value-set', 'expired', 'invalidated'])
  })

  it('a listener that unsubscribed hears nothing; twice the same function hears twice', async () => {
    const { cache, registry } = keyed()
    const heard: string[] = []
    const listener = ({ kind }: CacheEvent) => heard.push(kind)
    const ends = [registry.on(listener), registry.on(listener)]
    await cache.set('k', 'v')
    ends[0]?.()
    ends[0]?.()
    await cache.set('k', 'w')
    ends[1]?.()
    await cache.set('k', 'x')
    expect(heard).toEqual(['value-set', 'value-set', 'value-set'])
  })

  it('L21 a listener that throws or rejects is told to the others, never to itself', async () => {
    const { cache, registry, events } = keyed()
    const own: string[] = []
    registry.on(({ kind }) => {
      own.push(kind)
      throw down
    })
    registry.on(() => Promise.reject(down) as never)
    await cache.set('k', 'v')
    await flush()
    expect(own.filter((kind) => kind === 'listener-failed').length).toBeLessThanOrEqual(1)
    expect(events.filter(({ kind }) => kind === 'listener-failed').length).toBeGreaterThanOrEqual(2)
    expect(events.length).toBeLessThan(20)
  })
})
