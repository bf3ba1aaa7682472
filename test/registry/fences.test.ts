/** L6 per key: whatever happened to a key during a fetch wins over it, by whichever call and through whichever handle. */

import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, type KeyedWorld, keyed, outcome, ttl } from '../support/keyed.ts'

interface Air {
  readonly world: KeyedWorld<string>
  /** what the reader who started the fetch gets, if there is one */
  readonly waiting: Promise<unknown> | undefined
  readonly succeed: (value: string) => Promise<void>
  readonly fail: (error: unknown) => Promise<void>
}

/** Every way by which a fetch of 'k' can get into the air. */
const launches: Readonly<Record<string, () => Promise<Air>>> = {
  'get()': async () => single((world) => world.cache.get('k')),
  'read()': async () => single((world) => world.cache.read('k').then(({ value }) => value)),
  'refresh()': async () => single((world) => world.cache.refresh('k')),
  'entry().get()': async () => single((world) => world.cache.entry('k').get()),
  'entry().refresh()': async () => single((world) => world.cache.entry('k').refresh()),
  'getMany() without fetchMany': async () => single((world) => world.cache.getMany(['k']).then((map) => map.get('k'))),
  'a fetch of the call': async () => {
    let settle: { resolve(value: string): void; reject(error: unknown): void } | undefined
    const world = keyed()
    const fetch = () =>
      new Promise<string>((resolve, reject) => {
        settle = { resolve, reject }
      })
    const waiting = outcome(world.cache.get('k', { fetch }))
    await flush()
    return {
      world,
      waiting,
      succeed: async (value) => {
        settle?.resolve(value)
        await flush()
      },
      fail: async (error) => {
        settle?.reject(error)
        await flush()
      },
    }
  },
  'getMany() with fetchMany': async () =>
    batched((world) => world.cache.getMany(['j', 'k']).then((map) => map.get('k'))),
  'get() with fetchMany alone': async () => batched((world) => world.cache.get('k')),
  'a refresh behind a reader': async () => {
    const world = keyed()
    await world.load('k', 'before')
    await world.clock.advance(ttl - 10_000)
    await world.cache.get('k')
    await world.clock.advance(1000)
    return { world, waiting: undefined, succeed: world.call('k').resolve, fail: world.call('k').reject }
  },
  'a batched refresh behind a reader': async () => {
    const world = keyed({ source: 'many' })
    await world.cache.set('k', 'before')
    await world.clock.advance(ttl - 10_000)
    await world.cache.get('k')
    await world.clock.advance(1000)
    const { resolve, reject } = world.batch()
    return { world, waiting: undefined, succeed: (value) => resolve([['k', value]]), fail: reject }
  },
  'keepFresh()': async () => {
    const world = keyed()
    const end = world.cache.entry('k').keepFresh()
    await flush()
    end()
    return { world, waiting: undefined, succeed: world.call('k').resolve, fail: world.call('k').reject }
  },
}

async function single(start: (world: KeyedWorld<string>) => Promise<unknown>): Promise<Air> {
  const world = keyed()
  const waiting = outcome(start(world))
  await flush()
  const { resolve, reject } = world.call('k')
  return { world, waiting, succeed: resolve, fail: reject }
}

async function batched(start: (world: KeyedWorld<string>) => Promise<unknown>): Promise<Air> {
  const world = keyed({ source: 'many' })
  const waiting = outcome(start(world))
  await world.clock.advance(0)
  await flush()
  const { keys, resolve, reject } = world.batch()
  return { world, waiting, succeed: (value) => resolve(keys.map((key) => [key, value])), fail: reject }
}

type Mutation = (world: KeyedWorld<string>) => unknown
/** Every call that drops 'k', directly or with others. */
const droppings: Readonly<Record<string, Mutation>> = {
  'invalidate()': ({ cache }) => cache.invalidate('k'),
  'entry().invalidate()': ({ cache }) => cache.entry('k').invalidate(),
  'invalidatePrefix(k)': ({ cache }) => cache.invalidatePrefix('k'),
  'invalidatePrefix()': ({ cache }) => cache.invalidatePrefix(),
  'clear()': ({ cache }) => cache.clear(),
  'registry.clear()': ({ registry }) => registry.clear(),
}
/** Every call that writes 'new' to 'k'. */
const writings: Readonly<Record<string, Mutation>> = {
  'set()': ({ cache }) => cache.set('k', 'new'),
  'entry().set()': ({ cache }) => cache.entry('k').set('new'),
  'weak().set()': ({ cache }) => cache.weak().set('k', 'new'),
}

