/** L23 and L24: what the platform is told of a fetch that outlives its reader, and whose context a fetch runs in. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { BackgroundCache, type FetchReason } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { recordingClock } from '../support/recording-clock.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

/** Collects what waitUntil is handed. */
const collector = () => {
  const works: { state: string; error: unknown }[] = []
  const waitUntil = (work: Promise<unknown>) => {
    expect(work).toBeInstanceOf(Promise)
    works.push(settlement(work))
  }
  return { works, waitUntil, states: () => works.map(({ state }) => state) }
}

describe('waitUntil', () => {
  useFakeTime()

  it('L23 of a read is handed the refresh it starts, until that has settled', async () => {
    const { works, waitUntil, states } = collector()
    const { cache, call } = await cacheHolding<string>('one')
    await pass(45_000)
    await expect(cache.get({ waitUntil })).resolves.toBe('one')
    expect(works).toHaveLength(1)
    await pass(1_000)
    expect(states()).toEqual(['pending'])
    call().resolve('two')
    await flush()
    expect(states()).toEqual(['fulfilled'])
  })

  it('L23 of the policy is handed it too', async () => {
    const { waitUntil, states } = collector()
    const { cache, call } = await cacheHolding<string>('one', { waitUntil })
    await pass(45_000)
    const before = states().length
    await cache.get()
    expect(states().slice(before)).toEqual(['pending'])
    call().resolve('two')
    await flush()
    expect(states().every((state) => state === 'fulfilled')).toBe(true)
  })

  it.each<[string, (one: OneValue<string>) => unknown]>([
    ['a failure', ({ call }) => call().reject(new Error('down'))],
    ['a falsy failure', ({ call }) => call().reject(undefined)],
    ['undefined', ({ call }) => call().resolve(undefined as never)],
    ['the timeout', () => pass(30_000)],
    ['dispose()', ({ cache }) => cache.dispose()],
    [
      'set(), at the latest at the timeout',
      async ({ cache }) => {
        cache.set('given')
        await pass(30_000)
      },
    ],
    [
      'invalidate(), at the latest at the timeout',
      async ({ cache }) => {
        cache.invalidate()
        await pass(30_000)
      },
    ],
  ])('L23 settles and never rejects: %s', async (_, act) => {
    const unhandled = await unhandledDuring(async () => {
      const { waitUntil, states } = collector()
      const one = await cacheHolding<string>('one')
      await pass(45_000)
      await one.cache.get({ waitUntil })
      await act(one)
      await flush()
      expect(states()).toEqual(['fulfilled'])
    })
    expect(unhandled).toEqual([])
  })

  it.each(['read', 'policy'])('L23 is handed the fetch a maxWait gave up: %s', async (where) => {
    const { waitUntil, states } = collector()
    const { cache, call } = emptyCache(where === 'policy' ? { waitUntil } : {})
    const read = settlement(cache.get({ maxWait: 200, ...(where === 'read' ? { waitUntil } : {}) }))
    await pass(200)
    expect(read.state).toBe('rejected')
    expect(states()).toContain('pending')
    call().resolve('late')
    await flush()
    expect(states().every((state) => state === 'fulfilled')).toBe(true)
    expect(cache.peek()).toBe('late')
  })

  it('L23 is handed the fetch an aborted reader left', async () => {
    const { waitUntil, states } = collector()
    const { cache, call } = emptyCache()
    const controller = new AbortController()
    const read = settlement(cache.get({ signal: controller.signal, waitUntil }))
    await flush()
    controller.abort()
    await flush()
    expect(read.state).toBe('rejected')
    expect(states()).toEqual(['pending'])
    call().resolve('late')
    await flush()
    expect(states()).toEqual(['fulfilled'])
  })

  it('L23 is handed the attempt behind a stale read', async () => {
    const { waitUntil, states } = collector()
    const { cache, call } = await cacheHolding<string>('one', { staleIfError: '5m' })
    await pass(60_000)
    const first = cache.get()
    await flush()
    call().reject(new Error('down'))
    await first
    await pass(1_000)
    await expect(cache.get({ waitUntil })).resolves.toBe('one')
    expect(states()).toEqual(['pending'])
    call().reject(new Error('still down'))
    await flush()
    expect(states()).toEqual(['fulfilled'])
  })

  it('L23 is handed nothing by a read of a fresh value', async () => {
    const { works, waitUntil } = collector()
    const { cache } = await cacheHolding<string>('one')
    await cache.get({ waitUntil })
    await pass(1_000)
    expect(works).toEqual([])
  })
})

