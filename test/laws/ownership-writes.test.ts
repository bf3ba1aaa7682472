/** What set() and seed() win over, whom they resolve, and when a seed is refused. */
import { BackgroundCache, type CacheEvent, type PolicyOptions, type Surroundings } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { type Settlement, settlement } from '../support/settlement.ts'

useFakeTime()

const policy = { ttl: 1000, refreshWindow: 200, random: () => 0.5 } as const
const down = new Error('down')

function setUp(options: PolicyOptions<string> & Surroundings = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ ...policy, fetch, ...options })
  const events: CacheEvent[] = []
  cache.on((event) => events.push(event))
  return { cache, fetch, events }
}

const values = (readers: readonly Settlement<unknown>[]) => readers.map((reader) => reader.value)

describe('L9 set()', () => {
  it('L9 set() is held at once, fresh, its age counted from the call', async () => {
    const { cache, fetch, events } = setUp()
    await pass(77)
    expect(cache.set('written')).toBeUndefined()
    expect([cache.tryGet(), cache.peek()]).toEqual(['written', 'written'])
    expect(cache.getSnapshot()).toMatchObject({
      status: 'current',
      value: 'written',
      fetchedAt: START + 77,
      expiresAt: START + 1077,
    })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'value-set' }))
    expect(await cache.get()).toBe('written')
    expect(fetch.calls).toHaveLength(0)
  })

  it('L9 set() resolves the readers waiting at that moment, those of superseded fetches included', async () => {
    const { cache, fetch } = setUp()
    const readers: Settlement<unknown>[] = []
    for (let round = 0; round < 3; round++) {
      readers.push(settlement(cache.get()))
      await flush()
      if (round < 2) cache.invalidate()
    }
    readers.push(settlement(cache.refresh()))
    await flush()
    expect(fetch.calls).toHaveLength(3)
    cache.set('written')
    await flush()
    expect(values(readers)).toEqual(['written', 'written', 'written', 'written'])
    expect(cache.inspect().waiting).toBe(0)
    for (const call of fetch.calls) call.resolve('late')
    await flush()
    expect(cache.tryGet()).toBe('written')
    expect(fetch.calls).toHaveLength(3)
  })

  it('L9 set() resolves a waiting read() with when it was written', async () => {
    const { cache } = setUp()
    const read = settlement(cache.read())
    await pass(40)
    cache.set('written')
    await flush()
    expect(read.value).toMatchObject({ value: 'written', fetchedAt: START + 40, expiresAt: START + 1040, stale: false })
  })

  it('L9 set() resolves readers whose fetch has settled but not landed', async () => {
    for (const outcome of ['success', 'failure']) {
      const { cache, fetch } = setUp()
      const read = settlement(cache.get())
      await flush()
      if (outcome === 'success') fetch.calls[0]?.resolve('fetched')
      else fetch.calls[0]?.reject(down)
      cache.set('written')
      await flush()
      expect([read.value, cache.tryGet(), cache.getSnapshot().failure]).toEqual(['written', 'written', undefined])
    }
  })

  it.each([null, 0, '', false, Number.NaN])('L9 set(%o) is a value: held, and given to who waits', async (value) => {
    const fetch = deferredFetch<unknown>()
    const cache = new BackgroundCache<NonNullable<unknown> | null>({ ...policy, fetch: fetch as never })
    const read = settlement(cache.get())
    await flush()
    cache.set(value)
    await flush()
    expect(read).toEqual({ state: 'fulfilled', value, error: undefined })
    expect(cache.tryGet()).toBe(value)
    expect(await cache.get()).toBe(value)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L9 set(undefined) throws and changes nothing', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await flush()
    const before = cache.inspect()
    expect(() => cache.set(undefined as never)).toThrow()
    expect(cache.inspect()).toEqual(before)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect([read.value, cache.tryGet()]).toEqual(['v', 'v'])
  })

  it('L9 set() ends a failure and its cool-down', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(read.error).toBe(down)
    cache.set('written')
    expect(await cache.get()).toBe('written')
    expect(cache.getSnapshot().failure).toBeUndefined()
    expect(cache.inspect().nextAttemptAt).toBeUndefined()
    cache.invalidate()
    void settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L9 of two set() the later one stands, and readers waiting got the first', async () => {
    const { cache } = setUp()
    const read = settlement(cache.get())
    await flush()
    cache.set('one')
    cache.set('two')
    await flush()
    expect([read.value, cache.tryGet()]).toEqual(['one', 'two'])
  })

  it('L9 set() renews the age of an equal value', async () => {
    const { cache } = setUp()
    cache.set('same')
    await pass(900)
    cache.set('same')
    expect(cache.tryGet()).toBe('same')
    await pass(999)
    expect(cache.peek()).toBe('same')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    ['a number', START + 300],
    ['a Date', new Date(START + 300)],
  ])('L9 set() takes the expiry of this value as %s', async (_, expiresAt) => {
    const { cache } = setUp()
    cache.set('written', { expiresAt })
    expect(cache.getSnapshot().expiresAt).toBe(START + 300)
    await pass(299)
    expect(cache.peek()).toBe('written')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
    cache.set('again')
    await pass(999)
    expect(cache.peek()).toBe('again')
  })

  it('L9 expiresAt(value) of the policy applies to set()', async () => {
    const expiresAt = vi.fn((_value: string, fetchedAt: number) => fetchedAt + 300)
    const { cache } = setUp({ expiresAt })
    await pass(5)
    cache.set('written')
    expect(expiresAt).toHaveBeenCalledWith('written', START + 5)
    await pass(299)
    expect(cache.peek()).toBe('written')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })
})