const inTheAir = Object.entries(launches)
const down = new Error('down')

describe.each(inTheAir)('L6 %s', (_, launch) => {
  it.each(Object.entries(droppings))('is not kept after %s', async (_name, drop) => {
    const { world, succeed, waiting } = await launch()
    await drop(world)
    await succeed('late')
    expect(world.cache.peek('k')).toBeUndefined()
    expect(world.cache.tryGet('k')).toBeUndefined()
    if (waiting) expect(await waiting).toBe('late')
  })

  it.each(Object.entries(droppings))('L7 is not joined by a reader after %s', async (_name, drop) => {
    const { world, succeed } = await launch()
    const before = world.calls.length + world.batches.length
    await drop(world)
    const later = world.cache.get('k')
    await world.clock.advance(0)
    expect(world.calls.length + world.batches.length).toBe(before + 1)
    await succeed('late')
    if (world.batches.length) await world.batch().resolve([['k', 'newest']])
    else await world.call('k').resolve('newest')
    expect(await later).toBe('newest')
    expect(world.cache.peek('k')).toBe('newest')
  })

  it.each(Object.entries(droppings))('and its failure starts no cool-down after %s', async (_name, drop) => {
    const { world, fail, waiting } = await launch()
    await drop(world)
    await fail(down)
    const [known] = [...world.registry.inspect()].filter(({ key }) => key[0] === 'k')
    expect([known?.lastError, known?.nextAttemptAt]).toEqual([undefined, undefined])
    if (waiting) {
      const error = await waiting
      expect(error === down || (error as { errors?: Map<string, unknown> }).errors?.get('k') === down).toBe(true)
    }
  })

  it.each(Object.entries(writings))('loses to %s', async (_name, write) => {
    const { world, succeed, waiting } = await launch()
    await write(world)
    expect(world.cache.peek('k')).toBe('new')
    await succeed('late')
    expect(world.cache.peek('k')).toBe('new')
    if (waiting) expect(await waiting).toBe('new')
  })

  it.each(Object.entries(writings))('and its failure harms nothing after %s', async (_name, write) => {
    const { world, fail, waiting } = await launch()
    await write(world)
    await fail(down)
    expect(world.cache.entry('k').getSnapshot()).toMatchObject({ status: 'current', value: 'new', failure: undefined })
    const got = (await waiting) as { values?: Map<string, unknown> }
    // The other key of the batch did fail.
    if (waiting) expect(got.values ? got.values.get('k') : got).toBe('new')
  })

  it('loses to a newer seed(), and answers nobody twice', async () => {
    const { world, succeed } = await launch()
    await world.clock.advance(1)
    expect(world.cache.seed('k', 'seeded')).toBe(true)
    await succeed('late')
    expect(world.cache.peek('k')).toBe('seeded')
  })

  it('is not kept after expire()', async () => {
    const { world, succeed, waiting } = await launch()
    const held = world.cache.entry('k').getSnapshot().value
    await world.cache.expire('k')
    await succeed('late')
    expect(world.cache.peek('k')).toBeUndefined()
    expect(world.cache.entry('k').getSnapshot().value).toBe(held)
    if (waiting) expect(await waiting).toBe('late')
  })

  it('survives mutations of other keys, namespaces and types', async () => {
    const { world, succeed } = await launch()
    await world.cache.invalidate('other')
    await world.cache.invalidatePrefix('kk')
    await world.cache.invalidatePrefix('')
    await world.cache.namespace('n').clear()
    await world.registry.namespace('k').clear()
    await world.cache.namespace('n').set('k', 'elsewhere')
    await succeed('kept')
    expect(world.cache.peek('k')).toBe('kept')
  })
})

