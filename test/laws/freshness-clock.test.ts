/** How the monotonic and the wall clock make up a value's age, and what the two synchronous reads give and cost. */
import { BackgroundCache, type CacheEvent, type Fetch, type PolicyOptions, type Surroundings } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { moveWall, pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { handClock } from '../support/hand-clock.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

const HOUR = 3_600_000

function setUp(options: PolicyOptions<string> & Surroundings = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ ttl: 1000, refreshWindow: 200, random: () => 0.5, fetch, ...options })
  const events: CacheEvent[] = []
  cache.on((event) => events.push(event))
  return { cache, fetch, events }
}

/** A lifetime long enough for L3's second not to matter. */
const slow = { ttl: 10_000, refreshWindow: 2000 } as const

describe('L3', () => {
  it('L3 time asleep counts as age within one second of use', async () => {
    const { cache, fetch } = setUp(slow)
    cache.set('before sleep')
    await pass(500)
    moveWall(8 * HOUR)
    cache.peek()
    await pass(1001)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
    expect(cache.inspect().freshness).toBe('expired')
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    fetch.calls[0]?.resolve('after sleep')
    await flush()
    expect(read.value).toBe('after sleep')
  })

  it.each([
    ['get()', 1001],
    ['get()', 5000],
    ['peek()', 1001],
    ['tryGet()', 1001],
  ])('L3 the first %s more than a second after the last look at the wall sees the sleep', async (name, awake) => {
    const { cache, fetch } = setUp(slow)
    cache.set('before sleep')
    moveWall(8 * HOUR)
    await pass(awake)
    if (name === 'peek()') expect(cache.peek()).toBeUndefined()
    else if (name === 'tryGet()') expect(cache.tryGet()).toBeUndefined()
    else {
      const read = settlement(cache.get())
      await flush()
      expect(read.state).toBe('pending')
      expect(fetch.calls).toHaveLength(1)
    }
  })

  it('L3 a sleep that only reaches the window makes the value aging', async () => {
    const { cache, fetch } = setUp(slow)
    cache.set('held')
    moveWall(7000)
    await pass(1001)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'held'])
    expect(await cache.get()).toBe('held')
    await flush()
    expect(fetch.calls[0]?.context.reason).toBe('aging')
    await pass(1998)
    expect(cache.peek()).toBe('held')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 forward jumps add up', async () => {
    const { cache } = setUp(slow)
    cache.set('held')
    for (const _ of ['first', 'second']) {
      moveWall(3000)
      await pass(1001)
      expect(cache.peek()).toBe('held')
    }
    await pass(1997)
    expect(cache.peek()).toBe('held')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    [100, false],
    [101, true],
  ])('L3 a forward jump of %i ms counts as age: %s', async (jump, counts) => {
    const { cache } = setUp(slow)
    cache.set('held')
    moveWall(jump)
    await pass(9999 - 101)
    cache.peek()
    await pass(101)
    expect(cache.peek()).toBe(counts ? undefined : 'held')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a clock that is slewed a little every second ages nothing', async () => {
    const { cache } = setUp(slow)
    cache.set('held')
    for (let second = 0; second < 9; second++) {
      moveWall(20)
      await pass(1000)
      expect(cache.peek()).toBe('held')
    }
    await pass(999)
    expect(cache.peek()).toBe('held')
  })

  it.each([-1, -1000, -24 * HOUR, 1 - START])(
    'L3 a wall clock set by %i ms never makes a value younger',
    async (by) => {
      const { cache } = setUp(slow)
      cache.set('held')
      await pass(5000)
      moveWall(by)
      await pass(2999)
      expect(cache.tryGet()).toBe('held')
      await pass(1)
      expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'held'])
      await pass(1999)
      expect(cache.peek()).toBe('held')
      await pass(1)
      expect(cache.peek()).toBeUndefined()
    },
  )

  it('L3 a wall clock set back does not prolong an absolute expiry', async () => {
    const { cache, fetch } = setUp({ ttl: '1d', refreshWindow: '1m', expiresAt: () => START + 10_000 })
    void cache.get()
    await flush()
    fetch.calls[0]?.resolve('token')
    await pass(5000)
    moveWall(-HOUR)
    await pass(4999)
    expect(cache.peek()).toBe('token')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a sleep counts against an absolute expiry', async () => {
    const { cache } = setUp({ ttl: '1d', refreshWindow: '1m', expiresAt: () => START + HOUR })
    cache.set('token')
    await pass(2000)
    expect(cache.peek()).toBe('token')
    moveWall(HOUR)
    await pass(1001)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a value set right after the sleep is not born old', async () => {
    const { cache } = setUp(slow)
    cache.set('before')
    moveWall(8 * HOUR)
    cache.set('after')
    await pass(1001)
    expect(cache.tryGet()).toBe('after')
    expect(cache.inspect().age).toBe(1001)
    await pass(8998)
    expect(cache.peek()).toBe('after')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a value seeded right after the sleep is not born old', async () => {
    const { cache } = setUp(slow)
    cache.set('before')
    await pass(10)
    moveWall(8 * HOUR)
    expect(cache.seed('after')).toBe(true)
    await pass(1001)
    expect(cache.tryGet()).toBe('after')
  })

  it('L3 a fetch launched right after the sleep does not bring a value that is born old', async () => {
    const { cache, fetch } = setUp(slow)
    cache.set('before')
    moveWall(8 * HOUR)
    const read = settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.resolve('after')
    await flush()
    expect(read.value).toBe('after')
    await pass(1001)
    expect(cache.tryGet()).toBe('after')
  })

  it('L3 a launch looks at the wall clock at once', async () => {
    const { cache } = setUp(slow)
    cache.set('before')
    await pass(10)
    moveWall(8 * HOUR)
    void settlement(cache.refresh())
    await flush()
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a sleep during the fetch counts as the age of its result', async () => {
    const { cache, fetch, events } = setUp(slow)
    const read = settlement(cache.get())
    await pass(10)
    moveWall(HOUR)
    fetch.calls[0]?.resolve('asked before the sleep')
    await flush()
    expect(read.value).toBe('asked before the sleep')
    expect(cache.peek()).toBeUndefined()
    expect(events.find((event) => event.kind === 'slower-than-ttl')).toMatchObject({ ttlMs: 10_000 })
  })

  it('L3 a short sleep during the fetch shortens the life of its result', async () => {
    const { cache, fetch } = setUp(slow)
    const read = settlement(cache.get())
    await pass(10)
    moveWall(4000)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(read.value).toBe('v')
    await pass(5989)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 a wall clock set back during the fetch does not make its result younger', async () => {
    const { cache, fetch } = setUp(slow)
    void cache.get()
    await pass(3000)
    moveWall(-HOUR)
    fetch.calls[0]?.resolve('v')
    await pass(6999)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 the default clock reads the globals at call time, also of a cache made before they were faked', async () => {
    vi.useRealTimers()
    const { cache, fetch } = setUp()
    vi.useFakeTimers({ now: START })
    void cache.get()
    await flush()
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(cache.getSnapshot()).toMatchObject({ fetchedAt: START, expiresAt: START + 1000 })
    await pass(999)
    expect(cache.peek()).toBe('v')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 the default timers are the globals of call time', async () => {
    vi.useRealTimers()
    const { cache } = setUp({ fetchTimeout: 300 })
    vi.useFakeTimers({ now: START })
    const read = settlement(cache.get())
    await pass(299)
    expect(read.state).toBe('pending')
    await pass(1)
    expect(read.state).toBe('rejected')
  })

  it('L3 an injected clock is the only one that is asked', async () => {
    const clock = handClock(42)
    const { cache } = setUp({ clock })
    cache.set('held')
    await pass(HOUR)
    expect(cache.tryGet()).toBe('held')
    await clock.advance(1000)
    expect(cache.peek()).toBeUndefined()
  })

  it('L3 holds on an injected clock', async () => {
    const clock = handClock(2 ** 31 - 100)
    const { cache } = setUp({ ttl: '60d', refreshWindow: '1d', clock })
    cache.set('held')
    clock.moveWall(61 * 24 * HOUR)
    await clock.advance(1001)
    expect(cache.peek()).toBeUndefined()
    cache.set('new')
    clock.moveWall(-61 * 24 * HOUR)
    await clock.advance(59 * 24 * HOUR)
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, 'new'])
    await clock.advance(24 * HOUR)
    expect(cache.peek()).toBeUndefined()
  })
})