/** A cache whose fetch notes the tenant it runs for. */
const tenants = (options: object = {}) => {
  const storage = new AsyncLocalStorage<string>()
  const seen: [FetchReason, string | undefined][] = []
  let outcome: () => unknown = () => 'value'
  const Plain = BackgroundCache as unknown as new (options: object) => BackgroundCache<string>
  const cache = new Plain({
    ttl: 60_000,
    refreshWindow: 20_000,
    random: () => 0.5,
    ...options,
    fetch: ({ reason }: { reason: FetchReason }) => {
      seen.push([reason, storage.getStore()])
      return outcome()
    },
  })
  return { storage, seen, cache, answer: (next: () => unknown) => (outcome = next) }
}

describe('the async context', () => {
  useFakeTime()

  it('L24 of a fetch somebody waits for is that of its first reader', async () => {
    const { storage, seen, cache } = tenants()
    const reads = ['a', 'b'].map((tenant) => storage.run(tenant, () => cache.get()))
    await Promise.all(reads)
    expect(seen).toEqual([['first', 'a']])
  })

  it('L24 of a fetch after the expiry is that of its first reader', async () => {
    const { storage, seen, cache } = tenants()
    await storage.run('a', () => cache.get())
    await pass(60_000)
    await storage.run('b', () => cache.get())
    expect(seen).toEqual([
      ['first', 'a'],
      ['expired', 'b'],
    ])
  })

  it('L24 of a refresh behind a reader is nobody’s', async () => {
    const { storage, seen, cache } = tenants()
    await storage.run('a', () => cache.get())
    await pass(45_000)
    await storage.run('b', () => cache.get())
    await flush()
    expect(seen).toEqual([
      ['first', 'a'],
      ['aging', undefined],
    ])
  })

  it('L24 of an attempt behind a stale read is nobody’s', async () => {
    const { storage, seen, cache, answer } = tenants({ staleIfError: '5m' })
    await storage.run('a', () => cache.get())
    await pass(60_000)
    answer(() => Promise.reject(new Error('down')))
    await storage.run('b', () => cache.get())
    await pass(1_000)
    await storage.run('c', () => cache.get())
    await flush()
    expect(seen.map(([, tenant]) => tenant)).toEqual(['a', 'b', undefined])
  })

  it('L24 of refresh() is that of its caller', async () => {
    const { storage, seen, cache } = tenants()
    await storage.run('a', () => cache.refresh())
    await storage.run('b', () => cache.refresh())
    expect(seen).toEqual([
      ['refresh', 'a'],
      ['refresh', 'b'],
    ])
  })

  it('L24 of a queued refresh is that of the first who waits for it, not of the fetch before', async () => {
    const { storage, seen, cache, answer } = tenants()
    let settle: (value: string) => void = () => {}
    answer(() => new Promise<string>((resolve) => (settle = resolve)))
    const first = storage.run('a', () => cache.get())
    await flush()
    const queued = ['b', 'c'].map((tenant) => storage.run(tenant, () => cache.refresh()))
    await flush()
    answer(() => 'renewed')
    storage.run('d', () => settle('one'))
    await first
    await Promise.all(queued)
    expect(seen).toEqual([
      ['first', 'a'],
      ['refresh', 'b'],
    ])
  })

  it('L24 of a queued refresh that invalidate() starts is not that of the invalidation', async () => {
    const { storage, seen, cache, answer } = tenants()
    answer(() => new Promise(() => {}))
    const first = settlement(storage.run('a', () => cache.get()))
    await flush()
    const queued = storage.run('b', () => cache.refresh())
    answer(() => 'renewed')
    storage.run('d', () => cache.invalidate())
    await queued
    expect(first.state).toBe('pending')
    expect(seen).toEqual([
      ['first', 'a'],
      ['refresh', 'b'],
    ])
  })

  it('L24 of keepFresh() is nobody’s, at once and by timer', async () => {
    const clock = recordingClock()
    const { storage, seen, cache } = tenants({ clock })
    const release = storage.run('a', () => cache.keepFresh())
    await clock.advance(0)
    await clock.advance(40_000)
    await clock.advance(40_000)
    expect(seen.map(([, tenant]) => tenant)).toEqual([undefined, undefined, undefined])
    release()
  })

  it('L24 of keepFresh() stays nobody’s when a tenant writes meanwhile', async () => {
    const clock = recordingClock()
    const { storage, seen, cache } = tenants({ clock })
    const release = cache.keepFresh()
    await clock.advance(1_000)
    storage.run('a', () => cache.set('given'))
    await clock.advance(40_000)
    storage.run('b', () => cache.invalidate())
    await clock.advance(0)
    storage.run('c', () => cache.expire())
    await clock.advance(0)
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(seen.filter(([, tenant]) => tenant !== undefined)).toEqual([])
    release()
  })

  it('L24 of keepFresh() stays nobody’s through the cool-down a tenant caused', async () => {
    const clock = recordingClock()
    const { storage, seen, cache, answer } = tenants({ clock })
    const release = cache.keepFresh()
    await clock.advance(0)
    answer(() => Promise.reject(new Error('down')))
    await storage.run('a', () => cache.refresh().catch(() => undefined))
    await clock.advance(60_000)
    expect(seen.slice(2).length).toBeGreaterThan(0)
    expect(seen.slice(2).filter(([, tenant]) => tenant !== undefined)).toEqual([])
    release()
  })

  it('L24 of values() is nobody’s for the fetches by timer', async () => {
    const clock = recordingClock()
    const { storage, seen, cache } = tenants({ clock })
    const values = cache.values()
    await storage.run('a', () => values.next())
    await clock.advance(40_000)
    await clock.advance(40_000)
    expect(seen.slice(1).map(([, tenant]) => tenant)).toEqual([undefined, undefined])
    await values.return?.()
  })

  it('L24 is not held by any timer that outlives the reader', async () => {
    const storage = new AsyncLocalStorage<string>()
    const made: (string | undefined)[] = []
    const clock = recordingClock()
    const after = clock.after.bind(clock)
    clock.after = (ms, task, options) => {
      made.push(storage.getStore())
      return after(ms, task, options)
    }
    const { cache, call } = emptyCache({ clock })
    storage.run('a', () => void settlement(cache.get()))
    await flush()
    call().resolve('one')
    await clock.advance(45_000)
    await storage.run('b', () => cache.get())
    const release = storage.run('c', () => cache.keepFresh())
    await flush()
    expect(made.length).toBeGreaterThanOrEqual(2)
    expect(made.filter((tenant) => tenant !== undefined)).toEqual([])
    release()
  })

  it('L24 of a reader survives the wait', async () => {
    const { storage, cache, answer } = tenants()
    let settle: (value: string) => void = () => {}
    answer(() => new Promise<string>((resolve) => (settle = resolve)))
    const after = ['a', 'b'].map((tenant) =>
      storage.run(tenant, async () => {
        await cache.get()
        return storage.getStore()
      }),
    )
    await flush()
    storage.run('d', () => settle('one'))
    await expect(Promise.all(after)).resolves.toEqual(['a', 'b'])
  })

  it('L24 of one cache is not that of another', async () => {
    const [one, two] = [tenants(), tenants()]
    await one.storage.run('a', () => two.storage.run('b', async () => [await one.cache.get(), await two.cache.get()]))
    expect(one.seen).toEqual([['first', 'a']])
    expect(two.seen).toEqual([['first', 'b']])
  })
})

describe('a read that nobody may delay', () => {
  useFakeTime()

  it('L23 is not delayed by waitUntil', async () => {
    const waitUntil = vi.fn(() => new Promise(() => {}) as never)
    const { cache } = await cacheHolding<string>('one')
    await pass(45_000)
    await expect(cache.get({ waitUntil })).resolves.toBe('one')
    expect(waitUntil).toHaveBeenCalledTimes(1)
  })
})