describe('fences of refused and double mutations', () => {
  it('invalidate({ ifValue }) with another value spares the fetch', async () => {
    const { cache, call } = keyed()
    const first = cache.get('k')
    await flush()
    expect(await cache.invalidate('k', { ifValue: 'never held' })).toBe(false)
    await call('k').resolve('v')
    expect(await first).toBe('v')
    expect(cache.peek('k')).toBe('v')
  })

  it('an older seed() yields to a fetch that started after it', async () => {
    const { cache, call, clock } = keyed()
    await clock.advance(1000)
    const first = cache.get('k')
    await flush()
    expect(cache.seed('k', 'seeded', { fetchedAt: EPOCH + 500 })).toBe(true)
    expect(await first).toBe('seeded')
    await call('k').resolve('newer')
    expect(cache.peek('k')).toBe('newer')
  })

  it('a refused set() (undefined, expired) spares the fetch', async () => {
    const { cache, call } = keyed()
    const first = cache.get('k')
    await flush()
    expect(await outcome(Promise.resolve().then(() => cache.set('k', undefined as never)))).toBeInstanceOf(TypeError)
    expect(await outcome(Promise.resolve().then(() => cache.set('k', 'x', { expiresAt: EPOCH - 1 })))).toBeInstanceOf(
      RangeError,
    )
    await call('k').resolve('v')
    expect(await first).toBe('v')
    expect(cache.peek('k')).toBe('v')
  })

  it('of three fetches superseded one by one, only the last is kept, in whatever order they end', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const { cache, calls } = keyed()
      const readers: Promise<string>[] = []
      for (let round = 0; round < 3; round++) {
        readers.push(cache.get('k'))
        await flush()
        if (round < 2) await cache.invalidate('k')
      }
      for (const at of order) await calls[at]?.resolve(`v${at}`)
      expect(await Promise.all(readers)).toEqual(['v0', 'v1', 'v2'])
      expect(cache.peek('k')).toBe('v2')
    }
  })

  it('a key that went to rest between the mutation and the late result is still fenced', async () => {
    const { cache, calls, clock } = keyed()
    const first = cache.get('k')
    await flush()
    await cache.set('k', 'new')
    await clock.advance(2 * ttl)
    await cache.invalidate('k')
    await calls[0]?.resolve('late')
    expect(await first).toBe('new')
    expect(cache.peek('k')).toBeUndefined()
  })

  it('nobody waits for a superseded fetch: it is aborted', async () => {
    const { cache, call } = keyed()
    const signal = new AbortController()
    const first = outcome(cache.get('k', { signal: signal.signal }))
    await flush()
    signal.abort(new Error('left'))
    await first
    expect(call('k').context.signal.aborted).toBe(false)
    await cache.invalidate('k')
    expect(call('k').context.signal.aborted).toBe(true)
  })

  it('a discarded fetch is an event with its key and its reason', async () => {
    const { cache, call, events } = keyed()
    void cache.get('k')
    await flush()
    await cache.set('k', 'new')
    await call('k').resolve('late')
    expect(events.filter(({ kind }) => kind === 'fetch-discarded')).toMatchObject([
      { because: 'set', key: ['k'], type: 'thing' },
    ])
  })
})

describe('fences of eviction', () => {
  it('a key evicted and fetched again is not overwritten by the fetch of before', async () => {
    const { cache, calls, load } = keyed({}, { maxEntries: 1 })
    const first = cache.get('k')
    await flush()
    await cache.set('k', 'new')
    await load('other', 'v')
    expect(cache.peek('k')).toBeUndefined()
    await calls[0]?.resolve('late')
    expect(await first).toBe('new')
    expect(cache.peek('k')).toBeUndefined()
  })

  it('and neither is its next value', async () => {
    const { cache, calls, load } = keyed({}, { maxEntries: 1 })
    void cache.get('k')
    await flush()
    await cache.invalidate('k')
    await load('other', 'v')
    await load('k', 'newest')
    await calls[0]?.resolve('late')
    expect(cache.peek('k')).toBe('newest')
  })

  it('a late failure of a fetch from before the eviction starts no cool-down', async () => {
    const { cache, calls, load, registry } = keyed({}, { maxEntries: 1 })
    const first = outcome(cache.get('k'))
    await flush()
    await cache.invalidate('k')
    await load('other', 'v')
    await calls[0]?.reject(down)
    expect(await first).toBe(down)
    expect([...registry.inspect()].filter(({ lastError }) => lastError !== undefined)).toEqual([])
    const again = cache.get('k')
    await flush()
    expect(calls).toHaveLength(3)
    await calls[2]?.resolve('v')
    expect(await again).toBe('v')
  })

  it('a background refresh that was superseded does not come back after an eviction', async () => {
    const { cache, call, calls, clock, load } = keyed({}, { maxEntries: 1 })
    await load('k', 'old')
    await clock.advance(ttl - 10_000)
    await cache.get('k')
    await flush()
    const late = call('k')
    expect(calls).toHaveLength(2)
    await cache.set('k', 'new')
    await cache.set('other', 'v')
    await late.resolve('late')
    expect([cache.peek('k'), cache.peek('other')]).toEqual([undefined, 'v'])
  })
})
