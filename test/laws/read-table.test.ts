/** The decision table of a read, row by row: the first row that matches decides, and nothing else does. */
import { BackgroundCache, type PolicyOptions, type Surroundings } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

function setUp(options: PolicyOptions<string> & Surroundings = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ ttl: 1000, refreshWindow: 200, random: () => 0.5, fetch, ...options })
  const untilNextAttempt = () => (cache.getSnapshot().failure?.nextAttemptAt ?? Number.NaN) - Date.now()
  return { cache, fetch, untilNextAttempt }
}

type SetUp = ReturnType<typeof setUp>

/** Starts a fetch through `read` and lets it fail with `error`. */
async function fail({ fetch }: SetUp, read: () => Promise<unknown>, error: unknown) {
  const settled = settlement(read())
  await flush()
  fetch.calls.at(-1)?.reject(error)
  await flush()
  return settled
}

const down = new Error('down')
const revoked = new Error('revoked')
const fatally: PolicyOptions<string> = { classifyError: (error) => (error === revoked ? 'fatal' : 'retry') }

describe('row 1: a fatal failure since the last success', () => {
  it('row 1 rejects at once although a fresh value is held, while its cool-down runs', async () => {
    const all = setUp(fatally)
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), revoked)
    for (let count = 0; count < 10; count++) await expect(all.cache.get()).rejects.toBe(revoked)
    await pass(all.untilNextAttempt() - 1)
    await expect(all.cache.read()).rejects.toBe(revoked)
    expect(all.fetch.calls).toHaveLength(1)
    expect([all.cache.tryGet(), all.cache.peek()]).toEqual(['held', 'held'])
  })

  it('row 1 rejects at once while a flight is in the air', async () => {
    const all = setUp(fatally)
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), revoked)
    const refreshed = settlement(all.cache.refresh())
    await flush()
    expect(all.fetch.calls).toHaveLength(2)
    await expect(all.cache.get()).rejects.toBe(revoked)
    all.fetch.calls[1]?.resolve('renewed')
    await flush()
    expect(refreshed.value).toBe('renewed')
    expect(await all.cache.get()).toBe('renewed')
  })

  it('row 1 rejects at once when nothing is held', async () => {
    const all = setUp(fatally)
    const first = await fail(all, () => all.cache.get(), revoked)
    expect(first).toMatchObject({ state: 'rejected', error: revoked })
    await expect(all.cache.get()).rejects.toBe(revoked)
    expect(all.fetch.calls).toHaveLength(1)
  })

  it('row 1 goes before a stale value', async () => {
    const all = setUp({ ...fatally, staleIfError: '1h' })
    all.cache.set('held')
    await pass(1000)
    await fail(all, () => all.cache.get(), revoked)
    await expect(all.cache.get()).rejects.toBe(revoked)
  })

  it('row 1 starts a fetch and waits once the cool-down is over, although a fresh value is held', async () => {
    const all = setUp({ ...fatally, ttl: '1h', refreshWindow: '1m' })
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), revoked)
    await pass(all.untilNextAttempt())
    const readers = [settlement(all.cache.get()), settlement(all.cache.get())]
    await flush()
    expect(readers.map((reader) => reader.state)).toEqual(['pending', 'pending'])
    expect(all.fetch.calls).toHaveLength(2)
    expect(all.cache.tryGet()).toBe('held')
    all.fetch.calls[1]?.resolve('renewed')
    await flush()
    expect(readers.map((reader) => reader.value)).toEqual(['renewed', 'renewed'])
    expect(await all.cache.get()).toBe('renewed')
  })

  it('row 1 joins the flight in the air once the cool-down is over', async () => {
    const all = setUp({ ...fatally, ttl: '1h', refreshWindow: '1m' })
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), revoked)
    void settlement(all.cache.refresh())
    await pass(all.untilNextAttempt())
    const read = settlement(all.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(all.fetch.calls).toHaveLength(2)
    all.fetch.calls[1]?.resolve('renewed')
    await flush()
    expect(read.value).toBe('renewed')
  })

  it('row 1 ends with set()', async () => {
    const all = setUp(fatally)
    await fail(all, () => all.cache.get(), revoked)
    all.cache.set('by hand')
    expect(await all.cache.get()).toBe('by hand')
  })

  it.each([undefined, 0, false, null, ''])('row 1 rejects with %o when that is the fatal error', async (error) => {
    const all = setUp({ classifyError: () => 'fatal' })
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), error)
    const read = settlement(all.cache.get())
    await flush()
    expect(read).toEqual({ state: 'rejected', value: undefined, error })
  })
})

