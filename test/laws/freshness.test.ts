/** How long a value is fresh, aging and expired, and where its age starts. */
import { BackgroundCache, type CacheEvent, type Fetch, type PolicyOptions, type Surroundings } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { handClock } from '../support/hand-clock.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

type Options = PolicyOptions<string> & Surroundings

function setUp(options: Options = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ ttl: 1000, refreshWindow: 200, random: () => 0.5, fetch, ...options })
  const events: CacheEvent[] = []
  cache.on((event) => events.push(event))
  return { cache, fetch, events }
}

/** A cache whose lifetime comes from the value alone. */
function setUpExpiring(expiresAt: NonNullable<PolicyOptions<string>['expiresAt']>, options: Options = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ random: () => 0.5, fetch, expiresAt, ...options })
  return { cache, fetch }
}

describe('L1', () => {
  it.each([
    [0, 'fresh'],
    [1, 'fresh'],
    [799, 'fresh'],
    [800, 'aging'],
    [999, 'aging'],
    [1000, 'expired'],
    [1001, 'expired'],
    [60_000, 'expired'],
  ] as const)('L1 at age %i of ttl 1000 with window 200 a value is %s', async (age, freshness) => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(age)
    expect(cache.inspect().freshness).toBe(freshness)
    expect(cache.tryGet()).toBe(freshness === 'fresh' ? 'held' : undefined)
    expect(cache.peek()).toBe(freshness === 'expired' ? undefined : 'held')
    const read = settlement(cache.get())
    await flush()
    expect(read).toMatchObject(freshness === 'expired' ? { state: 'pending' } : { state: 'fulfilled', value: 'held' })
    expect(fetch.calls.map((call) => call.context.reason)).toEqual(freshness === 'fresh' ? [] : [freshness])
  })

  it.each([
    ['a number', 1000, 200],
    ['strings', '1s', '200ms'],
  ] as const)('L1 holds with durations given as %s', async (_, ttl, refreshWindow) => {
    const { cache } = setUp({ ttl, refreshWindow })
    cache.set('held')
    await pass(799)
    expect(cache.tryGet()).toBe('held')
    await pass(1)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'held'])
    await pass(200)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    ['s', 1000],
    ['m', 60_000],
    ['h', 3_600_000],
    ['d', 86_400_000],
  ] as const)('L1 a ttl of 2%s ends at exactly that', async (unit, length) => {
    const { cache } = setUp({ ttl: `2${unit}`, refreshWindow: 0 })
    cache.set('held')
    await pass(2 * length - 1)
    expect(cache.peek()).toBe('held')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L1 refreshWindow defaults to a fifth of ttl', async () => {
    const cache = new BackgroundCache<string>({ ttl: 1000, fetch: deferredFetch<string>() })
    cache.set('held')
    await pass(799)
    expect(cache.tryGet()).toBe('held')
    await pass(1)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'held'])
  })

  it('L1 a window of 0 leaves no aging at all', async () => {
    const { cache, fetch } = setUp({ refreshWindow: 0 })
    cache.set('held')
    await pass(999)
    expect(cache.tryGet()).toBe('held')
    expect(await cache.get()).toBe('held')
    expect(fetch.calls).toHaveLength(0)
    await pass(1)
    expect(cache.inspect().freshness).toBe('expired')
  })

  it.each([
    ['4 min', 4, 2],
    ['10 min', 10, 5],
    ['20 min', 20, 15],
    ['60 min', 60, 45],
    ['89 min', 89, 74],
    ['2 h', 120, 60],
    ['3 h', 180, 120],
    ['24 h', 1440, 1380],
  ])('L1 the default window for a value that carries its expiry, with %s left', async (_, minutes, agingFrom) => {
    const { cache } = setUpExpiring((_value, fetchedAt) => fetchedAt + minutes * 60_000)
    cache.set('token')
    await pass(agingFrom * 60_000 - 1)
    expect(cache.inspect().freshness).toBe('fresh')
    await pass(1)
    expect(cache.inspect().freshness).toBe('aging')
    await pass((minutes - agingFrom) * 60_000 - 1)
    expect(cache.inspect().freshness).toBe('aging')
    await pass(1)
    expect(cache.inspect().freshness).toBe('expired')
  })

  it('L1 a value without an expiry of its own never expires when only expiresAt is given', async () => {
    const { cache, fetch } = setUpExpiring(() => undefined)
    cache.set('for ever')
    await pass(3650 * 86_400_000)
    expect(cache.tryGet()).toBe('for ever')
    expect(await cache.get()).toBe('for ever')
    expect(fetch.calls).toHaveLength(0)
  })

  it('L1 the window in force is at most half of the ttl', async () => {
    const { cache } = setUp({ refreshWindow: 900 })
    cache.set('held')
    await pass(499)
    expect(cache.tryGet()).toBe('held')
    await pass(1)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'held'])
  })

  it('L1 the window in force is at most half of what a slow fetch left of the lifetime', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(700)
    fetch.calls[0]?.resolve('slow')
    await flush()
    expect(read.value).toBe('slow')
    await pass(149)
    expect(cache.inspect()).toMatchObject({ freshness: 'fresh', age: 849 })
    await pass(1)
    expect(cache.inspect()).toMatchObject({ freshness: 'aging', age: 850 })
    await pass(150)
    expect(cache.inspect().freshness).toBe('expired')
  })

  it('L1 the window in force is at most half of what is left of a seed', async () => {
    const { cache } = setUp()
    expect(cache.seed('seeded', { fetchedAt: START - 900 })).toBe(true)
    await pass(49)
    expect(cache.tryGet()).toBe('seeded')
    await pass(1)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'seeded'])
    await pass(50)
    expect(cache.peek()).toBeUndefined()
  })

  it('L1 the window in force is at most half of the lifetime that set() gives', async () => {
    const { cache } = setUp({ ttl: '10m', refreshWindow: '5m' })
    cache.set('short', { expiresAt: START + 100 })
    await pass(49)
    expect(cache.tryGet()).toBe('short')
    await pass(1)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'short'])
    await pass(50)
    expect(cache.peek()).toBeUndefined()
  })

  it('L1 a short-lived token with a long window is not refetched on every read', async () => {
    const fetch = vi.fn<Fetch<string>>(async () => 'token')
    const cache = new BackgroundCache({ fetch, expiresAt: (_, at) => at + 60_000, refreshWindow: '5m' })
    for (let second = 0; second < 120; second++) {
      expect(await cache.get()).toBe('token')
      await pass(1000)
    }
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(5)
    expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(4)
  })

  it('L1 jitter delays the refresh inside the window and nothing else', async () => {
    const { cache, fetch } = setUp({ jitter: 0.5, random: () => 0.5 })
    cache.set('held')
    await pass(800)
    expect(cache.inspect().freshness).toBe('aging')
    expect([cache.tryGet(), cache.peek(), await cache.get()]).toEqual([undefined, 'held', 'held'])
    await pass(49)
    expect(await cache.get()).toBe('held')
    expect(fetch.calls).toHaveLength(0)
    await pass(1)
    expect(await cache.get()).toBe('held')
    await flush()
    expect(fetch.calls).toHaveLength(1)
    await pass(150)
    expect(cache.inspect().freshness).toBe('expired')
  })

  it('L1 a jitter that draws 0 delays nothing', async () => {
    const { cache, fetch } = setUp({ jitter: 0.5, random: () => 0 })
    cache.set('held')
    await pass(800)
    await cache.get()
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })

  it('L1 without jitter the draw does not matter', async () => {
    const { cache, fetch } = setUp({ random: () => 0.999_999 })
    cache.set('held')
    await pass(800)
    await cache.get()
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })

  it('L1 jitter draws once per value, not once per read', async () => {
    let draw = 0.5
    const { cache, fetch } = setUp({ jitter: 0.8, random: () => draw })
    cache.set('held')
    await pass(800)
    await cache.get()
    draw = 0
    for (const _ of [1, 2, 3, 4, 5, 6, 7]) {
      await pass(10)
      await cache.get()
      await flush()
    }
    expect(fetch.calls).toHaveLength(0)
    await pass(10)
    await cache.get()
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })

  it('L1 jitter draws anew for the next value', async () => {
    let draw = 0.5
    const { cache, fetch } = setUp({ jitter: 0.5, random: () => draw })
    cache.set('one')
    await pass(850)
    draw = 0
    cache.set('two')
    await pass(800)
    await cache.get()
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })

  it.each([0, -5000, 1000.75, 2 ** 31 - 500, 2 ** 31, 2 ** 31 + 0.5, 2 ** 32 - 500, 1e12])(
    'L1 holds for a ttl of 60 days on a clock that starts at %d',
    async (startAt) => {
      const day = 86_400_000
      const clock = handClock(startAt)
      const { cache, fetch } = setUp({ ttl: '60d', refreshWindow: '10d', clock })
      cache.set('held')
      expect(cache.inspect().freshness).toBe('fresh')
      await clock.advance(50 * day - 2)
      expect([cache.inspect().freshness, cache.tryGet()]).toEqual(['fresh', 'held'])
      await clock.advance(2)
      expect([cache.inspect().freshness, cache.tryGet(), cache.peek()]).toEqual(['aging', undefined, 'held'])
      await clock.advance(10 * day - 2)
      expect(cache.peek()).toBe('held')
      expect(await cache.get()).toBe('held')
      await flush()
      expect(fetch.calls).toHaveLength(1)
      await clock.advance(2)
      expect([cache.inspect().freshness, cache.peek()]).toEqual(['expired', undefined])
    },
  )

  it('L1 rounding a fractional clock never serves a value at its ttl', async () => {
    for (const fraction of [0.001, 0.25, 0.5, 0.75, 0.999]) {
      const clock = handClock(1000 + fraction)
      const { cache } = setUp({ clock })
      cache.set('held')
      await clock.advance(1000)
      await clock.advance(0.001)
      expect([fraction, cache.peek()]).toEqual([fraction, undefined])
    }
  })

  it('L1 a steady stream of reads waits once, and never sees a value older than its ttl', async () => {
    const fetch = vi.fn<Fetch<number>>(
      ({ startedAt }) => new Promise((resolve) => setTimeout(() => resolve(startedAt), 50)),
    )
    const cache = new BackgroundCache<number>({ ttl: 1000, refreshWindow: 200, fetch })
    const first = settlement(cache.get())
    await pass(50)
    expect(first.state).toBe('fulfilled')
    for (let at = 50; at < 20_000; at += 10) {
      const read = settlement(cache.get())
      await flush()
      expect(read.state).toBe('fulfilled')
      expect(Date.now() - (read.value ?? 0)).toBeLessThan(1000)
      await pass(10)
    }
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(26)
  })
})

