/** What refresh() promises: a value whose fetch started at or after the call, with at most one fetch queued behind another. */
import { BackgroundCache, type Fetch, FetchTimeoutError, type PolicyOptions, type Surroundings } from 'evercurrent'
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
  return { cache, fetch }
}

const values = (readers: readonly Settlement<unknown>[]) => readers.map((reader) => reader.value)
const states = (readers: readonly Settlement<unknown>[]) => readers.map((reader) => reader.state)

/** A load in the air with a refresh() queued behind it. */
async function withOneQueued(options: PolicyOptions<string> & Surroundings = {}) {
  const all = setUp(options)
  const read = settlement(all.cache.get())
  await flush()
  const refreshed = settlement(all.cache.refresh())
  await flush()
  expect(all.fetch.calls).toHaveLength(1)
  return { ...all, read, refreshed }
}

describe('L8 refresh()', () => {
  it('L8 refresh() fetches although a fresh value is held, and resolves with what it fetched', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(10)
    const refreshed = settlement(cache.refresh())
    await flush()
    expect(refreshed.state).toBe('pending')
    expect(fetch.calls[0]?.context).toMatchObject({ reason: 'refresh', startedAt: START + 10 })
    fetch.calls[0]?.resolve('new')
    await flush()
    expect([refreshed.value, cache.tryGet()]).toEqual(['new', 'new'])
  })

  it('L8 refresh() never resolves with a fetch that began before the call', async () => {
    const { cache, fetch, read, refreshed } = await withOneQueued()
    fetch.calls[0]?.resolve('began before')
    await flush()
    expect([read.value, refreshed.state]).toEqual(['began before', 'pending'])
    expect(fetch.calls).toHaveLength(2)
    expect(cache.peek()).toBe('began before')
    fetch.calls[1]?.resolve('began after')
    await flush()
    expect([refreshed.value, cache.tryGet()]).toEqual(['began after', 'began after'])
  })

  it('L8 nor with a fetch of the same millisecond that was launched before it', async () => {
    const { cache, fetch } = setUp()
    const readers = [settlement(cache.get()), settlement(cache.refresh())]
    await flush()
    fetch.calls[0]?.resolve('one')
    await flush()
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(values(readers)).toEqual(['one', 'two'])
    expect(fetch.calls).toHaveLength(2)
  })

  it('L8 nor with one that has settled but not landed', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('began before')
    const refreshed = settlement(cache.refresh())
    await flush()
    expect([read.value, refreshed.state]).toEqual(['began before', 'pending'])
    fetch.calls[1]?.resolve('began after')
    await flush()
    expect(refreshed.value).toBe('began after')
  })

  it('L8 nor with a background refresh that began before it', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(850)
    expect(await cache.get()).toBe('held')
    await pass(10)
    const refreshed = settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.resolve('background')
    await flush()
    expect([refreshed.state, cache.tryGet()]).toEqual(['pending', 'background'])
    fetch.calls[1]?.resolve('asked for')
    await flush()
    expect(refreshed.value).toBe('asked for')
  })

  it('L8 all who refresh during a fetch share one trailing fetch', async () => {
    const { cache, fetch } = setUp()
    const read = settlement(cache.get())
    await flush()
    const refreshed = Array.from({ length: 100 }, () => settlement(cache.refresh()))
    await flush()
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('one')
    await flush()
    expect(fetch.calls).toHaveLength(2)
    const again = Array.from({ length: 100 }, () => settlement(cache.refresh()))
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(fetch.calls).toHaveLength(3)
    fetch.calls[2]?.resolve('three')
    await flush()
    expect(read.value).toBe('one')
    expect(new Set(values(refreshed))).toEqual(new Set(['two']))
    expect(new Set(values(again))).toEqual(new Set(['three']))
    await pass(100)
    expect(fetch.calls).toHaveLength(3)
  })

  it('L8 a burst of refresh() at one instant costs two fetches', async () => {
    const { cache, fetch } = setUp()
    const refreshed = Array.from({ length: 100 }, () => settlement(cache.refresh()))
    await flush()
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('one')
    await flush()
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(values(refreshed)).toEqual(['one', ...Array.from({ length: 99 }, () => 'two')])
  })

  it('L8 get() during a queued refresh() joins the owning fetch, and the trailing one once it owns', async () => {
    const { cache, fetch, read, refreshed } = await withOneQueued()
    const joined = settlement(cache.get())
    await flush()
    cache.invalidate()
    await flush()
    const later = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[0]?.resolve('one')
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(values([read, joined, refreshed, later])).toEqual(['one', 'one', 'two', 'two'])
  })

  it('L8 the queued fetch uses the fetch function given last', async () => {
    const { cache, fetch } = setUp()
    const sources = [1, 2, 3].map((n) => vi.fn<Fetch<string>>(() => `source ${n}`))
    const read = settlement(cache.get())
    await flush()
    const refreshed = sources.map((source, n) =>
      settlement(n === 1 ? cache.refresh({ fetch: source }) : cache.refresh(source)),
    )
    await flush()
    fetch.calls[0]?.resolve('own')
    await flush()
    expect(values([read, ...refreshed])).toEqual(['own', 'source 3', 'source 3', 'source 3'])
    expect(sources.map((source) => source.mock.calls.length)).toEqual([0, 0, 1])
    expect(fetch.calls).toHaveLength(1)
  })

  it.each([
    ['fails', (all: { fetch: ReturnType<typeof deferredFetch<string>> }) => all.fetch.calls[0]?.reject(down), 0],
    [
      'fails with undefined',
      (all: { fetch: ReturnType<typeof deferredFetch<string>> }) => all.fetch.calls[0]?.reject(undefined),
      0,
    ],
    ['times out', () => {}, 500],
  ] as const)(
    'L8 the queued fetch starts when the owning one %s, whatever the cool-down',
    async (how, settle, wait) => {
      const { cache, fetch, read, refreshed } = await withOneQueued({ fetchTimeout: 500 })
      settle({ fetch })
      await pass(wait)
      expect(read.state).toBe('rejected')
      if (how === 'times out') expect(read.error).toBeInstanceOf(FetchTimeoutError)
      expect(refreshed.state).toBe('pending')
      expect(fetch.calls).toHaveLength(2)
      fetch.calls[1]?.resolve('trailing')
      await flush()
      expect([refreshed.value, cache.tryGet()]).toEqual(['trailing', 'trailing'])
      expect(cache.getSnapshot().failure).toBeUndefined()
      fetch.calls[0]?.resolve('late')
      await flush()
      expect(cache.tryGet()).toBe('trailing')
    },
  )

  it('L8 the failure of the trailing fetch reaches all who share it, the same object', async () => {
    const { cache, fetch, refreshed } = await withOneQueued()
    const second = settlement(cache.refresh())
    fetch.calls[0]?.resolve('one')
    await flush()
    fetch.calls[1]?.reject(down)
    await flush()
    for (const settled of [refreshed, second]) expect(settled).toMatchObject({ state: 'rejected', error: down })
    expect(cache.tryGet()).toBe('one')
    expect(fetch.calls).toHaveLength(2)
  })

  it.each([
    [
      'throws at once',
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
    ['rejects', () => Promise.reject(down)],
  ])(
    'L8 a trailing fetch function that %s rejects who asked for it and frees the slot',
    async (_, bad: Fetch<string>) => {
      const { cache, fetch } = setUp({ backoff: false })
      void settlement(cache.get())
      await flush()
      const refreshed = settlement(cache.refresh(bad))
      fetch.calls[0]?.resolve('one')
      await flush()
      expect(refreshed.state).toBe('rejected')
      expect(cache.inspect()).toMatchObject({ status: 'current', waiting: 0 })
      const next = settlement(cache.refresh())
      await flush()
      fetch.calls[1]?.resolve('two')
      await flush()
      expect(next.value).toBe('two')
    },
  )

  it('L8 a refresh() that fails rejects its caller and leaves the held value served', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    const refreshed = settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(refreshed).toMatchObject({ state: 'rejected', error: down })
    expect([cache.tryGet(), await cache.get()]).toEqual(['held', 'held'])
  })

  it('L8 invalidate() starts the queued fetch at once', async () => {
    const { cache, fetch, read, refreshed } = await withOneQueued()
    cache.invalidate()
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(states([read, refreshed])).toEqual(['pending', 'fulfilled'])
    expect(cache.tryGet()).toBe('two')
    fetch.calls[0]?.resolve('one')
    await flush()
    expect(values([read, refreshed])).toEqual(['one', 'two'])
    expect(cache.tryGet()).toBe('two')
    expect(fetch.calls).toHaveLength(2)
  })

  it('L8 after invalidate() started it, the outcome of the older fetch does not start it again', async () => {
    for (const outcome of ['success', 'failure']) {
      const { cache, fetch, refreshed } = await withOneQueued()
      cache.invalidate()
      await flush()
      if (outcome === 'success') fetch.calls[0]?.resolve('one')
      else fetch.calls[0]?.reject(down)
      await flush()
      expect([fetch.calls.length, refreshed.state]).toEqual([2, 'pending'])
      fetch.calls[1]?.resolve('two')
      await flush()
      expect([refreshed.value, cache.tryGet(), fetch.calls.length]).toEqual(['two', 'two', 2])
    }
  })

  it('L8 a later set() resolves refresh(), owning and queued, and no trailing fetch starts', async () => {
    const { cache, fetch, read, refreshed } = await withOneQueued()
    cache.set('written')
    await flush()
    expect(values([read, refreshed])).toEqual(['written', 'written'])
    fetch.calls[0]?.resolve('late')
    await flush()
    expect(cache.tryGet()).toBe('written')
    expect(fetch.calls).toHaveLength(1)
  })

  it.each(['expire', 'seed'] as const)(
    'L8 a queued refresh() survives %s(), and its promise holds',
    async (mutation) => {
      const { cache, fetch, refreshed } = await withOneQueued()
      await pass(1)
      cache[mutation]('seeded')
      await flush()
      fetch.calls[0]?.resolve('began before')
      await flush()
      expect(refreshed.value).not.toBe('began before')
      fetch.calls[1]?.resolve('began after')
      await flush()
      expect(refreshed.state).toBe('fulfilled')
      expect(['began after', 'seeded']).toContain(refreshed.value)
      expect(fetch.calls.length).toBeLessThanOrEqual(2)
      expect(cache.peek()).not.toBe('began before')
    },
  )

  it('L8 refresh() after an invalidate() does not wait for the older fetch', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const refreshed = settlement(cache.refresh())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[1]?.resolve('new')
    await flush()
    expect([before.state, refreshed.value]).toEqual(['pending', 'new'])
  })

  it('L8 a refresh() waiting when invalidate() comes still gets its own fetch, which is not stored', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    const refreshed = settlement(cache.refresh())
    await flush()
    cache.invalidate()
    fetch.calls[0]?.resolve('asked before')
    await flush()
    expect([refreshed.value, cache.peek()]).toEqual(['asked before', undefined])
  })

  it('L8 refresh() ignores the cool-down, and its success ends it', async () => {
    const { cache, fetch } = setUp()
    const failing = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(failing.error).toBe(down)
    for (const attempt of [1, 2, 3]) {
      const refreshed = settlement(cache.refresh())
      await flush()
      expect(fetch.calls).toHaveLength(attempt + 1)
      fetch.calls[attempt]?.reject(down)
      await flush()
      expect(refreshed.error).toBe(down)
    }
    expect(cache.getSnapshot().failure).toMatchObject({ attempts: 4 })
    const last = settlement(cache.refresh())
    await flush()
    fetch.calls[4]?.resolve('back')
    await flush()
    expect([last.value, cache.getSnapshot().failure, await cache.get()]).toEqual(['back', undefined, 'back'])
  })
})

