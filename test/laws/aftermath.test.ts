/** L6 to L20: what follows from a change besides the change itself: who is asked, who is told, and who is left alone. */
import { BackgroundCache, type CacheEvent } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { handClock } from '../support/hand-clock.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

const kinds = (events: readonly CacheEvent[]) => events.map(({ kind }) => kind)

describe('BackgroundCache', () => {
  it('is named so, whatever a bundler makes of it', () => {
    expect(BackgroundCache.name).toBe('BackgroundCache')
  })

  it('L22 without a fetch of its own has no keepFresh, and what follows its values does without', async () => {
    const cache = new BackgroundCache<string>({ ttl: '1m' })
    expect((cache as { keepFresh?: unknown }).keepFresh).toBeUndefined()
    const values = cache.values()
    const first = values.next()
    cache.set('given')
    await expect(first).resolves.toEqual({ done: false, value: 'given' })
    await expect(values.return?.()).resolves.toEqual({ done: true, value: undefined })
    expect(cache.inspect().observers).toBe(0)
  })

  it('L10 invalidate() tells whether something was dropped or given up', async () => {
    const { cache, call } = emptyCache()
    expect(cache.invalidate()).toBe(false)
    void settlement(cache.get())
    expect(cache.invalidate()).toBe(true)
    cache.set('held')
    expect(cache.invalidate()).toBe(true)
    expect(cache.invalidate()).toBe(false)
    call().resolve('late')
    await flush()
    expect(cache.peek()).toBeUndefined()
  })

  it('L17 freezes nothing that is given to it, unless it is told to', () => {
    const { cache } = emptyCache<object>()
    const [set, seeded] = [{}, {}]
    cache.seed(seeded)
    cache.set(set)
    expect([Object.isFrozen(set), Object.isFrozen(seeded)]).toEqual([false, false])
  })

  it('L11 counts what memory answered, by whichever call it was asked', async () => {
    const { cache } = await cacheHolding<string>('held')
    await Promise.all([cache.get(), cache.get({}), cache.read(), cache.read({ maxWait: '1s' })])
    expect(cache.stats()).toMatchObject({ hits: 4, misses: 1, hitRatio: 0.8, missRatio: 0.2 })
  })

  it('L11 counts writes of both kinds', () => {
    const { cache } = emptyCache()
    expect(cache.seed('seeded', { fetchedAt: START - 1 })).toBe(true)
    cache.set('one')
    cache.set('two')
    expect(cache.seed('refused', { fetchedAt: START - 1 })).toBe(false)
    expect(cache.stats()).toMatchObject({ writes: 3, writeFailures: 0, backendHits: 0, evictions: 0 })
  })
})

describe('the reading of somebody who waits', () => {
  const reading = { value: 'given', fetchedAt: START, expiresAt: START + 60_000, from: 'memory', stale: false }

  it.each<[string, (cache: BackgroundCache<string>) => unknown]>([
    ['set()', (cache) => cache.set('given')],
    ['seed()', (cache) => cache.seed('given')],
  ])('L9 says that %s has put the value into memory', async (_, write) => {
    const { cache } = emptyCache()
    const read = cache.read()
    write(cache)
    await expect(read).resolves.toEqual(reading)
  })

  it('L9 is not a seed that may only serve as stale: that reader waits on', async () => {
    const { cache, call } = emptyCache({ staleIfError: '5m' })
    const read = settlement(cache.read())
    expect(cache.seed('seeded', { fetchedAt: START - 60_000 })).toBe(true)
    await flush()
    expect(read.state).toBe('pending')
    call().resolve('fetched')
    await flush()
    expect(read.value).toMatchObject({ value: 'fetched', from: 'source', stale: false })
  })

  it('L2 says when the fetch took so long that its value is past its ttl', async () => {
    const { cache, call } = emptyCache({ ttl: '10s', refreshWindow: 0 })
    const read = cache.read()
    await pass(10_000)
    call().resolve('slow')
    const expected = { value: 'slow', fetchedAt: START, expiresAt: START + 10_000, from: 'source', stale: true }
    await expect(read).resolves.toEqual(expected)
  })
})

