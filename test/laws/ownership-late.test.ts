/** The outcome of a fetch that no longer owns the slot changes nothing, on whichever path it was started. */
import {
  BackgroundCache,
  type CacheEvent,
  type Fetch,
  FetchTimeoutError,
  type PolicyOptions,
  type Surroundings,
} from 'evercurrent'
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

type SetUp = ReturnType<typeof setUp>

/** Each leaves one owning flight in the air, the last of `fetch.calls`, and returns those who may wait for it. */
const paths: Record<string, (all: SetUp) => Promise<Settlement<string>[]>> = {
  'a first load': async ({ cache }) => [settlement(cache.get()), settlement(cache.get())],
  'a load after expiry': async ({ cache }) => {
    cache.set('held')
    await pass(1000)
    return [settlement(cache.get())]
  },
  'a load after expire()': async ({ cache }) => {
    cache.set('held')
    cache.expire()
    return [settlement(cache.get())]
  },
  'a load after invalidate()': async ({ cache }) => {
    cache.set('held')
    cache.invalidate()
    return [settlement(cache.get())]
  },
  'a background refresh': async ({ cache }) => {
    cache.set('held')
    await pass(850)
    return [settlement(cache.get())]
  },
  'a refresh()': async ({ cache }) => {
    cache.set('held')
    return [settlement(cache.refresh())]
  },
  'a queued refresh()': async ({ cache, fetch }) => {
    cache.set('held')
    const waiting = [settlement(cache.refresh()), settlement(cache.refresh())]
    await flush()
    fetch.calls[0]?.resolve('first')
    await flush()
    return waiting
  },
  'a refresh() during a cool-down': async ({ cache, fetch }) => {
    cache.set('held')
    const failing = settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    return [failing, settlement(cache.refresh())]
  },
}

const mutations = [
  { name: 'set()', because: 'set', left: 'written', apply: (cache: SetUp['cache']) => cache.set('written') },
  { name: 'seed()', because: 'seeded', left: 'written', apply: (cache: SetUp['cache']) => cache.seed('written') },
  {
    name: 'invalidate()',
    because: 'invalidated',
    left: undefined,
    apply: (cache: SetUp['cache']) => cache.invalidate(),
  },
  { name: 'expire()', because: 'expired', left: undefined, apply: (cache: SetUp['cache']) => cache.expire() },
] as const

const outcomes = [
  'late success',
  'late failure',
  'late failure with undefined',
  'late not-modified success',
  'success that had not landed yet',
  'failure that had not landed yet',
]

describe.each(Object.keys(paths))('L6 %s', (path) => {
  it.each(mutations)('L6 $name supersedes it: a late outcome changes nothing', async ({ left, apply }) => {
    for (const outcome of outcomes) {
      const all = setUp()
      const { cache, fetch } = all
      const waiting = await paths[path]?.(all)
      await pass(1)
      const late = fetch.calls.at(-1)
      const count = fetch.calls.length
      const settle = () => {
        if (outcome.includes('not-modified') && late?.previous) late.resolve(late.context.notModified())
        else if (outcome.includes('success')) late?.resolve('late')
        else late?.reject(outcome.includes('undefined') ? undefined : new Error('late'))
      }
      if (outcome.includes('not landed')) settle()
      const generation = cache.inspect().generation
      apply(cache)
      expect(cache.inspect().generation, outcome).not.toBe(generation)
      const before = { snapshot: cache.getSnapshot(), generation: cache.inspect().generation }
      const cooling = cache.inspect().nextAttemptAt
      expect(cache.peek(), outcome).toBe(left)
      const heard = vi.fn()
      cache.subscribe(heard)
      settle()
      await flush()
      expect(heard, outcome).not.toHaveBeenCalled()
      expect(cache.peek(), outcome).toBe(left)
      expect(cache.getSnapshot(), outcome).toBe(before.snapshot)
      expect(cache.inspect(), outcome).toMatchObject({ generation: before.generation, waiting: 0 })
      expect(cache.inspect().nextAttemptAt, outcome).toBe(cooling)
      expect(
        waiting?.map((reader) => reader.state),
        outcome,
      ).not.toContain('pending')
      // neither invalidate() nor expire() lifts an older cool-down: L10 says what a read gets then
      if (cooling !== undefined && left === undefined) continue
      const next = settlement(cache.get())
      await flush()
      expect(fetch.calls.length - count, outcome).toBe(left === undefined ? 1 : 0)
      fetch.calls[count]?.resolve('next')
      await flush()
      expect([next.value, cache.tryGet()], outcome).toEqual(left === undefined ? ['next', 'next'] : [left, left])
    }
  })

  it.each(mutations)('L6 $name is reported as the reason its result was discarded', async ({ because, apply }) => {
    const all = setUp()
    await paths[path]?.(all)
    await pass(1)
    const late = all.fetch.calls.at(-1)
    apply(all.cache)
    late?.resolve('late')
    await flush()
    const discarded = all.events.filter((event) => event.kind === 'fetch-discarded')
    expect(discarded).toHaveLength(1)
    expect(discarded[0]).toMatchObject({ because })
  })

  it.each(['success', 'failure'])('L6 a late %s after the fetch timed out changes nothing', async (outcome) => {
    const all = setUp({ fetchTimeout: 50 })
    const { cache, fetch } = all
    const waiting = await paths[path]?.(all)
    await flush()
    const late = fetch.calls.at(-1)
    await pass(50)
    expect(cache.getSnapshot().failure?.error).toBeInstanceOf(FetchTimeoutError)
    const before = { snapshot: cache.getSnapshot(), inspection: cache.inspect() }
    if (outcome === 'success') late?.resolve('late')
    else late?.reject(down)
    await flush()
    if (outcome === 'success') {
      const discarded = all.events.filter((event) => event.kind === 'fetch-discarded')
      expect(discarded).toEqual([expect.objectContaining({ because: 'timed-out' })])
    }
    expect(cache.getSnapshot()).toBe(before.snapshot)
    expect(cache.inspect()).toEqual(before.inspection)
    expect(waiting?.map((reader) => reader.state)).not.toContain('pending')
  })
})