describe('L9 seed()', () => {
  it('L9 seed() into an empty cache counts as fetched now', async () => {
    const { cache, fetch, events } = setUp()
    await pass(50)
    expect(cache.seed('seeded')).toBe(true)
    expect(cache.getSnapshot()).toMatchObject({ value: 'seeded', fetchedAt: START + 50, expiresAt: START + 1050 })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'value-seeded' }))
    expect(await cache.get()).toBe('seeded')
    expect(fetch.calls).toHaveLength(0)
  })

  it.each([
    ['a number', START - 400],
    ['a Date', new Date(START - 400)],
  ])('L9 seed() takes fetchedAt as %s, and the age counts from it', async (_, fetchedAt) => {
    const { cache } = setUp()
    expect(cache.seed('seeded', { fetchedAt })).toBe(true)
    expect(cache.inspect()).toMatchObject({ age: 400, expiresAt: START + 600 })
    await pass(599)
    expect(cache.peek()).toBe('seeded')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    [-500, true, 'one fetched before it'],
    [-1, true, 'one fetched a millisecond before it'],
    [0, false, 'one fetched at the same time'],
    [1, false, 'one fetched a millisecond after it'],
    [100, false, 'one fetched after it'],
  ])('L9 seed() against a value held since %i ms from its fetchedAt: %s (%s)', async (heldSince, accepted) => {
    const { cache, events } = setUp()
    await pass(500)
    expect(cache.seed('held', { fetchedAt: START + 500 + heldSince - 100 })).toBe(true)
    const before = { snapshot: cache.getSnapshot(), count: events.length }
    expect(cache.seed('seeded', { fetchedAt: START + 400 })).toBe(accepted)
    expect(cache.peek()).toBe(accepted ? 'seeded' : 'held')
    if (!accepted) {
      expect(cache.getSnapshot()).toBe(before.snapshot)
      expect(events).toHaveLength(before.count)
    }
  })

  it('L9 seed() is refused against a value set or fetched in the same millisecond', async () => {
    const { cache, fetch } = setUp()
    cache.set('written')
    expect(cache.seed('seeded')).toBe(false)
    cache.invalidate()
    void settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('fetched')
    await flush()
    expect(cache.seed('seeded')).toBe(false)
    expect(cache.tryGet()).toBe('fetched')
    await pass(1)
    expect(cache.seed('seeded')).toBe(true)
    expect(cache.tryGet()).toBe('seeded')
  })

  it('L9 seed() compares with when the held value was fetched, not when it arrived', async () => {
    const { cache, fetch } = setUp()
    void settlement(cache.get())
    await pass(300)
    fetch.calls[0]?.resolve('held')
    await flush()
    expect(cache.seed('seeded', { fetchedAt: START + 1 })).toBe(true)
    expect(cache.peek()).toBe('seeded')
  })

  it.each([
    [999, 0, true],
    [1000, 0, false],
    [5000, 0, false],
    [1499, 500, true],
    [1501, 500, false],
  ])('L9 seed() of age %i with ttl 1000 and staleIfError %i: %s', (age, staleIfError, accepted) => {
    const { cache } = setUp({ staleIfError })
    expect(cache.seed('seeded', { fetchedAt: START - age })).toBe(accepted)
    expect(cache.peek()).toBe(age < 1000 ? 'seeded' : undefined)
  })

  it('L9 an expired seed that staleIfError allows is the fallback of the first fetch, not a value', async () => {
    const { cache, fetch } = setUp({ staleIfError: 5000 })
    expect(cache.seed('last good', { fetchedAt: START - 2000 })).toBe(true)
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(fetch.calls[0]?.previous).toMatchObject({ value: 'last good', fetchedAt: START - 2000 })
    fetch.calls[0]?.reject(down)
    await flush()
    expect(await cache.get()).toBe('last good')
  })

  it('L9 seed() with a fetchedAt in the future counts as now', async () => {
    const { cache } = setUp()
    expect(cache.seed('seeded', { fetchedAt: START + 3_600_000 })).toBe(true)
    expect(cache.getSnapshot()).toMatchObject({ fetchedAt: START, expiresAt: START + 1000 })
    await pass(1000)
    expect(cache.peek()).toBeUndefined()
    cache.set('held')
    expect(cache.seed('seeded', { fetchedAt: Date.now() + 3_600_000 })).toBe(false)
    expect(cache.tryGet()).toBe('held')
  })

  it('L9 seed(undefined) throws and changes nothing', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(1)
    const before = cache.inspect()
    expect(() => cache.seed(undefined as never)).toThrow()
    expect(cache.inspect()).toEqual(before)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect([read.value, cache.tryGet()]).toEqual(['v', 'v'])
  })

  it('L9 seed(null) is a seed', () => {
    const cache = new BackgroundCache<string | null>({ ...policy, fetch: deferredFetch<string | null>() })
    expect(cache.seed(null)).toBe(true)
    expect(cache.tryGet()).toBeNull()
  })

  it('L9 seed() takes an expiry, and is refused when that is over', async () => {
    const { cache } = setUp()
    expect(cache.seed('dead', { expiresAt: START - 1 })).toBe(false)
    expect(cache.seed('short', { expiresAt: new Date(START + 100) })).toBe(true)
    await pass(99)
    expect(cache.peek()).toBe('short')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L9 expiresAt(value) of the policy applies to seed()', async () => {
    const lifetimes: Record<string, number> = { dead: -1, short: 100 }
    const expiresAt = vi.fn((value: string, fetchedAt: number) => fetchedAt + (lifetimes[value] ?? 0))
    const { cache } = setUp({ expiresAt })
    expect(cache.seed('dead')).toBe(false)
    expect(cache.seed('short', { fetchedAt: START - 40 })).toBe(true)
    expect(expiresAt).toHaveBeenLastCalledWith('short', START - 40)
    await pass(59)
    expect(cache.peek()).toBe('short')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })
})

