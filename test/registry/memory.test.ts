/** Bounded memory: what goes first, what never goes, and what the limits count. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome, ttl } from '../support/keyed.ts'

const held = (cache: { keys(): Iterable<readonly string[]> }) => [...cache.keys()].map(([key]) => key).sort()

describe('maxEntries', () => {
  it('the key that was not used for longest goes first', async () => {
    const { cache } = keyed({}, { maxEntries: 3 })
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'v')
    expect(held(cache)).toEqual(['b', 'c', 'd'])
  })

  it.each(['get', 'read', 'find', 'set', 'refresh', 'getMany'] as const)('%s() counts as use', async (use) => {
    const { cache, call } = keyed({}, { maxEntries: 2 })
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    if (use === 'set') await cache.set('a', 'w')
    else if (use === 'getMany') await cache.getMany(['a'])
    else if (use === 'refresh') {
      const refreshed = cache.refresh('a')
      await flush()
      await call('a').resolve('w')
      await refreshed
    } else await cache[use]('a')
    await cache.set('c', 'v')
    expect(held(cache)).toEqual(['a', 'c'])
  })

  it('order of use over many reads', async () => {
    const { cache } = keyed({}, { maxEntries: 4 })
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'v')
    for (const key of ['b', 'a', 'd', 'c', 'a']) await cache.get(key)
    const gone: string[] = []
    for (const key of ['1', '2', '3', '4']) {
      const before = held(cache)
      await cache.set(key, 'v')
      gone.push(...before.filter((each) => !held(cache).includes(each)).map(String))
    }
    expect(gone).toEqual(['b', 'd', 'c', 'a'])
  })

  it('an evicted key is fetched again, without what was held', async () => {
    const { cache, load, calls } = keyed({}, { maxEntries: 1 })
    await load('a', '1')
    await load('b', '2')
    void cache.get('a')
    await flush()
    expect(calls.map(({ key }) => key)).toEqual(['a', 'b', 'a'])
    expect(calls[2]?.previous).toBeUndefined()
    expect(calls[2]?.context.reason).toBe('first')
  })

  it('an eviction is an event with the key, and counted', async () => {
    const { cache, events, registry } = keyed({}, { maxEntries: 1 })
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    expect(events.filter(({ kind }) => kind === 'evicted')).toMatchObject([{ key: ['a'], type: 'thing' }])
    expect(registry.stats()).toMatchObject({ evictions: 1, entries: 1 })
  })

  it('never holds more than allowed, whatever the order of ends of fetches', async () => {
    const { cache, calls, registry } = keyed({}, { maxEntries: 2 })
    const readers = ['a', 'b', 'c', 'd', 'e'].map((key) => cache.get(key))
    await flush()
    for (const at of [3, 0, 4, 1, 2]) {
      await calls[at]?.resolve('v')
      expect(registry.stats().entries).toBeLessThanOrEqual(5)
    }
    await Promise.all(readers)
    expect(registry.stats().entries).toBe(2)
    expect(held(cache)).toHaveLength(2)
  })

  it('seeds count, and a seed is evicted as others are', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    expect(cache.seed('a', 'v')).toBe(true)
    expect(cache.seed('b', 'v')).toBe(true)
    expect(held(cache)).toEqual(['b'])
  })

  it('setting one key a thousand times evicts no other', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 2 })
    await cache.set('a', 'v')
    for (let count = 0; count < 1000; count++) await cache.set('b', `v${count}`)
    expect(held(cache)).toEqual(['a', 'b'])
    expect(registry.stats().evictions).toBe(0)
  })

  it('an invalidated key makes room', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 2 })
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    await cache.invalidate('a')
    await cache.set('c', 'v')
    expect(held(cache)).toEqual(['b', 'c'])
    expect(registry.stats().evictions).toBe(0)
  })

  const notThere = new Error('not there')
  const failing = async () => {
    throw notThere
  }

  it('keys that failed do not grow without bound: a key with trouble is one to remember, as one with a value is', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 10 })
    for (let at = 0; at < 5000; at++) await outcome(cache.get(`k${at}`, { fetch: failing }))
    expect([...registry.inspect()].length).toBeLessThanOrEqual(600)
    expect(await outcome(cache.get('k4999', { fetch: () => 'too early' }))).toBe(notThere)
  })

  it('failures of long ago are forgotten', async () => {
    const { cache, registry, clock } = keyed()
    const fail = async (from: number, to: number) => {
      for (let at = from; at < to; at++) await outcome(cache.get(`k${at}`, { fetch: failing }))
    }
    await fail(0, 3000)
    expect([...registry.inspect()]).toHaveLength(3000)
    await clock.advance(3_600_000)
    await fail(3000, 5000)
    expect([...registry.inspect()].length).toBeLessThanOrEqual(2000)
  })

  it('L10 a rejection is remembered by each of many keys', async () => {
    const { cache, registry } = keyed()
    const keys = Array.from({ length: 1000 }, (_, at) => `k${at}`)
    for (const round of ['first', 'second']) {
      for (const key of keys) await cache.set(key, round)
      for (const key of keys) expect(await cache.invalidate(key, { ifValue: round })).toBe(true)
    }
    const errors = [...registry.inspect()].map(({ lastError }) => (lastError as { code?: string } | undefined)?.code)
    expect(errors).toEqual(keys.map(() => 'VALUE_REJECTED'))
  })
})

describe('maxEntries: 0', () => {
  it('nothing is kept, one fetch is shared', async () => {
    const { cache, calls, registry } = keyed({}, { maxEntries: 0 })
    const readers = [cache.get('a'), cache.get('a')]
    await flush()
    expect(calls).toHaveLength(1)
    await calls[0]?.resolve('v')
    expect(await Promise.all(readers)).toEqual(['v', 'v'])
    expect(cache.peek('a')).toBeUndefined()
    expect(registry.stats().entries).toBe(0)
    void cache.get('a')
    await flush()
    expect(calls).toHaveLength(2)
  })

  it('set() and seed() keep nothing, and set() still answers who waits', async () => {
    const { cache, calls } = keyed({}, { maxEntries: 0 })
    const reader = cache.get('a')
    await flush()
    await cache.set('a', 'set')
    expect(await reader).toBe('set')
    await calls[0]?.resolve('late')
    cache.seed('b', 'seeded')
    expect([cache.peek('a'), cache.peek('b')]).toEqual([undefined, undefined])
    expect(cache.size).toBe(0)
  })

  it('getMany() still makes one call', async () => {
    const { cache, batches, batch } = keyed({ source: 'many' }, { maxEntries: 0 })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    expect([...(await many).values()]).toEqual(['1', '2'])
    expect(batches).toHaveLength(1)
    expect(cache.size).toBe(0)
  })

  it('an observed key keeps its value while it is observed', async () => {
    const { cache, load } = keyed({}, { maxEntries: 0 })
    const entry = cache.entry('a')
    const end = entry.subscribe(() => {})
    await load('a', 'v')
    expect([cache.peek('a'), entry.getSnapshot().value]).toEqual(['v', 'v'])
    end()
    await cache.set('other', 'v')
    expect(cache.peek('a')).toBeUndefined()
  })

  it('maxBytes: 0 keeps nothing either', async () => {
    const { cache, registry } = keyed({}, { maxBytes: 0 })
    await cache.set('a', 'v')
    expect(cache.peek('a')).toBeUndefined()
    expect(registry.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })
})

describe('what is never evicted', () => {
  it('a key that is observed', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    await cache.set('a', 'v')
    const end = cache.entry('a').subscribe(() => {})
    for (const key of ['b', 'c', 'd']) await cache.set(key, 'v')
    expect(cache.peek('a')).toBe('v')
    end()
    await cache.set('e', 'v')
    await cache.set('f', 'v')
    expect(held(cache)).toEqual(['f'])
  })

  it('a key that is kept fresh', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    await cache.set('a', 'v')
    const end = cache.entry('a').keepFresh()
    for (const key of ['b', 'c']) await cache.set(key, 'v')
    expect(cache.peek('a')).toBe('v')
    end()
  })

  it('a key whose refresh is in the air', async () => {
    const { cache, clock, call } = keyed({}, { maxEntries: 1 })
    await cache.set('a', 'v')
    await clock.advance(ttl - 10_000)
    await cache.get('a')
    await flush()
    for (const key of ['b', 'c']) await cache.set(key, 'v')
    expect(cache.peek('a')).toBe('v')
    await call('a').resolve('new')
    for (const key of ['d', 'e']) await cache.set(key, 'v')
    expect(cache.peek('a')).toBeUndefined()
  })

  it('all observed: more is held than allowed, until somebody leaves', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 2 })
    const ends = ['a', 'b', 'c', 'd'].map((key) => cache.entry(key).subscribe(() => {}))
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'v')
    expect(registry.stats().entries).toBe(4)
    for (const end of ends) end()
    await cache.set('e', 'v')
    expect(registry.stats().entries).toBe(2)
  })

  it('leaving alone brings the registry back to its limit', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 1 })
    const ends = ['a', 'b', 'c'].map((key) => cache.entry(key).subscribe(() => {}))
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'v')
    for (const end of ends) end()
    expect(registry.stats().entries).toBe(1)
  })

  it('a listener on events or a held handle alone does not keep a value', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    const entry = cache.entry('a')
    await entry.set('v')
    await cache.set('b', 'v')
    expect(entry.peek()).toBeUndefined()
    expect(entry.getSnapshot()).toMatchObject({ status: 'empty', value: undefined })
  })
})

describe('maxBytes', () => {
  it('sizeOf decides what goes', async () => {
    const { cache, registry } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 10 })
    await cache.set('a', 'xxxx')
    await cache.set('b', 'xxxx')
    expect(registry.stats().bytes).toBe(8)
    await cache.set('c', 'xxxx')
    expect(held(cache)).toEqual(['b', 'c'])
    expect(registry.stats().bytes).toBe(8)
  })

  it('one big value evicts several small ones', async () => {
    const { cache } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 10 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await cache.set(key, 'xx')
    await cache.set('big', 'xxxxxxx')
    expect(held(cache)).toEqual(['big', 'e'])
  })

  it('a value bigger than all of it is served, not kept', async () => {
    const { cache, load, registry } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 3 })
    await load('a', 'xxxxxxxxx')
    expect(cache.peek('a')).toBeUndefined()
    expect(registry.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('replacing a value replaces its size', async () => {
    const { cache, registry } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 10 })
    await cache.set('a', 'xxxxxxxx')
    await cache.set('a', 'x')
    expect(registry.stats().bytes).toBe(1)
    await cache.set('a', 'xxxx')
    expect(registry.stats().bytes).toBe(4)
    await cache.invalidate('a')
    expect(registry.stats().bytes).toBe(0)
  })

  it('a refreshed value replaces its size, an equal one keeps it', async () => {
    const { cache, registry, call } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 10 })
    await cache.set('a', 'xx')
    for (const [value, bytes] of [
      ['xxxx', 4],
      ['xxxx', 4],
      ['x', 1],
    ] as const) {
      const refreshed = cache.refresh('a')
      await flush()
      await call('a').resolve(value)
      await refreshed
      expect(registry.stats().bytes).toBe(bytes)
    }
  })

  it('bytes are undefined when nobody asked to count them', async () => {
    const { cache, registry } = keyed()
    await cache.set('a', 'v')
    expect(registry.stats().bytes).toBeUndefined()
  })

  it('the bytes of an observed value count as well, once', async () => {
    const { cache, registry } = keyed<string>({ sizeOf: (value) => value.length }, { maxBytes: 10 })
    await cache.set('a', 'xxxx')
    const end = cache.entry('a').subscribe(() => {})
    expect(registry.stats()).toMatchObject({ entries: 1, bytes: 4 })
    await cache.set('a', 'xxxxx')
    expect(registry.stats()).toMatchObject({ entries: 1, bytes: 5 })
    end()
    expect(registry.stats()).toMatchObject({ entries: 1, bytes: 5 })
  })

  it.each([
    ['NaN', Number.NaN],
    ['minus one', -1],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a string', '7'],
    ['undefined', undefined],
    ['a promise', Promise.resolve(1)],
  ])('a sizeOf that answers %s breaks neither reads nor the count', async (_, answer) => {
    const { cache, registry, load } = keyed<string>({ sizeOf: () => answer as never }, { maxBytes: 100 })
    await load('a', 'v')
    expect(await cache.find('a').then(() => 'read')).toBe('read')
    await outcome(Promise.resolve().then(() => cache.set('b', 'v')))
    await cache.clear()
    const { bytes = 0 } = registry.stats()
    expect(bytes).toBe(0)
  })

  it('a sizeOf that throws breaks neither reads nor the count, and is told', async () => {
    const bug = new Error('bug')
    const { load, cache, registry, events } = keyed<string>(
      {
        sizeOf: () => {
          throw bug
        },
      },
      { maxBytes: 100 },
    )
    await load('a', 'v')
    expect(events.some((event) => event.kind === 'listener-failed' && event.error === bug)).toBe(true)
    await cache.clear()
    expect(registry.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('a fractional size is counted without drift', async () => {
    const { cache, registry } = keyed<string>({ sizeOf: () => 0.1 }, { maxBytes: 1000 })
    for (let at = 0; at < 1000; at++) await cache.set(`k${at}`, 'v')
    await cache.clear()
    expect(registry.stats().bytes).toBe(0)
  })
})

describe('the default estimate', () => {
  const sizeOf = async (value: unknown) => {
    const { cache, registry } = keyed<unknown>({}, { maxBytes: 1_000_000_000 })
    await cache.set('k', value)
    return registry.stats().bytes ?? Number.NaN
  }

  it('grows with strings, arrays, objects, maps and buffers', async () => {
    expect(await sizeOf('x'.repeat(1000))).toBeGreaterThan((await sizeOf('x')) + 900)
    expect(await sizeOf(new Array(1000).fill(1))).toBeGreaterThan((await sizeOf([1])) + 5000)
    expect(await sizeOf({ a: 'x'.repeat(1000) })).toBeGreaterThan((await sizeOf({ a: 'x' })) + 900)
    expect(await sizeOf(new Map([['a', 'x'.repeat(1000)]]))).toBeGreaterThan(1000)
    expect(await sizeOf(new Set(['x'.repeat(1000)]))).toBeGreaterThan(1000)
    expect(await sizeOf(new Uint8Array(5000))).toBeGreaterThanOrEqual(5000)
    expect(await sizeOf(new ArrayBuffer(5000))).toBeGreaterThanOrEqual(5000)
  })

  it('is positive for the smallest values', async () => {
    for (const value of ['', 0, false, null, [], {}, Symbol('s'), () => 1, 1n]) {
      expect(await sizeOf(value)).toBeGreaterThanOrEqual(0)
    }
  })

  it('ends for cycles, and counts what is shared once', async () => {
    const cycle: { self?: unknown; text: string } = { text: 'x' }
    cycle.self = cycle
    expect(await sizeOf(cycle)).toBeLessThan(1000)
    const shared = 'x'.repeat(10)
    const part = { shared }
    expect(await sizeOf([part, part, part])).toBeLessThan(3 * (await sizeOf([part])))
  })

  it('ends for very deep values, getters that throw and proxies', async () => {
    let deep: unknown = 'bottom'
    for (let at = 0; at < 100_000; at++) deep = { deep }
    expect(await sizeOf(deep)).toBeGreaterThan(0)
    const hostile = {
      get secret() {
        throw new Error('do not look')
      },
    }
    expect(await sizeOf(hostile)).toBeGreaterThanOrEqual(0)
    const proxy = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('do not look')
        },
      },
    )
    expect(await sizeOf(proxy)).toBeGreaterThanOrEqual(0)
  })
})

describe('both limits', () => {
  it('whichever is reached first', async () => {
    const registry = new CacheRegistry({ maxEntries: 3, maxBytes: 10 })
    const cache = registry.define({ type: 't', ttl: 1000, fetch: (key: string) => key, sizeOf: (v) => v.length })
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'x')
    expect(held(cache)).toEqual(['b', 'c', 'd'])
    await cache.set('e', 'xxxxxxxxx')
    expect(held(cache)).toEqual(['d', 'e'])
  })

  it('expired values leave before they push out usable ones, or at the latest by the order of use', async () => {
    const { cache, clock, registry } = keyed({}, { maxEntries: 2 })
    await cache.set('old', 'v')
    await clock.advance(2 * ttl)
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    expect(held(cache)).toEqual(['a', 'b'])
    expect(registry.stats().entries).toBe(2)
  })
})