describe('L6 the generation', () => {
  it.each([
    ['set()', (cache: SetUp['cache']) => cache.set('held')],
    ['invalidate()', (cache: SetUp['cache']) => cache.invalidate()],
    ['expire()', (cache: SetUp['cache']) => cache.expire()],
  ])('L6 %s moves the generation, each time', (_, apply) => {
    const { cache } = setUp()
    cache.set('held')
    const seen = [cache.inspect().generation]
    for (const _ of [1, 2, 3]) {
      cache.set('held')
      seen.push(cache.inspect().generation)
      apply(cache)
      seen.push(cache.inspect().generation)
    }
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('L6 what changes nothing does not move the generation', async () => {
    const { cache } = setUp()
    cache.set('held')
    await pass(10)
    const { generation } = cache.inspect()
    expect(cache.seed('older', { fetchedAt: START })).toBe(false)
    expect(cache.invalidate({ ifValue: 'other' })).toBe(false)
    cache.peek()
    cache.tryGet()
    await cache.get()
    expect(cache.inspect().generation).toBe(generation)
    expect(cache.tryGet()).toBe('held')
  })

  it('L6 what changes nothing does not supersede the flight', async () => {
    const { cache, fetch } = setUp()
    cache.set('held')
    await pass(10)
    const refreshed = settlement(cache.refresh())
    await flush()
    expect(cache.seed('older', { fetchedAt: START })).toBe(false)
    expect(cache.invalidate({ ifValue: 'other' })).toBe(false)
    expect(() => cache.set(undefined as never)).toThrow()
    expect(() => cache.seed(undefined as never)).toThrow()
    fetch.calls[0]?.resolve('new')
    await flush()
    expect([refreshed.value, cache.tryGet()]).toEqual(['new', 'new'])
  })
})

describe('L6 flights that overlap', () => {
  it('L6 the timeout of a superseded flight does not touch the newer one', async () => {
    const { cache, fetch } = setUp({ fetchTimeout: 1000 })
    const before = settlement(cache.get())
    await pass(500)
    cache.invalidate()
    const after = settlement(cache.get())
    await pass(500)
    expect([before.state, after.state]).toEqual(['rejected', 'pending'])
    expect(cache.inspect()).toMatchObject({ status: 'refreshing', nextAttemptAt: undefined, lastError: undefined })
    await pass(499)
    fetch.calls[1]?.resolve('new')
    await flush()
    expect([after.value, cache.getSnapshot().failure]).toEqual(['new', undefined])
  })

  it('L6 the timeout of a flight does not fire after it landed', async () => {
    const { cache, fetch } = setUp({ ttl: '1h', refreshWindow: '1m', fetchTimeout: 1000 })
    void cache.get()
    await pass(999)
    fetch.calls[0]?.resolve('v')
    await pass(5000)
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'v', failure: undefined })
  })

  it('L6 the newest fetch wins whatever the order in which four of them land', async () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ]) {
      const { cache, fetch } = setUp()
      const readers: Settlement<string>[] = []
      for (let round = 0; round < 4; round++) {
        if (round > 0) cache.invalidate()
        readers.push(settlement(cache.get()))
        await flush()
      }
      for (const index of order) {
        fetch.calls[index]?.resolve(`v${index}`)
        await flush()
        expect([undefined, 'v3']).toContain(cache.peek())
      }
      expect(readers.map((reader) => reader.value)).toEqual(['v0', 'v1', 'v2', 'v3'])
      expect(cache.tryGet()).toBe('v3')
    }
  })

  it('L6 a fetch that invalidates its own cache serves its reader and is not stored', async () => {
    for (const deferred of [false, true]) {
      const cache: BackgroundCache<string> = new BackgroundCache<string>({
        ...policy,
        fetch: async () => {
          if (deferred) await flush()
          cache.invalidate()
          return 'v'
        },
      })
      expect(await cache.get()).toBe('v')
      expect([cache.peek(), cache.inspect().status]).toEqual([undefined, 'empty'])
    }
  })

  it('L6 a fetch that sets its own cache does not overwrite what it set', async () => {
    for (const outcome of ['v', down]) {
      const cache: BackgroundCache<string> = new BackgroundCache<string>({
        ...policy,
        fetch: () => {
          cache.set('written')
          if (outcome === down) throw down
          return 'v'
        },
      })
      const read = settlement(cache.get())
      await flush()
      expect(read.state).not.toBe('pending')
      expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'written', failure: undefined })
    }
  })

  it.each(['expiresAt', 'isNewer', 'equals'] as const)(
    'L6 an %s callback that sets the cache while a result lands does not lose what it set',
    async (callback) => {
      let armed = false
      const write = <T>(answer: T): T => {
        if (armed) {
          armed = false
          cache.set('written')
        }
        return answer
      }
      const callbacks: PolicyOptions<string> = {
        expiresAt: (_, fetchedAt) => write(fetchedAt + 1000),
        isNewer: () => write(true),
        equals: () => write(false),
      }
      const fetch = deferredFetch<string>()
      const cache: BackgroundCache<string> = new BackgroundCache<string>({
        ...policy,
        fetch,
        [callback]: callbacks[callback],
      })
      cache.set('held')
      const refreshed = settlement(cache.refresh())
      await flush()
      armed = true
      fetch.calls[0]?.resolve('fetched')
      await flush()
      expect([armed, refreshed.state, cache.peek()]).toEqual([false, 'fulfilled', 'written'])
    },
  )

  it.each(['valid', 'invalid'])('L6 a validation that ends after set(), %s, changes nothing', async (verdict) => {
    const validations: ((result: { value: string } | { issues: readonly unknown[] }) => void)[] = []
    const validate = (): Promise<{ value: string } | { issues: readonly unknown[] }> =>
      new Promise((resolve) => validations.push(resolve))
    const cache = new BackgroundCache<string>({
      ...policy,
      fetch: () => 'raw',
      schema: { '~standard': { version: 1, vendor: 'test', validate } },
    })
    const read = settlement(cache.get())
    await flush()
    expect([validations.length, read.state]).toEqual([1, 'pending'])
    cache.set('written')
    const snapshot = cache.getSnapshot()
    validations[0]?.(verdict === 'valid' ? { value: 'parsed' } : { issues: [{ message: 'no', path: ['a'] }] })
    await flush()
    expect(read.value).toBe('written')
    expect(cache.getSnapshot()).toBe(snapshot)
  })

  it('L6 a classifyError that sets the cache while a failure lands leaves no failure behind', async () => {
    const fetch = deferredFetch<string>()
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ...policy,
      fetch,
      classifyError: () => {
        cache.set('written')
        return 'fatal'
      },
    })
    const read = settlement(cache.get())
    await flush()
    fetch.calls[0]?.reject(down)
    await flush()
    expect(read.state).not.toBe('pending')
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'written', failure: undefined })
    expect(await cache.get()).toBe('written')
  })
})