describe('L4', () => {
  it('L4 tryGet() and peek() of an empty cache are undefined and fetch nothing', async () => {
    const { cache, fetch } = setUp()
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
    await flush()
    expect(fetch.calls).toHaveLength(0)
  })

  it.each([0, 799, 800, 999, 1000, 5000])('L4 neither fetches at age %i', async (age) => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(age)
    cache.tryGet()
    cache.peek()
    await flush()
    expect(fetch.calls).toHaveLength(0)
    expect(cache.inspect().status).toBe('current')
  })

  it.each([
    [100, 'held', 'held'],
    [850, undefined, 'held'],
    [1200, undefined, undefined],
  ])('L4 a flight in the air changes neither at age %i', async (age, tried, peeked) => {
    const { cache } = setUp()
    cache.set('held')
    await pass(age)
    void cache.refresh().catch(() => {})
    await flush()
    expect(cache.inspect().status).toBe('refreshing')
    expect([cache.tryGet(), cache.peek()]).toEqual([tried, peeked])
  })

  it('L4 peek() serves through the whole window while background refreshes fail', async () => {
    const cache = new BackgroundCache<string>({
      ttl: 1000,
      refreshWindow: 200,
      fetch: () => {
        throw new Error('down')
      },
    })
    cache.set('held')
    await pass(800)
    for (let age = 800; age < 1000; age += 10) {
      expect(await cache.get()).toBe('held')
      expect(cache.peek()).toBe('held')
      await pass(10)
    }
    expect(cache.peek()).toBeUndefined()
  })

  it('L4 neither gives a value that staleIfError still lets get() serve', async () => {
    const { cache, fetch } = setUp({ staleIfError: '1h' })
    cache.set('held')
    await pass(1000)
    void settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(new Error('down'))
    await flush()
    expect(await cache.get()).toBe('held')
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
  })

  it('L4 neither gives a value that was invalidated or told to expire', () => {
    const { cache } = setUp()
    cache.set('held')
    cache.expire()
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
    cache.set('again')
    expect([cache.tryGet(), cache.peek()]).toEqual(['again', 'again'])
    cache.invalidate()
    expect([cache.tryGet(), cache.peek()]).toEqual([undefined, undefined])
  })

  it.each([[null], [0], [''], [false], [Number.NaN]])('L4 both give %o, a value like any other', async (value) => {
    const fetch = vi.fn<Fetch<unknown>>(async () => value)
    const cache = new BackgroundCache<unknown>({ ttl: 1000, refreshWindow: 200, fetch } as never)
    expect(await cache.get(fetch)).toBe(value)
    expect(cache.tryGet()).toBe(value)
    await pass(850)
    expect(cache.tryGet()).toBeUndefined()
    expect(cache.peek()).toBe(value)
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it.each(['tryGet', 'peek'] as const)('L4 %s() costs one clock read, and one wall read a second', async (read) => {
    const clock = handClock(5000)
    const { cache } = setUp({ ttl: '1h', refreshWindow: '1m', clock })
    cache.set('held')
    const before = { ...clock.reads }
    for (let count = 0; count < 1000; count++) {
      expect(cache[read]()).toBe('held')
      await clock.advance(10)
    }
    expect(clock.reads.now - before.now).toBeLessThanOrEqual(1000)
    expect(clock.reads.wallNow - before.wallNow).toBeLessThanOrEqual(10)
    expect(clock.reads.wallNow - before.wallNow).toBeGreaterThanOrEqual(9)
  })
})
