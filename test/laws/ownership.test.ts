/** At most one fetch owns the slot, everyone who needs it shares it, and nobody joins one from before an invalidation. */
import { BackgroundCache, type Fetch, type PolicyOptions, type Surroundings, WaitTimeoutError } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { type Settlement, settlement } from '../support/settlement.ts'

useFakeTime()

const policy = { ttl: 1000, refreshWindow: 200, random: () => 0.5 } as const

function setUp(options: PolicyOptions<string> & Surroundings = {}) {
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({ ...policy, fetch, ...options })
  return { cache, fetch }
}

const values = (readers: readonly Settlement<unknown>[]) => readers.map((reader) => reader.value)
const states = (readers: readonly Settlement<unknown>[]) => readers.map((reader) => reader.state)
const down = new Error('down')

function thenable(then: (resolve: (value: string) => void, reject: (error: unknown) => void) => void) {
  return Object.defineProperty({}, 'then', { value: then }) as PromiseLike<string>
}

describe('L5', () => {
  it('L5 a thousand readers share one fetch and its value', async () => {
    const { cache, fetch } = setUp()
    const readers: Settlement<string>[] = []
    for (let count = 0; count < 1000; count++) {
      readers.push(settlement(cache.get()))
      if (count % 250 === 0) await pass(10)
    }
    expect(cache.inspect().waiting).toBe(1000)
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(new Set(values(readers))).toEqual(new Set(['v']))
    expect(cache.inspect().waiting).toBe(0)
  })

  it('L5 a thousand readers share one failure, the same object', async () => {
    const { cache, fetch } = setUp()
    const readers = Array.from({ length: 1000 }, () => settlement(cache.get()))
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(readers.every((reader) => reader.error === down)).toBe(true)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L5 get() and read() share one fetch', async () => {
    const { cache, fetch } = setUp()
    const got = settlement(cache.get())
    const read = settlement(cache.read())
    await flush()
    expect(fetch.calls).toHaveLength(1)
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(got.value).toBe('v')
    expect(read.value).toMatchObject({ value: 'v', fetchedAt: START, expiresAt: START + 1000, stale: false })
  })

  it('L5 the fetch function gets a context and what is held', async () => {
    const { cache, fetch } = setUp()
    void settlement(cache.get())
    await flush()
    expect(fetch.calls[0]?.context).toMatchObject({ reason: 'first', startedAt: START })
    expect(fetch.calls[0]?.context.signal).toBeInstanceOf(AbortSignal)
    expect(fetch.calls[0]?.context.signal.aborted).toBe(false)
    expect(fetch.calls[0]?.previous).toBeUndefined()
    fetch.calls[0]?.resolve('v')
    await pass(850)
    void settlement(cache.get())
    await flush()
    expect(fetch.calls[1]?.context).toMatchObject({ reason: 'aging', startedAt: START + 850 })
    expect(fetch.calls[1]?.previous).toEqual({ value: 'v', fetchedAt: START, expiresAt: START + 1000 })
  })

  it('L5 a fetch function that reads its own cache joins itself', async () => {
    const inner: Settlement<string>[] = []
    const source = deferredFetch<string>()
    const cache = new BackgroundCache<string>({
      ...policy,
      fetch: (context, previous) => {
        if (inner.length < 5) inner.push(settlement(cache.get()))
        return source(context, previous)
      },
    })
    const outer = settlement(cache.get())
    await flush()
    expect(source.calls).toHaveLength(1)
    source.calls[0]?.resolve('v')
    await flush()
    expect(values([outer, ...inner])).toEqual(['v', 'v'])
  })

  it('L5 a fetch function that refreshes its own cache queues one trailing fetch', async () => {
    const inner: Settlement<string>[] = []
    const source = deferredFetch<string>()
    const cache = new BackgroundCache<string>({
      ...policy,
      fetch: (context, previous) => {
        if (inner.length < 2) inner.push(settlement(cache.refresh()), settlement(cache.refresh()))
        return source(context, previous)
      },
    })
    const outer = settlement(cache.get())
    await flush()
    expect(source.calls).toHaveLength(1)
    source.calls[0]?.resolve('first')
    await flush()
    expect(source.calls).toHaveLength(2)
    source.calls[1]?.resolve('second')
    await flush()
    expect(values([outer, ...inner])).toEqual(['first', 'second', 'second'])
  })

  it('L5 a fetch that has settled but not landed still owns the slot', async () => {
    for (const age of [850, 1000]) {
      const { cache, fetch } = setUp()
      cache.set('held')
      await pass(age)
      const first = settlement(cache.get())
      await flush()
      fetch.calls[0]?.resolve('new')
      const second = settlement(cache.get())
      await flush()
      expect(fetch.calls).toHaveLength(1)
      expect(values([first, second])).toEqual(age === 850 ? ['held', 'held'] : ['new', 'new'])
      expect(cache.tryGet()).toBe('new')
    }
  })

  it.each([
    ['a plain value', () => 'v'],
    ['a promise', () => Promise.resolve('v')],
    ['a thenable', () => thenable((resolve) => resolve('v'))],
    [
      'a thenable that settles twice',
      () =>
        thenable((resolve, reject) => {
          resolve('v')
          reject(down)
          resolve('w')
        }),
    ],
  ])('L5 %s from the fetch function is one fetch for all', async (_, answer) => {
    const fetch = vi.fn<Fetch<string>>(answer)
    const cache = new BackgroundCache<string>({ ...policy, fetch })
    const readers = Array.from({ length: 100 }, () => settlement(cache.get()))
    await flush()
    readers.push(settlement(cache.get()))
    await flush()
    expect(new Set(values(readers))).toEqual(new Set(['v']))
    expect(cache.tryGet()).toBe('v')
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it.each([
    [
      'throws an error',
      down,
      () => {
        throw down
      },
    ],
    [
      'throws undefined',
      undefined,
      () => {
        throw undefined
      },
    ],
    [
      'throws 0',
      0,
      () => {
        throw 0
      },
    ],
    [
      'throws false',
      false,
      () => {
        throw false
      },
    ],
    [
      'throws null',
      null,
      () => {
        throw null
      },
    ],
    [
      'returns a thenable that throws',
      down,
      () =>
        thenable(() => {
          throw down
        }),
    ],
    [
      'returns something whose then cannot be read',
      down,
      () =>
        Object.defineProperty({}, 'then', {
          get: () => {
            throw down
          },
        }),
    ],
  ])('L5 a fetch function that %s frees the slot', async (_, error, answer) => {
    const good = vi.fn<Fetch<string>>(() => 'v')
    const bad = vi.fn(answer as () => never)
    const cache = new BackgroundCache<string>({ ...policy, backoff: false, fetch: good })
    const readers = [settlement(cache.get(bad)), settlement(cache.read({ fetch: bad }))]
    await flush()
    for (const reader of readers) expect(reader).toEqual({ state: 'rejected', value: undefined, error })
    expect(cache.inspect()).toMatchObject({ status: 'empty', waiting: 0 })
    expect(await cache.get()).toBe('v')
    expect(good).toHaveBeenCalledTimes(1)
  })

  it('L5 a fetch function is called only when a fetch is needed', async () => {
    const { cache, fetch } = setUp()
    const unneeded = vi.fn<Fetch<string>>(() => 'unneeded')
    const joining = [settlement(cache.get()), settlement(cache.get(unneeded))]
    await flush()
    fetch.calls[0]?.resolve('v')
    await flush()
    expect(values(joining)).toEqual(['v', 'v'])
    expect(await cache.get(unneeded)).toBe('v')
    await pass(850)
    await cache.get()
    expect(await cache.get(unneeded)).toBe('v')
    await pass(150)
    const waiting = settlement(cache.get({ fetch: unneeded }))
    await flush()
    fetch.calls[1]?.reject(down)
    await flush()
    expect(waiting.error).toBe(down)
    await expect(cache.get(unneeded)).rejects.toBe(down)
    expect(unneeded).not.toHaveBeenCalled()
  })

  it('L5 a fetch function given to one call is not remembered', async () => {
    const { cache, fetch } = setUp()
    const once = vi.fn<Fetch<string>>(() => 'once')
    expect(await cache.get(once)).toBe('once')
    await pass(850)
    expect(await cache.get()).toBe('once')
    await flush()
    fetch.calls[0]?.resolve('own')
    await flush()
    expect(await cache.refresh(once)).toBe('once')
    void settlement(cache.refresh())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    void settlement(cache.refresh(once))
    fetch.calls[1]?.resolve('own')
    await flush()
    expect(once).toHaveBeenCalledTimes(3)
    cache.invalidate()
    void settlement(cache.get())
    await flush()
    expect(once).toHaveBeenCalledTimes(3)
    expect(fetch.calls).toHaveLength(3)
  })

  it('L5 a cache without a fetch of its own uses the function of the call that starts the fetch', async () => {
    const cache = new BackgroundCache<string>(policy)
    const one = deferredFetch<string>()
    const two = deferredFetch<string>()
    const readers = [settlement(cache.get(one)), settlement(cache.get({ fetch: two }))]
    await flush()
    one.calls[0]?.resolve('one')
    await flush()
    expect(values(readers)).toEqual(['one', 'one'])
    await pass(850)
    expect(await cache.get(two)).toBe('one')
    await flush()
    two.calls[0]?.resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
    expect([one.calls.length, two.calls.length]).toEqual([1, 1])
  })

  it('L5 maxWait, signal and waitUntil of one call are not remembered', async () => {
    const { cache, fetch } = setUp({ fetchTimeout: Number.POSITIVE_INFINITY })
    const controller = new AbortController()
    const waitUntil = vi.fn()
    const hasty = settlement(cache.get({ maxWait: 10, waitUntil }))
    const leaving = settlement(cache.get({ signal: controller.signal }))
    const patient = settlement(cache.get())
    await pass(10)
    controller.abort()
    await flush()
    expect(hasty.error).toBeInstanceOf(WaitTimeoutError)
    expect(leaving.state).toBe('rejected')
    const handed = waitUntil.mock.calls.length
    await pass(3_600_000)
    expect(patient.state).toBe('pending')
    expect(fetch.calls).toHaveLength(1)
    cache.invalidate()
    const later = settlement(cache.get())
    await pass(60_000)
    expect(later.state).toBe('pending')
    fetch.calls[1]?.resolve('v')
    await flush()
    expect(later.value).toBe('v')
    expect(waitUntil).toHaveBeenCalledTimes(handed)
  })

  it('L5 a timed-out fetch frees the slot, and its late result reaches nobody', async () => {
    for (const late of ['success', 'failure']) {
      const { cache, fetch } = setUp({ fetchTimeout: 100, backoff: false })
      const first = settlement(cache.get())
      await pass(100)
      expect(first.state).toBe('rejected')
      const second = settlement(cache.get())
      await flush()
      expect(fetch.calls).toHaveLength(2)
      if (late === 'success') fetch.calls[0]?.resolve('late')
      else fetch.calls[0]?.reject(new Error('late'))
      await flush()
      expect([second.state, cache.peek()]).toEqual(['pending', undefined])
      const third = settlement(cache.get())
      await flush()
      expect(fetch.calls).toHaveLength(2)
      fetch.calls[1]?.resolve('v')
      await flush()
      expect(values([second, third])).toEqual(['v', 'v'])
    }
  })

  it('L5 two caches over one fetch function share nothing', async () => {
    const fetch = deferredFetch<string>()
    const caches = [1, 2].map(() => new BackgroundCache<string>({ ...policy, fetch }))
    const readers = caches.map((cache) => settlement(cache.get()))
    await flush()
    fetch.calls[1]?.resolve('two')
    await flush()
    expect(states(readers)).toEqual(['pending', 'fulfilled'])
    expect(fetch.calls).toHaveLength(2)
  })
})

describe('L7', () => {
  it('L7 get() after invalidate() never joins an older fetch', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[0]?.resolve('old')
    await flush()
    expect([before.value, after.state, cache.peek()]).toEqual(['old', 'pending', undefined])
    fetch.calls[1]?.resolve('new')
    await flush()
    expect([after.value, cache.tryGet()]).toEqual(['new', 'new'])
  })

  it('L7 an older fetch that lands after the newer one is not stored', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    fetch.calls[1]?.resolve('new')
    await flush()
    expect(states([before, after])).toEqual(['pending', 'fulfilled'])
    const snapshot = cache.getSnapshot()
    fetch.calls[0]?.resolve('old')
    await flush()
    expect(values([before, after])).toEqual(['old', 'new'])
    expect(cache.getSnapshot()).toBe(snapshot)
    expect(cache.tryGet()).toBe('new')
  })

  it('L7 an older fetch that fails tells its own waiters only, and starts no cool-down', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(before).toMatchObject({ state: 'rejected', error: down })
    expect(cache.inspect()).toMatchObject({ status: 'empty', nextAttemptAt: undefined, lastError: undefined })
    const after = settlement(cache.get())
    await flush()
    fetch.calls[1]?.resolve('new')
    await flush()
    expect(after.value).toBe('new')
  })

  it('L7 an older fetch that fails while the newer one is in the air does not free its slot', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    const third = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(states([before, after, third])).toEqual(['rejected', 'pending', 'pending'])
    fetch.calls[1]?.resolve('new')
    await flush()
    expect(values([after, third])).toEqual(['new', 'new'])
  })

  it('L7 an older success does not lift the cool-down of a newer failure', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    fetch.calls[1]?.reject(down)
    await flush()
    fetch.calls[0]?.resolve('old')
    await flush()
    expect([before.value, after.error]).toEqual(['old', down])
    await expect(cache.get()).rejects.toBe(down)
    expect(cache.peek()).toBeUndefined()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L7 readers between three invalidations each get their own fetch', async () => {
    const { cache, fetch } = setUp()
    const readers: Settlement<string>[] = []
    for (let round = 0; round < 3; round++) {
      readers.push(settlement(cache.get()), settlement(cache.get()))
      await flush()
      cache.invalidate()
    }
    expect(fetch.calls).toHaveLength(3)
    for (const index of [2, 0, 1]) fetch.calls[index]?.resolve(`v${index}`)
    await flush()
    expect(values(readers)).toEqual(['v0', 'v0', 'v1', 'v1', 'v2', 'v2'])
    expect(cache.peek()).toBeUndefined()
  })

  it.each([
    ['a background refresh', 850, 'get'],
    ['a refresh()', 0, 'refresh'],
    ['a load after expiry', 1000, 'get'],
  ] as const)('L7 holds for %s', async (_, age, how) => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(age)
    const before = settlement(cache[how]())
    await flush()
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[0]?.resolve('old')
    await flush()
    expect(before.value).toBe(age === 850 ? 'held' : 'old')
    expect([after.state, cache.peek()]).toEqual(['pending', undefined])
    fetch.calls[1]?.resolve('new')
    await flush()
    expect([after.value, cache.tryGet()]).toEqual(['new', 'new'])
  })

  it('L7 a fetch that has settled but not landed counts as older', async () => {
    const { cache, fetch } = setUp()
    const before = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('old')
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    expect([before.value, after.state, cache.peek()]).toEqual(['old', 'pending', undefined])
    expect(fetch.calls).toHaveLength(2)
  })

  it('L7 a plain value that has not landed yet counts as older', async () => {
    let calls = 0
    const fetch = vi.fn<Fetch<number>>(() => ++calls)
    const cache = new BackgroundCache<number>({ ...policy, fetch })
    const before = settlement(cache.get())
    cache.invalidate()
    const after = settlement(cache.get())
    await flush()
    expect(values([before, after])).toEqual([1, 2])
    expect(cache.tryGet()).toBe(2)
  })

  it('L7 an invalidate() made while listeners hear of the landing leaves the waiters their value', async () => {
    for (const how of ['subscribe', 'on'] as const) {
      const { cache, fetch } = setUp()
      if (how === 'on') cache.on((event) => event.kind === 'fetch-succeeded' && cache.invalidate())
      else cache.subscribe((snapshot) => snapshot.value === 'v' && cache.invalidate())
      const read = settlement(cache.get())
      await flush()
      fetch.calls[0]?.resolve('v')
      await flush()
      expect([read.value, cache.peek(), cache.inspect().status]).toEqual(['v', undefined, 'empty'])
      const next = settlement(cache.get())
      await flush()
      expect(next.state).toBe('pending')
      expect(fetch.calls).toHaveLength(2)
    }
  })
})