describe('row 2: a fresh value', () => {
  it('row 2 is served without a fetch', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    for (let count = 0; count < 100; count++) expect(await cache.get()).toBe('held')
    expect(fetch.calls).toHaveLength(0)
  })

  it('row 2 is served at once while a flight is in the air', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    const refreshed = settlement(cache.refresh())
    await flush()
    const read = settlement(cache.get())
    await flush()
    expect([read.value, refreshed.state]).toEqual(['held', 'pending'])
    expect(fetch.calls).toHaveLength(1)
  })

  it('row 2 is served during a cool-down', async () => {
    const all = setUp()
    all.cache.set('held')
    await fail(all, () => all.cache.refresh(), down)
    expect(await all.cache.get()).toBe('held')
    expect(all.fetch.calls).toHaveLength(1)
  })
})

describe('row 3: an aging value', () => {
  it('row 3 is served, and one background fetch starts for any number of readers', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(800)
    const readers = Array.from({ length: 1000 }, () => settlement(cache.get()))
    await flush()
    expect(new Set(readers.map((reader) => reader.value))).toEqual(new Set(['held']))
    expect(fetch.calls).toHaveLength(1)
    expect(fetch.calls[0]?.context.reason).toBe('aging')
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(cache.tryGet()).toBe('new')
    expect(await cache.get()).toBe('new')
  })

  it('row 3 starts nothing while a flight owns the slot', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(799)
    void settlement(cache.refresh())
    await pass(1)
    expect(await cache.get()).toBe('held')
    await flush()
    expect(fetch.calls).toHaveLength(1)
  })

  it('row 3 starts nothing while the cool-down runs, and again once it is over', async () => {
    const all = setUp({ backoff: { base: 100, max: 100 } })
    all.cache.set('held')
    await pass(800)
    expect(await fail(all, () => all.cache.get(), down)).toMatchObject({ value: 'held' })
    const wait = all.untilNextAttempt()
    expect(wait).toBeGreaterThanOrEqual(50)
    expect(wait).toBeLessThanOrEqual(100)
    await pass(wait - 1)
    expect(await all.cache.get()).toBe('held')
    await flush()
    expect(all.fetch.calls).toHaveLength(1)
    await pass(1)
    expect(await all.cache.get()).toBe('held')
    await flush()
    expect(all.fetch.calls).toHaveLength(2)
  })

  it('row 3 a thousand reads at one instant of an outage cost one fetch', async () => {
    const fetch = vi.fn(() => Promise.reject(down))
    const cache = new BackgroundCache<string>({ ttl: 1000, refreshWindow: 200, fetch })
    cache.set('held')
    await pass(850)
    for (let count = 0; count < 1000; count++) {
      expect(await cache.get()).toBe('held')
      if (count % 100 === 0) await flush()
    }
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw down
      },
    ],
    [
      'throws undefined',
      () => {
        throw undefined
      },
    ],
    [
      'throws 0',
      () => {
        throw 0
      },
    ],
    ['rejects with false', () => Promise.reject(false)],
    ['rejects with null', () => Promise.reject(null)],
  ])('row 3 serves the value when the background fetch %s', async (_, fetch: () => Promise<string>) => {
    const cache = new BackgroundCache<string>({ ttl: 1000, refreshWindow: 200, fetch })
    cache.set('held')
    await pass(850)
    expect(await cache.get()).toBe('held')
    await flush()
    expect(await cache.get()).toBe('held')
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'held' })
    expect(cache.getSnapshot().failure).toMatchObject({ attempts: 1 })
  })
})

describe('row 4: nothing usable, a flight owns the slot', () => {
  it('row 4 an expired value: the reader waits for the background fetch already in the air', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(900)
    expect(await cache.get()).toBe('held')
    await pass(100)
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(read.value).toBe('new')
  })

  it('row 4 the reader gets the failure of the background fetch it waited for', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(900)
    expect(await cache.get()).toBe('held')
    await pass(100)
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(read).toMatchObject({ state: 'rejected', error: down })
  })

  it('row 4 a flight of refresh() is waited for during a cool-down', async () => {
    const all = setUp()
    await fail(all, () => all.cache.get(), down)
    void settlement(all.cache.refresh())
    await flush()
    const read = settlement(all.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    all.fetch.calls[1]?.resolve('back')
    await flush()
    expect(read.value).toBe('back')
    expect(all.fetch.calls).toHaveLength(2)
  })

  it('row 4 a value told to expire: later readers join the first one', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    cache.expire()
    const readers = [settlement(cache.get()), settlement(cache.get())]
    await flush()
    expect(readers.map((reader) => reader.state)).toEqual(['pending', 'pending'])
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(readers.map((reader) => reader.value)).toEqual(['new', 'new'])
  })
})