describe('L2', () => {
  it('L2 age counts from the start of a first load', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await pass(300)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(read.value).toBe('v')
    expect(cache.inspect().age).toBe(300)
    await pass(699)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 a snapshot that took 29 s of a 30 s ttl is gone at 53 s', async () => {
    const { cache, fetch } = setUp({ ttl: '30s', refreshWindow: '5s' })
    const read = settlement(cache.get())
    await pass(29_000)
    fetch.calls[0]?.resolve('snapshot at 0')
    await flush()
    expect(read.value).toBe('snapshot at 0')
    expect(cache.peek()).toBe('snapshot at 0')
    await pass(1000)
    expect(cache.peek()).toBeUndefined()
    await pass(23_000)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
  })

  it.each([
    ['a background refresh', 850],
    ['a refresh()', 100],
    ['a load after expiry', 1200],
  ])('L2 age counts from the start of %s', async (name, startsAt) => {
    const { cache, fetch } = setUp()
    cache.set('old')
    await pass(startsAt)
    const read = settlement(name === 'a refresh()' ? cache.refresh() : cache.get())
    await pass(120)
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(read.state).toBe('fulfilled')
    expect(cache.inspect()).toMatchObject({ age: 120, expiresAt: START + startsAt + 1000 })
    expect(cache.getSnapshot()).toMatchObject({ value: 'new', fetchedAt: START + startsAt })
    await pass(879)
    expect(cache.peek()).toBe('new')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 what comes out is the epoch time of the start: startedAt, fetchedAt, previous and read() agree', async () => {
    const { cache, fetch } = setUp()
    await pass(77)
    const read = settlement(cache.read())
    await pass(100)
    expect(fetch.calls[0]?.context.startedAt).toBe(START + 77)
    fetch.calls[0]?.resolve('v')
    await flush()
    const held = { value: 'v', fetchedAt: START + 77, expiresAt: START + 1077 }
    expect(read.value).toMatchObject({ ...held, from: 'source', stale: false })
    expect(await cache.read()).toMatchObject({ ...held, from: 'memory', stale: false })
    void cache.refresh()
    await flush()
    expect(fetch.calls[1]?.previous).toEqual(held)
  })

  it.each([
    ['before', 500, 500],
    ['after', 5000, 1000],
  ])('L2 an own expiry %s the ttl: the earlier of the two counts', async (_, own, ends) => {
    const { cache, fetch } = setUp({ expiresAt: (_value, fetchedAt) => fetchedAt + own })
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(read.value).toBe('v')
    expect(cache.getSnapshot().expiresAt).toBe(START + ends)
    await pass(ends - 1)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 expiresAt gets the value and the time the fetch started, and may answer a Date', async () => {
    const expiresAt = vi.fn((_value: string, fetchedAt: number) => new Date(fetchedAt + 400))
    const { cache, fetch } = setUp({ expiresAt })
    void cache.get()
    await pass(100)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(expiresAt).toHaveBeenCalledWith('v', START)
    expect(cache.getSnapshot().expiresAt).toBe(START + 400)
    await pass(299)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 an expiresAt that answers undefined leaves only the ttl', async () => {
    const { cache } = setUp({ expiresAt: () => undefined })
    cache.set('v')
    await pass(999)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 an absolute expiry is not moved by the time the fetch took', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', expiresAt: () => START + 5000 })
    void cache.get()
    await pass(3000)
    fetch.calls[0]?.resolve('v')
    await pass(1999)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L2 an expired value is not served when its refresh fails', async () => {
    const { cache, fetch } = setUp()
    const error = new Error('source down')
    cache.set('old')
    await pass(1000)
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(error)
    await flush()
    expect(read).toMatchObject({ state: 'rejected', error })
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
  })

  it('L2 a result one millisecond faster than its ttl is kept for that millisecond', async () => {
    const { cache, fetch, events } = setUp()
    void cache.get()
    await pass(999)
    fetch.calls[0]?.resolve('just')
    await flush()
    expect(cache.peek()).toBe('just')
    expect(events.map((event) => event.kind)).not.toContain('slower-than-ttl')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([1000, 1001, 1500, 29_000])(
    'L2 a result that took %i of ttl 1000 serves its waiters and nobody after them',
    async (took) => {
      const { cache, fetch, events } = setUp()
      const readers = [settlement(cache.get()), settlement(cache.get())]
      await pass(took - 1)
      readers.push(settlement(cache.get()))
      await pass(1)
      fetch.calls[0]?.resolve('slow')
      await flush()
      expect(readers.map((reader) => reader.value)).toEqual(['slow', 'slow', 'slow'])
      expect([cache.tryGet(), cache.peek(), cache.getSnapshot().value]).toEqual([undefined, undefined, undefined])
      expect(events).toContainEqual(expect.objectContaining({ kind: 'slower-than-ttl', tookMs: took, ttlMs: 1000 }))
    },
  )

  it('L2 after a result slower than its ttl the next read starts over, without it as previous', async () => {
    const { cache, fetch } = setUp({ backoff: false })
    const first = settlement(cache.get())
    await pass(1500)
    fetch.calls[0]?.resolve('slow')
    await flush()
    expect(first.value).toBe('slow')
    const second = settlement(cache.get())
    await flush()
    expect(second.state).toBe('pending')
    expect(fetch.calls).toHaveLength(2)
    expect(fetch.calls[1]?.previous).toBeUndefined()
    fetch.calls[1]?.resolve('quick')
    await flush()
    expect(second.value).toBe('quick')
    expect(cache.tryGet()).toBe('quick')
  })

  it('L2 a background refresh slower than its ttl serves who joined it and is not kept', async () => {
    const { cache, fetch, events } = setUp()
    cache.set('old')
    await pass(850)
    expect(await cache.get()).toBe('old')
    await pass(150)
    const joined = settlement(cache.get())
    await pass(950)
    expect(joined.state).toBe('pending')
    fetch.calls[0]?.resolve('slow')
    await flush()
    expect(joined.value).toBe('slow')
    expect(fetch.calls).toHaveLength(1)
    expect(cache.peek()).toBeUndefined()
    expect(events).toContainEqual(expect.objectContaining({ kind: 'slower-than-ttl', tookMs: 1100, ttlMs: 1000 }))
  })

  it('L2 a result slower than its ttl is not kept for staleIfError either', async () => {
    const { cache, fetch } = setUp({ staleIfError: '1h', backoff: false })
    void cache.get()
    await pass(1500)
    fetch.calls[0]?.resolve('slow')
    await flush()
    const error = new Error('down')
    const next = settlement(cache.get())
    await flush()
    fetch.calls[1]?.reject(error)
    await flush()
    expect(next).toMatchObject({ state: 'rejected', error })
  })

  it('L2 a result past its own expiry is a failed fetch that says so', async () => {
    const { cache, fetch, events } = setUp({ expiresAt: () => START - 5000 })
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('stale token')
    await flush()
    expect(read.state).toBe('rejected')
    expect(String((read.error as Error).message)).toMatch(/expir/i)
    expect(String((read.error as Error).message)).not.toMatch(/seconds instead of milliseconds/i)
    expect(cache.peek()).toBeUndefined()
    expect(cache.getSnapshot().failure?.error).toBe(read.error)
    expect(events).toContainEqual(expect.objectContaining({ kind: 'fetch-failed', error: read.error }))
    await expect(cache.get()).rejects.toBe(read.error)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L2 a result that outlived its own expiry on the way is a failed fetch', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', expiresAt: (_, fetchedAt) => fetchedAt + 500 })
    const read = settlement(cache.get())
    await pass(600)
    fetch.calls[0]?.resolve('late token')
    await flush()
    expect(read.state).toBe('rejected')
    expect(String((read.error as Error).message)).toMatch(/expir/i)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    ['seconds', (at: number) => Math.floor(at / 1000) + 3600],
    ['seconds in a Date', (at: number) => new Date(Math.floor(at / 1000) + 3600)],
  ])('L2 an expiry in %s is asked about', async (_, expiresAt) => {
    const { cache, fetch } = setUpExpiring((_value, fetchedAt) => expiresAt(fetchedAt))
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('token')
    await flush()
    expect(read.state).toBe('rejected')
    expect(String((read.error as Error).message)).toMatch(/seconds instead of milliseconds\?/)
    expect(String((read.error as Error).message)).toMatch(/expir/i)
  })

  it('L2 a background result past its own expiry leaves the held value served', async () => {
    const lifetimes = new Map([['dead', -1]])
    const { cache, fetch } = setUp({ expiresAt: (value, fetchedAt) => fetchedAt + (lifetimes.get(value) ?? 1000) })
    cache.set('alive')
    await pass(850)
    expect(await cache.get()).toBe('alive')
    await flush()
    fetch.calls[0]?.resolve('dead')
    await flush()
    expect(cache.peek()).toBe('alive')
    expect(await cache.get()).toBe('alive')
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', fetchedAt: START })
    expect(cache.getSnapshot().failure).toBeDefined()
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })
})