describe('L8 refresh({ ifOlderThan })', () => {
  it.each([
    [0, false],
    [499, false],
    [500, true],
    [501, true],
  ])('L8 ifOlderThan 500 with a value of age %i fetches: %s', async (age, fetches) => {
    const { cache, fetch } = setUp({ ttl: '1h', refreshWindow: '1m' })
    cache.set('held')
    await pass(age)
    const refreshed = settlement(cache.refresh({ ifOlderThan: 500 }))
    await flush()
    expect(fetch.calls).toHaveLength(fetches ? 1 : 0)
    expect(refreshed.value).toBe(fetches ? undefined : 'held')
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(refreshed.value).toBe(fetches ? 'new' : 'held')
  })

  it('L8 ifOlderThan counts age from the start of the fetch, and takes strings', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', refreshWindow: '1m' })
    void cache.get()
    await pass(400)
    fetch.calls[0]?.resolve('held')
    await pass(99)
    expect(await cache.refresh({ ifOlderThan: '500ms' })).toBe('held')
    await pass(1)
    void cache.refresh({ ifOlderThan: '500ms' })
    await flush()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L8 ifOlderThan serves an aging value that is young enough, and starts nothing', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(850)
    expect(await cache.refresh({ ifOlderThan: 900 })).toBe('held')
    await flush()
    expect(fetch.calls).toHaveLength(0)
  })

  it('L8 ifOlderThan calls the given fetch function only when it fetches, and does not remember it', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', refreshWindow: '1m' })
    const given = vi.fn<Fetch<string>>(() => 'given')
    cache.set('held')
    await pass(400)
    expect(await cache.refresh({ fetch: given, ifOlderThan: 500 })).toBe('held')
    expect(given).not.toHaveBeenCalled()
    await pass(100)
    expect(await cache.refresh({ fetch: given, ifOlderThan: 500 })).toBe('given')
    void settlement(cache.refresh())
    await flush()
    expect(given).toHaveBeenCalledTimes(1)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L8 ifOlderThan never serves an expired value', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(1000)
    const refreshed = settlement(cache.refresh({ ifOlderThan: '1h' }))
    await flush()
    expect(refreshed.state).toBe('pending')
    expect(fetch.calls).toHaveLength(1)
  })

  it.each(['empty', 'invalidated'])('L8 ifOlderThan fetches when the cache is %s', async (state) => {
    const { cache, fetch } = setUp()
    if (state === 'invalidated') {
      cache.set('held')
      cache.invalidate()
    }
    const refreshed = settlement(cache.refresh({ ifOlderThan: '1h' }))
    await flush()
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('new')
    await flush()
    expect(refreshed.value).toBe('new')
  })

  it.each([down, undefined, 0, false, null])(
    'L8 ifOlderThan counts a younger failed attempt, and answers with its error %o',
    async (error) => {
      const { cache, fetch } = setUp()
      const failing = settlement(cache.refresh({ ifOlderThan: 500 }))
      await flush()
      fetch.calls[0]?.reject(error)
      await flush()
      expect(failing).toEqual({ state: 'rejected', value: undefined, error })
      await pass(499)
      const counted = settlement(cache.refresh({ ifOlderThan: 500 }))
      await flush()
      expect(counted).toEqual({ state: 'rejected', value: undefined, error })
      expect(fetch.calls).toHaveLength(1)
      await pass(1)
      void settlement(cache.refresh({ ifOlderThan: 500 }))
      await flush()
      expect(fetch.calls).toHaveLength(2)
    },
  )

  it('L8 ifOlderThan counts a younger failed attempt also where an older value is held', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', refreshWindow: '1m' })
    cache.set('held')
    await pass(5000)
    void settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    for (let count = 0; count < 100; count++) await expect(cache.refresh({ ifOlderThan: 1000 })).rejects.toBe(down)
    expect(fetch.calls).toHaveLength(1)
    expect(await cache.get()).toBe('held')
  })

  it('L8 ifOlderThan forgets a failed attempt after a success', async () => {
    const { cache, fetch } = setUp()
    void settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    void settlement(cache.refresh())
    await flush()
    fetch.calls[1]?.resolve('back')
    await flush()
    expect(await cache.refresh({ ifOlderThan: 500 })).toBe('back')
    expect(fetch.calls).toHaveLength(2)
  })

  it.each(['answers', 'fails'])('L8 strangers drive one fetch per interval while the source %s', async (how) => {
    const fetch = vi.fn<Fetch<string>>(async () => {
      if (how === 'fails') throw down
      return 'v'
    })
    const cache = new BackgroundCache<string>({ ...policy, ttl: '1h', fetch })
    for (let count = 0; count < 100; count++) {
      const refreshed = settlement(cache.refresh({ ifOlderThan: '1s' }))
      await flush()
      expect(refreshed.state).toBe(how === 'fails' ? 'rejected' : 'fulfilled')
      await pass(100)
    }
    expect(fetch).toHaveBeenCalledTimes(10)
  })
})