describe('row 5: nothing usable, no flight, the cool-down runs', () => {
  it('row 5 rejects at once with the last error, the same object, and no fetch', async () => {
    const all = setUp()
    await fail(all, () => all.cache.get(), down)
    for (let count = 0; count < 1000; count++) await expect(all.cache.get()).rejects.toBe(down)
    expect(all.fetch.calls).toHaveLength(1)
  })

  it('row 5 past the ttl a thousand reads of an outage cost one fetch', async () => {
    const all = setUp()
    all.cache.set('held')
    await pass(1000)
    await fail(all, () => all.cache.get(), down)
    for (let count = 0; count < 1000; count++) await expect(all.cache.get()).rejects.toBe(down)
    expect(all.fetch.calls).toHaveLength(1)
  })

  it.each([undefined, 0, false, null, '', Number.NaN])(
    'row 5 rejects with %o when that is the error',
    async (error) => {
      const all = setUp()
      const first = await fail(all, () => all.cache.get(), error)
      expect(first).toEqual({ state: 'rejected', value: undefined, error })
      const second = settlement(all.cache.get())
      await flush()
      expect(second).toEqual({ state: 'rejected', value: undefined, error })
      expect(all.fetch.calls).toHaveLength(1)
    },
  )

  it('row 5 serves a stale value at once where one may serve, and says that it is stale', async () => {
    const all = setUp({ staleIfError: '1h' })
    all.cache.set('held')
    await pass(1000)
    await fail(all, () => all.cache.get(), down)
    const read = settlement(all.cache.read())
    await flush()
    expect(read.value).toMatchObject({ value: 'held', from: 'memory', stale: true })
    expect(await all.cache.get()).toBe('held')
    expect(all.fetch.calls).toHaveLength(1)
  })

  it('row 5 serves no stale value past staleIfError', async () => {
    const all = setUp({ staleIfError: 200, backoff: { base: '4s', max: '4s' } })
    all.cache.set('held')
    await pass(1000)
    await fail(all, () => all.cache.get(), down)
    await pass(199)
    expect(await all.cache.get()).toBe('held')
    await pass(2)
    await expect(all.cache.get()).rejects.toBe(down)
    expect(all.fetch.calls).toHaveLength(1)
  })

  it('row 5 ends exactly at nextAttemptAt', async () => {
    const all = setUp()
    await fail(all, () => all.cache.get(), down)
    await pass(all.untilNextAttempt() - 1)
    await expect(all.cache.get()).rejects.toBe(down)
    await pass(1)
    const read = settlement(all.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(all.fetch.calls).toHaveLength(2)
  })

  it('row 5 does not exist with backoff: false', async () => {
    const all = setUp({ backoff: false })
    await fail(all, () => all.cache.get(), down)
    const read = settlement(all.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(all.fetch.calls).toHaveLength(2)
  })
})

describe('row 6: nothing usable, no flight, no cool-down', () => {
  it.each([
    ['an empty cache', 'first', 0, undefined],
    ['an expired value', 'expired', 1000, undefined],
    ['an invalidated value', undefined, 0, 'invalidate'],
    ['a value told to expire', undefined, 0, 'expire'],
  ] as const)('row 6 %s: a new fetch, and waits', async (_, reason, age, mutation) => {
    const { cache, fetch } = setUp()
    if (reason !== 'first') cache.set('held')
    await pass(age)
    if (mutation !== undefined) cache[mutation]()
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    expect(fetch.calls).toHaveLength(1)
    if (reason !== undefined) expect(fetch.calls[0]?.context.reason).toBe(reason)
    expect(cache.inspect()).toMatchObject({ status: 'refreshing', waiting: 1 })
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(read.value).toBe('new')
    expect(cache.inspect()).toMatchObject({ status: 'current', waiting: 0, freshness: 'fresh' })
  })

  it('row 6 after a first failure a stale value serves while the next attempt runs behind', async () => {
    const all = setUp({ staleIfError: '1h' })
    all.cache.set('held')
    await pass(1000)
    await fail(all, () => all.cache.get(), down)
    await pass(all.untilNextAttempt())
    const read = settlement(all.cache.get())
    await flush()
    expect(read.value).toBe('held')
    expect(all.fetch.calls).toHaveLength(2)
    all.fetch.calls[1]?.resolve('new')
    await flush()
    expect(await all.cache.get()).toBe('new')
  })

  it('row 6 an expired value with staleIfError still waits for the first attempt', async () => {
    const { cache, fetch } = setUp({ staleIfError: '1h' })
    cache.set('held')
    await pass(1000)
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(read.value).toBe('new')
  })
})
