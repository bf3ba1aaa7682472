/** Chronicle: what it remembers of a value, whose reads it counts, and when it forgets. */
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { Chronicle, type ChronicleOptions, type Read, type Source } from 'evercurrent/devtools'
import { controlledFetch } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { pass, START, useFakeTime } from '../support/fake-time.ts'

useFakeTime()

/** Fresh for 6 s, aging for 4 s. */
const policy = { ttl: '10s', refreshWindow: '4s', staleIfError: '1h' } as const
const one = {}

const watched = (options?: ChronicleOptions) => {
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache({ ...policy, fetch })
  return { fetch, cache, chronicle: new Chronicle(cache, options) }
}

const read = (at: number): Read => ({ at, tookMs: 0.01, served: 'fresh' })

describe('Chronicle', () => {
  it('knows each fetch with its reason, its duration and how it ended', async () => {
    const { cache, fetch, chronicle } = watched()
    void cache.get()
    await pass(300)
    await fetch.resolve('a')
    await pass(7_000)
    await cache.get()
    await pass(200)
    await fetch.reject(new Error('down'))
    expect(chronicle.track(one)?.calls).toEqual([
      { startedAt: START, reason: 'first', endedAt: START + 300, outcome: 'succeeded' },
      { startedAt: START + 7_300, reason: 'aging', endedAt: START + 7_500, outcome: 'failed' },
    ])
  })

  it('a fetch that is not over has no end', async () => {
    const { cache, chronicle } = watched()
    void cache.get().catch(() => {})
    await pass(300)
    expect(chronicle.track(one)?.calls).toEqual([{ startedAt: START, reason: 'first' }])
    cache.dispose()
  })

  it('a fetch that a write overtakes ends discarded at the write, and what it brings later changes nothing', async () => {
    const { cache, fetch, chronicle } = watched()
    void cache.get()
    await pass(300)
    await cache.set('mine')
    await pass(500)
    await fetch.resolve('late')
    const track = chronicle.track(one)
    expect(track?.calls).toEqual([{ startedAt: START, reason: 'first', endedAt: START + 300, outcome: 'discarded' }])
    expect(track?.changes).toEqual([{ at: START + 300, kind: 'value-set' }])
  })

  it('a failure begins a cool-down that lasts until the next attempt', async () => {
    const { cache, fetch, chronicle } = watched()
    await cache.set('a')
    await pass(7_000)
    await cache.get()
    await fetch.reject(new Error('down'))
    const until = cache.inspect().nextAttemptAt
    expect(until).toBeGreaterThan(START + 7_000)
    expect(chronicle.track(one)?.coolDowns).toEqual([{ from: START + 7_000, until }])
  })

  it('a value lives from when it was held until it is replaced or dropped, whenever it is looked at', async () => {
    const { cache, fetch, chronicle } = watched()
    void cache.get()
    await pass(300)
    await fetch.resolve('a')
    await pass(6_700)
    chronicle.look()
    await cache.get()
    await pass(100)
    await fetch.resolve('b')
    await pass(400)
    chronicle.look()
    await cache.invalidate()
    await pass(400)
    chronicle.look()
    expect(chronicle.track(one)?.lives).toEqual([
      {
        fetchedAt: START,
        since: START + 300,
        refreshAt: START + 6_000,
        expiresAt: START + 10_000,
        until: START + 7_100,
      },
      {
        fetchedAt: START + 7_000,
        since: START + 7_100,
        refreshAt: START + 13_000,
        expiresAt: START + 17_000,
        until: START + 7_500,
      },
    ])
  })

  it('counts the reads it is told of, and no other: a hit makes no event', async () => {
    const { cache, chronicle } = watched()
    await cache.set('a')
    await cache.get()
    expect(chronicle.track(one)?.reads).toEqual([])
    chronicle.read(one, read(START))
    expect(chronicle.track(one)?.reads).toEqual([read(START)])
  })

  it('remembers the last 2,000 reads', () => {
    const { chronicle } = watched()
    for (let at = START; at < START + 2_100; at++) chronicle.read(one, read(at))
    const reads = chronicle.track(one)?.reads
    expect(reads).toHaveLength(2_000)
    expect(reads?.[0]).toEqual(read(START + 100))
  })

  it('forgets what was over before its span, but neither a life nor a fetch that goes on', async () => {
    const { cache, fetch, chronicle } = watched({ span: 5_000 })
    await cache.set('a')
    chronicle.read(one, read(START))
    chronicle.look()
    void cache.refresh().catch(() => {})
    await pass(6_000)
    chronicle.look()
    const track = chronicle.track(one)
    expect(track).toMatchObject({ reads: [], changes: [] })
    expect(track?.calls).toHaveLength(1)
    expect(track?.lives).toHaveLength(1)
    await fetch.reject(new Error('down'))
  })

  it('forgets a key that is gone once its span is over', async () => {
    const registry = new CacheRegistry()
    const schemas = registry.define({ ...policy, type: 'schema', fetch: async (table: string) => table })
    const chronicle = new Chronicle(registry, { span: 5_000 })
    const orders = { type: 'schema', key: ['orders'] }
    await schemas.get('orders')
    expect(chronicle.look().map(({ key }) => key)).toEqual([['orders']])
    await schemas.invalidate('orders')
    chronicle.look()
    expect(chronicle.track(orders)).toBeDefined()
    await registry.dispose()
    await pass(6_000)
    chronicle.look()
    expect(chronicle.track(orders)).toBeUndefined()
  })

  it('follows at most as many keys as it was told to', async () => {
    const registry = new CacheRegistry()
    const schemas = registry.define({ ...policy, type: 'schema', fetch: async (table: string) => table })
    const chronicle = new Chronicle(registry, { maxKeys: 3 })
    for (let table = 0; table < 10; table++) await schemas.get(`${table}`)
    expect(chronicle.look()).toHaveLength(3)
    expect(chronicle.track({ type: 'schema', key: ['9'] })).toBeUndefined()
  })

  it('tells keys apart that differ in their namespace or only in how they are cut', async () => {
    const registry = new CacheRegistry()
    const fetch = async (parts: readonly string[]) => parts.length
    const schemas = registry.define({ ...policy, type: 'schema', key: (parts: readonly string[]) => parts, fetch })
    for (const tenant of ['a', 'b']) {
      const place = schemas.namespace(tenant)
      await place.get(['x', 'y'])
      await place.get(['x / y'])
    }
    expect(new Chronicle(registry).look()).toHaveLength(4)
  })

  it('hears nothing once it is stopped', async () => {
    const { cache, chronicle } = watched()
    chronicle.stop()
    await cache.set('a')
    expect(chronicle.track(one)).toBeUndefined()
  })

  it('draws on whatever tells events and can be inspected', () => {
    const listeners = new Set<Parameters<Source['on']>[0]>()
    const source: Source = {
      on(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      inspect: () => [],
    }
    const chronicle = new Chronicle(source)
    const name = { type: 'other', key: ['k'] }
    for (const listener of listeners) {
      listener({ at: START, name: undefined, ...name, kind: 'fetch-started', reason: 'first' })
    }
    expect(chronicle.track(name)).toMatchObject({ title: 'other / k', calls: [{ startedAt: START }] })
    chronicle.stop()
    expect(listeners.size).toBe(0)
  })
})
