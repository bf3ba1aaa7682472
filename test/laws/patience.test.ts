/** L13 and L15: how a reader with a signal or a time limit stops waiting, and what is left of it afterwards. */
import { getEventListeners } from 'node:events'
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

describe('the signal of a reader', () => {
  it('L15 aborted before the call rejects with its reason, starts no fetch and counts as no read', async () => {
    const signal = AbortSignal.abort('bored')
    const { cache, fetch } = emptyCache()
    await expect(cache.get({ signal })).rejects.toBe('bored')
    cache.set('held')
    await expect(cache.read({ signal })).rejects.toBe('bored')
    expect(fetch.calls).toHaveLength(0)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 })
  })

  it.each([
    ['answered', 'v'],
    ['out of patience', undefined],
  ])('L15 is listened to no longer once that reader is %s', async (_, value) => {
    const { cache, call } = emptyCache()
    const { signal } = new AbortController()
    const read = settlement(cache.get({ signal, maxWait: '1s' }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    if (value) call().resolve(value)
    else await pass(1000)
    await flush()
    expect([read.state, read.value]).toEqual([value ? 'fulfilled' : 'rejected', value])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('L15 aborted by a fetch that has answered before it returned comes too late', async () => {
    const leaver = new AbortController()
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ttl: '1m',
      fetch: () => {
        cache.set('given')
        leaver.abort()
        return 'fetched'
      },
    })
    const read = settlement(cache.get({ signal: leaver.signal }))
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'given' })
    expect(getEventListeners(leaver.signal, 'abort')).toEqual([])
  })

  it('L13 or its time limit does not matter to a fetch that answers before it returns', async () => {
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ttl: '1m',
      fetch: () => {
        cache.set('given')
        return 'fetched'
      },
    })
    const read = settlement(cache.get({ maxWait: '1s' }))
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'given' })
    expect(cache.inspect().waiting).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a reader who leaves', () => {
  it('L13 by the time limit of the policy does so whether he started the fetch or joined it', async () => {
    const { cache } = emptyCache({ maxWait: '1s' })
    const reads = [cache.get(), cache.get(), cache.get(() => 'not asked for')].map((read) => settlement(read))
    expect(cache.inspect().waiting).toBe(3)
    await pass(1000)
    for (const { error } of reads) expect(error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect(cache.inspect().waiting).toBe(0)
  })

  it.each([
    ['by its signal', { maxWait: '1m' }],
    ['by its time limit', { maxWait: '1s' }],
  ] as const)('L15 %s takes only its own place', async (_, options) => {
    const { cache } = emptyCache()
    const leaver = new AbortController()
    void settlement(cache.get({ ...options, signal: leaver.signal }))
    void settlement(cache.get())
    void settlement(cache.refresh())
    expect(cache.inspect().waiting).toBe(3)
    await pass(1000)
    leaver.abort()
    expect(cache.inspect().waiting).toBe(2)
  })

  it('L13 takes a reading of the stale value where one may serve, with where it came from', async () => {
    const { cache } = await cacheHolding<string>('held', { staleIfError: '5m' })
    const { fetchedAt, expiresAt } = cache.getSnapshot()
    await pass(60_000)
    const [value, reading] = [cache.get({ maxWait: '1s' }), cache.read({ maxWait: '1s' })]
    await pass(1000)
    await expect(value).resolves.toBe('held')
    await expect(reading).resolves.toEqual({ value: 'held', fetchedAt, expiresAt, from: 'memory', stale: true })
    expect(cache.stats().staleServed).toBe(2)
  })
})

describe('refresh({ ifOlderThan })', () => {
  it('L8 fetches for a value of just that age, and for a fetch that started just that long ago', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    await pass(999)
    await expect(cache.refresh({ ifOlderThan: '1s' })).resolves.toBe('one')
    await pass(1)
    const second = cache.refresh({ ifOlderThan: '1s' })
    expect(fetch.calls).toHaveLength(2)
    await pass(999)
    expect(cache.refresh({ ifOlderThan: '1s' })).toBe(second)
    expect(cache.inspect().waiting).toBe(2)
    await pass(1)
    const third = cache.refresh({ ifOlderThan: '1s' })
    call().resolve('two')
    await expect(second).resolves.toBe('two')
    expect(fetch.calls).toHaveLength(3)
    call().resolve('three')
    await expect(third).resolves.toBe('three')
  })

  it('L8 is not content with a seed older than that after a result too slow to keep', async () => {
    const { cache, fetch, call } = emptyCache({ ttl: '30s', refreshWindow: 0, fetchTimeout: '5m' })
    const slow = cache.refresh()
    await pass(30_000)
    call().resolve('slow')
    await expect(slow).resolves.toBe('slow')
    expect(cache.peek()).toBeUndefined()
    expect(cache.seed('seeded', { fetchedAt: Date.now() - 10_000 })).toBe(true)
    await expect(cache.refresh({ ifOlderThan: '11s' })).resolves.toBe('seeded')
    const newer = settlement(cache.refresh({ ifOlderThan: '5s' }))
    await flush()
    expect([newer.state, fetch.calls.length]).toEqual(['pending', 2])
  })

  it('L8 is content with what an older result left, unless that was told to expire', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('9', { isNewer: (next, held) => next > held })
    await pass(5000)
    const older = cache.refresh()
    call().resolve('1')
    await expect(older).resolves.toBe('9')
    await expect(cache.refresh({ ifOlderThan: '2s' })).resolves.toBe('9')
    expect(fetch.calls).toHaveLength(2)
    cache.expire()
    void settlement(cache.refresh({ ifOlderThan: '2s' }))
    expect(fetch.calls).toHaveLength(3)
  })
})