describe('L9 seed() and a flight', () => {
  it('L9 seed() supersedes an older flight, whose late success does not overwrite it', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(100)
    expect(cache.seed('seeded')).toBe(true)
    await flush()
    expect(read.value).toBe('seeded')
    expect(cache.inspect()).toMatchObject({ status: 'current', waiting: 0 })
    fetch.calls[0]?.resolve('older')
    await flush()
    expect(cache.tryGet()).toBe('seeded')
  })

  it('L9 seed() supersedes an older flight, whose late failure does not erase it', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(100)
    expect(cache.seed('seeded')).toBe(true)
    fetch.calls[0]?.reject(down)
    await flush()
    expect(read.value).toBe('seeded')
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'seeded', failure: undefined })
    expect(await cache.get()).toBe('seeded')
    expect(fetch.calls).toHaveLength(1)
  })

  it.each(['success', 'failure'])('L9 a flight that started after fetchedAt keeps the slot: %s', async (outcome) => {
    const { cache, fetch } = setUp()
    await pass(100)
    const read = settlement(cache.get())
    await flush()
    const { generation } = cache.inspect()
    expect(cache.seed('seeded', { fetchedAt: START + 50 })).toBe(true)
    await flush()
    expect(read.value).toBe('seeded')
    expect(cache.peek()).toBe('seeded')
    expect(cache.inspect()).toMatchObject({ status: 'refreshing', generation })
    await pass(60)
    if (outcome === 'success') {
      fetch.calls[0]?.resolve('newer')
      await flush()
      expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'newer', fetchedAt: START + 100 })
    } else {
      fetch.calls[0]?.reject(down)
      await flush()
      expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'seeded', fetchedAt: START + 50 })
      expect(cache.getSnapshot().failure).toMatchObject({ error: down, attempts: 1 })
      expect(await cache.get()).toBe('seeded')
    }
    expect(fetch.calls).toHaveLength(1)
  })

  it('L9 a refused seed does not resolve who waits, nor touch the flight', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(10)
    expect(cache.seed('too old', { fetchedAt: START - 1000 })).toBe(false)
    await flush()
    expect(read.state).toBe('pending')
    fetch.calls[0]?.resolve('v')
    await flush()
    expect([read.value, cache.tryGet()]).toEqual(['v', 'v'])
  })

  it('L9 an expired seed does not resolve who waits', async () => {
    const { cache, fetch } = setUp({ staleIfError: '1h' })
    const read = settlement(cache.get())
    await pass(10)
    expect(cache.seed('stale', { fetchedAt: START - 1500 })).toBe(true)
    await flush()
    expect(read.state).toBe('pending')
    fetch.calls[0]?.resolve('v')
    await flush()
    expect([read.value, cache.tryGet()]).toEqual(['v', 'v'])
  })

  it('L9 seed() resolves the readers of superseded fetches too', async () => {
    const { cache } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await pass(10)
    expect(cache.seed('seeded')).toBe(true)
    await flush()
    expect(values([before, after])).toEqual(['seeded', 'seeded'])
  })

  it('L9 seed() during a background refresh that began before it stays', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(850)
    expect(await cache.get()).toBe('held')
    await pass(10)
    expect(cache.seed('seeded')).toBe(true)
    fetch.calls[0]?.resolve('older')
    await flush()
    expect(cache.getSnapshot()).toMatchObject({ value: 'seeded', fetchedAt: START + 860, status: 'current' })
  })
})