describe('the jitter of a cool-down', () => {
  const fail = () => {
    throw new Error('no dice')
  }

  it.each<[string, () => number, number]>([
    ['0', () => 0, 500],
    ['1', () => 1, 1000],
    ['a half', () => 0.5, 750],
    ['below 0, which stands for a half', () => -0.01, 750],
    ['above 1, which stands for a half', () => 1.01, 750],
    ['no number, which stands for a half', () => Number.NaN, 750],
    ['nothing, which stands for a half', () => undefined as never, 750],
    ['an error, which stands for a half', fail, 750],
  ])('L12 is drawn between half and all of it: %s', async (_, random, ms) => {
    const { cache, call } = emptyCache({ random })
    const read = settlement(cache.get())
    call().reject(new Error('down'))
    await flush()
    expect(read.state).toBe('rejected')
    expect(cache.getSnapshot().failure?.nextAttemptAt).toBe(START + ms)
  })
})

describe('a failure', () => {
  it('L14 that comes after the timeout is classified by nobody', async () => {
    const classifyError = vi.fn(() => 'retry' as const)
    const { cache, call, events } = emptyCache({ fetchTimeout: '1s', classifyError })
    const read = settlement(cache.get())
    await pass(1000)
    expect(read.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
    expect(classifyError).toHaveBeenCalledTimes(1)
    call().reject(new Error('late'))
    await flush()
    expect(classifyError).toHaveBeenCalledTimes(1)
    expect(kinds(events)).toEqual(['fetch-started', 'fetch-failed'])
  })

  it('L12 whose retryAfter is nonsense counts as any other, and says so', async () => {
    const { cache, call, events } = emptyCache({ retryAfter: () => 'soon' as never })
    void settlement(cache.get())
    call().reject('down')
    await flush()
    expect(cache.getSnapshot().failure).toMatchObject({ error: 'down', nextAttemptAt: START + 750 })
    const reports = events.flatMap((event) => (event.kind === 'listener-failed' ? [String(event.error)] : []))
    expect(reports).toEqual([
      "RangeError: Cannot use retryAfter: expected a duration of at least 0, such as 30000 or '30s': received 'soon'",
    ])
  })

  it('L13 that no reader waited for tells of no stale read', async () => {
    const { cache, call, events } = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    const renewal = settlement(cache.refresh())
    call().reject('down')
    await flush()
    expect(renewal.error).toBe('down')
    expect(kinds(events)).toEqual(['fetch-started', 'fetch-failed'])
    expect(cache.stats().staleServed).toBe(0)
  })

  it('L13 that readers waited for tells how old the value is that they got instead', async () => {
    const { cache, call, events } = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(1000)
    cache.set('newer')
    await pass(61_000)
    const reads = [cache.get(), cache.read()]
    call().reject('down')
    await Promise.all(reads)
    expect(events.at(-1)).toMatchObject({ kind: 'served-stale', age: 61_000 })
    expect(cache.stats().staleServed).toBe(2)
  })
})

describe('observers', () => {
  it('L21 are not told of what shows nowhere, and keep the snapshot they have', async () => {
    const { cache, call } = await cacheHolding<string>('held')
    const snapshot = cache.getSnapshot()
    const listener = vi.fn()
    cache.subscribe(listener)
    cache.expire()
    expect(cache.getSnapshot()).toBe(snapshot)
    expect(listener).not.toHaveBeenCalled()
    void settlement(cache.get())
    const refreshing = cache.getSnapshot()
    void settlement(cache.refresh())
    expect(cache.getSnapshot()).toBe(refreshing)
    expect(listener.mock.calls).toEqual([[refreshing]])
    call().resolve('next')
    await flush()
    expect(cache.getSnapshot()).not.toBe(refreshing)
  })

  it('L19 hear events with the fields of their kind alone', async () => {
    const { cache, call, events } = emptyCache({ name: 'one' })
    const read = settlement(cache.get())
    await pass(10)
    call().resolve('v')
    await flush()
    expect(read.value).toBe('v')
    expect(events).toStrictEqual([
      { kind: 'fetch-started', reason: 'first', at: START, name: 'one' },
      { kind: 'fetch-succeeded', reason: 'first', tookMs: 10, changed: true, at: START + 10, name: 'one' },
    ])
  })

  it('cost no look at the clock where there are none', () => {
    const clock = handClock()
    const cache = new BackgroundCache({ ttl: '1m', clock, fetch: () => 'v' })
    const readsOf = (act: () => void) => {
      const before = clock.reads.now
      act()
      return clock.reads.now - before
    }
    const alone = readsOf(() => cache.set('one'))
    cache.on(() => {})
    expect(readsOf(() => cache.set('two'))).toBe(alone + 1)
  })
})

describe('a superseded fetch', () => {
  it.each(['equals', 'isNewer'] as const)('L6 is compared with nothing that came after it: %s', async (name) => {
    const compare = vi.fn(() => true)
    const { cache, call } = await cacheHolding<string>('zero', { [name]: compare })
    await pass(60_000)
    const early = settlement(cache.get())
    cache.invalidate()
    const later = settlement(cache.get())
    call(2).resolve('two')
    await flush()
    call(1).resolve('one')
    await flush()
    expect([early.value, later.value]).toEqual(['one', 'two'])
    expect(compare).not.toHaveBeenCalled()
  })

  it('L7 that an invalidation overtook fails for its readers, whatever is held by then', async () => {
    const { cache, call } = emptyCache()
    const early = settlement(cache.get())
    cache.invalidate()
    void settlement(cache.get())
    call(1).resolve('two')
    await flush()
    expect(cache.peek()).toBe('two')
    call(0).reject('down')
    await flush()
    expect(early).toMatchObject({ state: 'rejected', error: 'down' })
  })

  it('L13 that expire() overtook and that fails leaves its readers with the newer value, which is not stale', async () => {
    const { cache, call, events } = emptyCache()
    const early = cache.read()
    cache.expire()
    const renewal = cache.refresh()
    call(1).resolve('two')
    await renewal
    call(0).reject('down')
    await expect(early).resolves.toMatchObject({ value: 'two', from: 'memory', stale: false })
    expect(kinds(events)).not.toContain('served-stale')
  })

  it.each([
    ['retry', { state: 'fulfilled', value: 'held' }],
    ['fatal', { state: 'rejected', error: 'down' }],
    ['gone', { state: 'rejected', error: 'down' }],
  ] as const)('L16 that fails tells its own readers what that means: %s', async (answer, end) => {
    const { cache, call } = await cacheHolding<string>('held', { classifyError: () => answer })
    cache.expire()
    const read = settlement(cache.get())
    cache.expire()
    call(1).reject('down')
    await flush()
    expect(read).toMatchObject(end)
  })

  it('L15 is not aborted while somebody who asked for a refresh waits for it', async () => {
    const { cache, call } = emptyCache()
    const renewal = settlement(cache.refresh())
    cache.invalidate()
    expect(call(0).context.signal.aborted).toBe(false)
    expect(cache.inspect().waiting).toBe(1)
    call(0).resolve('one')
    await flush()
    expect([renewal.value, cache.peek()]).toEqual(['one', undefined])
  })

  it('L6 and the one after it and the queued one are waited for together', () => {
    const { cache } = emptyCache()
    void settlement(cache.get())
    cache.invalidate()
    void settlement(cache.get())
    void settlement(cache.get())
    void settlement(cache.refresh())
    void settlement(cache.refresh())
    void settlement(cache.refresh())
    expect(cache.inspect().waiting).toBe(6)
    cache.set('given')
    expect(cache.inspect().waiting).toBe(0)
  })
})

describe('after dispose()', () => {
  it('L20 nobody is told of a fetch that was given up before and ends now', async () => {
    const { cache, call, events } = emptyCache({ fetchTimeout: '1s' })
    void settlement(cache.get())
    await pass(1000)
    cache.dispose()
    call().resolve('late')
    await flush()
    expect(kinds(events)).toEqual(['fetch-started', 'fetch-failed', 'disposed'])
  })

  it('L20 seed() gives false and asks nobody about the value', () => {
    const expiresAt = vi.fn(() => START + 60_000)
    const { cache } = emptyCache<object>({ expiresAt, freeze: true })
    cache.dispose()
    const value = {}
    expect(cache.seed(value)).toBe(false)
    expect(expiresAt).not.toHaveBeenCalled()
    expect(Object.isFrozen(value)).toBe(false)
  })

  it('L20 observers are forgotten, once they have heard of it', () => {
    const { cache, events } = emptyCache()
    const heard: string[] = []
    cache.subscribe(({ status }) => {
      heard.push(status)
    })
    expect(cache.inspect().observers).toBe(1)
    cache.dispose()
    expect([heard, kinds(events), cache.inspect().observers]).toEqual([['disposed'], ['disposed'], 0])
    cache.subscribe(() => {})
    expect(cache.inspect().observers).toBe(0)
  })
})