describe('L6 isNewer', () => {
  const byVersion = { isNewer: (next: string, held: string) => next >= held, ttl: 1000, refreshWindow: 200 } as const

  it('L6 isNewer: an older result is dropped, its waiters get the held value', async () => {
    const { cache, fetch, events } = setUp(byVersion)
    cache.set('v2')
    await pass(100)
    const refreshed = settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.resolve('v1')
    await flush()
    expect(refreshed).toMatchObject({ state: 'fulfilled', value: 'v2' })
    expect(cache.tryGet()).toBe('v2')
    expect(events).toContainEqual(expect.objectContaining({ kind: 'fetch-discarded', because: 'older' }))
    expect(events.map((event) => event.kind)).not.toContain('fetch-failed')
    expect(cache.inspect().lastError).toBeUndefined()
  })

  it('L6 isNewer: a dropped result does not renew the age of the held value', async () => {
    const { cache, fetch } = setUp(byVersion)
    cache.set('v2')
    await pass(500)
    void settlement(cache.refresh())
    await flush()
    fetch.calls[0]?.resolve('v1')
    await flush()
    expect(cache.getSnapshot()).toMatchObject({ fetchedAt: START, expiresAt: START + 1000 })
    await pass(499)
    expect(cache.peek()).toBe('v2')
    await pass(1)
    expect(cache.peek()).toBeUndefined()
  })

  it('L6 isNewer: after a dropped result the next attempt waits for the cool-down', async () => {
    const { cache, fetch } = setUp({ ...byVersion, backoff: { base: 100, max: 100 } })
    cache.set('v2')
    await pass(800)
    expect(await cache.get()).toBe('v2')
    await flush()
    fetch.calls[0]?.resolve('v1')
    await flush()
    await pass(49)
    expect(await cache.get()).toBe('v2')
    await flush()
    expect(fetch.calls).toHaveLength(1)
    await pass(51)
    expect(await cache.get()).toBe('v2')
    await flush()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L6 isNewer is asked about a newer result, which is then kept', async () => {
    const isNewer = vi.fn(byVersion.isNewer)
    const { cache, fetch } = setUp({ ...byVersion, isNewer })
    cache.set('v2')
    void cache.refresh()
    await flush()
    fetch.calls[0]?.resolve('v3')
    await flush()
    expect(isNewer).toHaveBeenCalledWith('v3', 'v2')
    expect(cache.tryGet()).toBe('v3')
  })

  it('L6 isNewer is not asked when nothing is held', async () => {
    const isNewer = vi.fn(() => false)
    const { cache, fetch } = setUp({ isNewer })
    const first = settlement(cache.get())
    await flush()
    fetch.calls[0]?.resolve('v1')
    await flush()
    expect([first.value, cache.tryGet()]).toEqual(['v1', 'v1'])
    cache.invalidate()
    const second = settlement(cache.get())
    await flush()
    fetch.calls[1]?.resolve('v0')
    await flush()
    expect([second.value, cache.tryGet()]).toEqual(['v0', 'v0'])
    expect(isNewer).not.toHaveBeenCalled()
  })

  it('L6 isNewer and equals do not compare a superseded result with what came later', async () => {
    const fetch = deferredFetch<{ version: number }>()
    const cache = new BackgroundCache<{ version: number }>({
      ...policy,
      fetch,
      isNewer: (next, held) => next.version >= held.version,
      equals: (next, held) => next.version === held.version,
    })
    const readers = [settlement(cache.get())]
    await flush()
    for (const _ of ['second', 'third']) {
      cache.invalidate()
      readers.push(settlement(cache.get()))
      await flush()
    }
    const [older, same, newest] = [{ version: 1 }, { version: 9 }, { version: 9 }]
    fetch.calls[2]?.resolve(newest)
    await flush()
    fetch.calls[0]?.resolve(older)
    fetch.calls[1]?.resolve(same)
    await flush()
    expect(readers[0]?.value).toBe(older)
    expect(readers[1]?.value).toBe(same)
    expect(readers[2]?.value).toBe(newest)
    expect(cache.tryGet()).toBe(newest)
  })

  it('L6 isNewer does not stand in the way of set()', () => {
    const { cache } = setUp(byVersion)
    cache.set('v2')
    cache.set('v1')
    expect(cache.tryGet()).toBe('v1')
  })
})

describe('L6 a ticket is taken at the launch', () => {
  it('L6 a fetch function that awaits before it reads is superseded by what happened meanwhile', async () => {
    const source = vi.fn<Fetch<string>>(async () => {
      await flush()
      return 'read early'
    })
    const cache = new BackgroundCache<string>({ ...policy, fetch: source })
    const read = settlement(cache.get())
    cache.set('written at once')
    await flush()
    await flush()
    expect(read.value).toBe('written at once')
    expect(cache.tryGet()).toBe('written at once')
  })
})
