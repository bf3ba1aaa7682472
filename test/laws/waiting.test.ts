/** L13 and L14: what a reader takes when the source fails or dawdles, and when a fetch has had its time. */
import { BackgroundCache, type Duration, FetchTimeoutError, WaitTimeoutError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

/** Reads, lets the fetch this starts fail, and returns how the read ended. */
const failedRead = async (one: OneValue<string>, error: unknown = new Error('down')) => {
  const before = one.fetch.calls.length
  const read = settlement(one.cache.get())
  await flush()
  expect(one.fetch.calls.length).toBe(before + 1)
  one.call().reject(error)
  await flush()
  return read
}

describe('staleIfError', () => {
  it('L13 is nothing by default: an expired value is refused', async () => {
    const one = await cacheHolding<string>('held')
    await pass(60_000)
    const read = await failedRead(one)
    expect(read).toMatchObject({ state: 'rejected', error: new Error('down') })
    await expect(one.cache.get()).rejects.toThrow('down')
  })

  it('L13 makes the first reader wait and then gives it the stale value', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    const read = settlement(cache.read())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(read.state).toBe('pending')
    call().reject(new Error('down'))
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: { value: 'held', stale: true } })
  })

  it('L13 serves at once while the cool-down runs', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    await failedRead(one)
    for (let reads = 0; reads < 10; reads++) await expect(one.cache.get()).resolves.toBe('held')
    expect(one.fetch.calls).toHaveLength(2)
  })

  it('L13 lets later attempts run behind the readers', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    await failedRead(one)
    await pass(750)
    const read = settlement(one.cache.read())
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
    expect(read).toMatchObject({ state: 'fulfilled', value: { value: 'held', stale: true } })
    await expect(one.cache.get()).resolves.toBe('held')
    expect(one.fetch.calls).toHaveLength(3)
    one.call().resolve('next')
    await flush()
    await expect(one.cache.read()).resolves.toMatchObject({ value: 'next', stale: false })
  })

  it('L13 remembers a failure that came before the expiry', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(45_000)
    await one.cache.get()
    await flush()
    one.call().reject(new Error('down'))
    await pass(15_000)
    const read = settlement(one.cache.get())
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
    expect(read).toMatchObject({ state: 'fulfilled', value: 'held' })
  })

  it('L13 starts over after a success: the next expiry makes a reader wait again', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    await failedRead(one)
    await pass(750)
    await one.cache.get()
    await flush()
    one.call().resolve('next')
    await pass(60_000)
    const read = settlement(one.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    one.call().resolve('third')
    await flush()
    expect(read.value).toBe('third')
  })

  it.each<[Duration, number]>([
    [30_000, 30_000],
    ['30s', 30_000],
    ['365d', 365 * 86_400_000],
  ])('L13 of %s serves until its last millisecond', async (staleIfError, ms) => {
    const one = await cacheHolding<string>('held', { staleIfError, backoff: { base: '5s', max: '5s' } })
    await pass(60_000 + ms - 2_000)
    await failedRead(one)
    await pass(1_999)
    await expect(one.cache.get()).resolves.toBe('held')
    await pass(1)
    await expect(one.cache.get()).rejects.toThrow('down')
    expect(one.fetch.calls).toHaveLength(2)
  })

  it('L13 beyond its end a reader waits for a new attempt and gets its error', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '30s' })
    await pass(60_000)
    await failedRead(one)
    await pass(30_000)
    const read = settlement(one.cache.get())
    await flush()
    expect(read.state).toBe('pending')
    one.call().reject(new Error('still down'))
    await flush()
    expect(read).toMatchObject({ state: 'rejected', error: new Error('still down') })
  })

  it('L13 is not prolonged by failing often', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '30s' })
    const { fetchedAt, expiresAt } = one.cache.getSnapshot()
    await pass(60_000)
    await failedRead(one)
    for (let second = 1; second < 30; second++) {
      await pass(1_000)
      await expect(one.cache.read()).resolves.toMatchObject({ value: 'held', fetchedAt, expiresAt, stale: true })
      await flush()
      if (!one.call().settled) one.call().reject(new Error('down'))
      await flush()
    }
    await pass(1_000)
    const read = settlement(one.cache.get())
    await flush()
    if (!one.call().settled) one.call().reject(new Error('down'))
    await flush()
    expect(read.state).toBe('rejected')
  })

  it('L13 never moves the expiry of the value', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    const { expiresAt } = one.cache.getSnapshot()
    await pass(60_000)
    await failedRead(one)
    expect(one.cache.peek()).toBeUndefined()
    expect(one.cache.tryGet()).toBeUndefined()
    expect(one.cache.getSnapshot().expiresAt).toBe(expiresAt)
    expect(one.cache.inspect()).toMatchObject({ freshness: 'expired', expiresAt })
  })

  it('L13 counts from the expiry the value brought along', async () => {
    const one = await cacheHolding<string>('held', {
      ttl: '1h',
      expiresAt: (_, fetchedAt) => fetchedAt + 20_000,
      staleIfError: '10s',
      backoff: { base: '20s' },
    })
    await pass(28_000)
    const read = await failedRead(one)
    expect(read.value).toBe('held')
    await pass(1_999)
    await expect(one.cache.get()).resolves.toBe('held')
    await pass(1)
    await expect(one.cache.get()).rejects.toThrow('down')
  })

  it('L13 tells every stale read', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(65_000)
    await failedRead(one)
    expect(one.events.filter(({ kind }) => kind === 'served-stale')).toMatchObject([{ age: 65_000 }])
    expect(one.cache.stats?.().staleServed).toBe(1)
  })

  it('L13 a stale value is no comfort after invalidate()', async () => {
    const one = await cacheHolding<string>('held', { staleIfError: '5m' })
    await pass(60_000)
    await failedRead(one)
    one.cache.invalidate()
    await expect(one.cache.get()).rejects.toThrow('down')
  })
})

describe('maxWait', () => {
  it('L13 of one read ends in WaitTimeoutError while nothing is held, and the fetch goes on', async () => {
    const { cache, fetch, call } = emptyCache()
    const hurried = settlement(cache.get({ maxWait: 200 }))
    const patient = settlement(cache.get())
    await pass(199)
    expect(hurried.state).toBe('pending')
    await pass(1)
    expect(hurried.error).toBeInstanceOf(WaitTimeoutError)
    expect(hurried.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect(patient.state).toBe('pending')
    expect(call().context.signal.aborted).toBe(false)
    call().resolve('late')
    await flush()
    expect(patient.value).toBe('late')
    await expect(cache.get()).resolves.toBe('late')
    expect(fetch.calls).toHaveLength(1)
  })

  it('L13 is no failure of the source', async () => {
    const { cache } = emptyCache()
    const read = settlement(cache.get({ maxWait: 200 }))
    await pass(200)
    expect(read.state).toBe('rejected')
    expect(cache.getSnapshot()).toMatchObject({ status: 'refreshing', failure: undefined })
  })

  it('L13 of the policy counts for every read, and a read may say otherwise', async () => {
    const { cache } = emptyCache({ maxWait: '1s' })
    const reads = [
      settlement(cache.get()),
      settlement(cache.get({ maxWait: '300ms' })),
      settlement(cache.read({ maxWait: '2s' })),
    ]
    const states = () => reads.map(({ state }) => state)
    await pass(300)
    expect(states()).toEqual(['pending', 'rejected', 'pending'])
    await pass(700)
    expect(states()).toEqual(['rejected', 'rejected', 'pending'])
    await pass(1_000)
    expect(states()).toEqual(['rejected', 'rejected', 'rejected'])
  })

  it('L13 counts from the call of the reader who joins', async () => {
    const { cache, fetch } = emptyCache()
    void settlement(cache.get())
    await pass(500)
    const joined = settlement(cache.get({ maxWait: 200 }))
    await pass(199)
    expect(joined.state).toBe('pending')
    await pass(1)
    expect(joined.error).toBeInstanceOf(WaitTimeoutError)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L13 takes a stale value where one may serve', async () => {
    const { cache, call } = await cacheHolding<string>('held', { staleIfError: '30s' })
    await pass(61_000)
    const read = settlement(cache.read({ maxWait: 200 }))
    await pass(200)
    expect(read).toMatchObject({ state: 'fulfilled', value: { value: 'held', stale: true } })
    call().resolve('next')
    await flush()
    expect(cache.tryGet()).toBe('next')
  })

  it.each([
    ['there is no staleIfError', 0, 61_000],
    ['its time is over', 30_000, 91_000],
  ])('L13 takes no stale value where %s', async (_, staleIfError, elapsed) => {
    const { cache } = await cacheHolding<string>('held', { staleIfError })
    await pass(elapsed)
    const read = settlement(cache.get({ maxWait: 200 }))
    await pass(200)
    expect(read.error).toBeInstanceOf(WaitTimeoutError)
  })

  it('L13 leaves a reader that need not wait alone', async () => {
    const { cache } = await cacheHolding<string>('held')
    await expect(cache.get({ maxWait: 1 })).resolves.toBe('held')
    await pass(45_000)
    await expect(cache.get({ maxWait: 1 })).resolves.toBe('held')
  })

  it('L13 passes on an error that comes first', async () => {
    const { cache, call } = emptyCache()
    const read = settlement(cache.get({ maxWait: 200 }))
    await pass(100)
    call().reject(new Error('down'))
    await pass(200)
    expect(read).toMatchObject({ state: 'rejected', error: new Error('down') })
  })

  it('L13 passes on a value that set() brings', async () => {
    const { cache } = emptyCache()
    const read = settlement(cache.get({ maxWait: 200 }))
    await pass(100)
    cache.set('given')
    await pass(200)
    expect(read).toMatchObject({ state: 'fulfilled', value: 'given' })
  })

  it('L13 leaves no rejection behind, whatever comes afterwards', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      const read = settlement(cache.get({ maxWait: 200 }))
      await pass(200)
      call().reject(new Error('too late'))
      await flush()
      expect(read.error).toBeInstanceOf(WaitTimeoutError)
      expect(cache.getSnapshot().failure?.error).toEqual(new Error('too late'))
    })
    expect(unhandled).toEqual([])
  })
})

describe('fetchTimeout', () => {
  it('L14 is thirty seconds by default: abort, failure, cool-down', async () => {
    const { cache, fetch, call, events } = emptyCache()
    const read = settlement(cache.get())
    await pass(29_999)
    expect(read.state).toBe('pending')
    expect(call().context.signal.aborted).toBe(false)
    await pass(1)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
    expect(read.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
    expect(call().context.signal.aborted).toBe(true)
    expect(cache.getSnapshot().failure).toMatchObject({
      error: read.error,
      attempts: 1,
      nextAttemptAt: Date.now() + 750,
    })
    expect(events.map(({ kind }) => kind)).toContain('fetch-failed')
    await expect(cache.get()).rejects.toBe(read.error)
    expect(fetch.calls).toHaveLength(1)
  })

  it.each<[Duration, number]>([
    ['2s', 2_000],
    [1_500, 1_500],
    ['40d', 40 * 86_400_000],
  ])('L14 of %s is kept to the millisecond', async (fetchTimeout, ms) => {
    const { cache } = emptyCache({ fetchTimeout, ttl: '100d' })
    const read = settlement(cache.get())
    await pass(ms - 1)
    expect(read.state).toBe('pending')
    await pass(1)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
  })

  it('L14 of Infinity never ends', async () => {
    const { cache, call } = emptyCache({ fetchTimeout: Number.POSITIVE_INFINITY, ttl: '100d' })
    const read = settlement(cache.get())
    await pass(60 * 86_400_000)
    expect(read.state).toBe('pending')
    expect(call().context.signal.aborted).toBe(false)
    call().resolve('at last')
    await flush()
    expect(read.value).toBe('at last')
  })

  it.each([
    ['a late value', (one: OneValue<string>) => one.call(0).resolve('late')],
    ['a late error', (one: OneValue<string>) => one.call(0).reject(new Error('late'))],
  ])('L14 discards %s', async (_, settle) => {
    const unhandled = await unhandledDuring(async () => {
      const one = emptyCache({ fetchTimeout: '1s' })
      const read = settlement(one.cache.get())
      await pass(1_000)
      const { failure } = one.cache.getSnapshot()
      settle(one)
      await flush()
      expect(read.error).toBeInstanceOf(FetchTimeoutError)
      expect(one.cache.peek()).toBeUndefined()
      expect(one.cache.getSnapshot().failure).toEqual(failure)
    })
    expect(unhandled).toEqual([])
  })

  it('L14 says so when it discards a late value', async () => {
    const one = emptyCache({ fetchTimeout: '1s' })
    void settlement(one.cache.get())
    await pass(1_000)
    one.call(0).resolve('late')
    await flush()
    expect(one.events.filter(({ kind }) => kind === 'fetch-discarded')).toMatchObject([{ because: 'timed-out' }])
  })

  it('L14 frees the slot: a newer fetch cannot be overwritten by the late one', async () => {
    const { cache, fetch, call } = emptyCache({ fetchTimeout: '1s' })
    void settlement(cache.get())
    await pass(2_000)
    const read = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
    call(0).resolve('late')
    await flush()
    expect(read.state).toBe('pending')
    call(1).resolve('newer')
    await flush()
    expect(read.value).toBe('newer')
    expect(cache.tryGet()).toBe('newer')
  })

  it('L14 a late error after a newer value does nothing', async () => {
    const { cache, call } = emptyCache({ fetchTimeout: '1s' })
    void settlement(cache.get())
    await pass(2_000)
    void settlement(cache.get())
    await flush()
    call(1).resolve('newer')
    await flush()
    call(0).reject(new Error('late'))
    await flush()
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'newer', failure: undefined })
  })

  it('L14 is told as such even when the fetch rejects because of the abort', async () => {
    const cache = new BackgroundCache<string>({
      ttl: 60_000,
      fetchTimeout: '1s',
      fetch: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('socket closed')))),
    })
    const read = settlement(cache.get())
    await pass(1_000)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
    expect(cache.getSnapshot().failure).toMatchObject({ error: read.error, attempts: 1 })
  })

  it('L14 is told as such even when the fetch settles because of the abort', async () => {
    const cache = new BackgroundCache<string>({
      ttl: 60_000,
      fetchTimeout: '1s',
      fetch: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('rushed'))),
    })
    const read = settlement(cache.get())
    await pass(1_000)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
    expect(cache.peek()).toBeUndefined()
  })

  it('L14 is not seen by a reader who can be served', async () => {
    const { cache, call } = await cacheHolding<string>('held', { fetchTimeout: '1s' })
    await pass(45_000)
    await expect(cache.get()).resolves.toBe('held')
    await pass(1_000)
    await expect(cache.get()).resolves.toBe('held')
    expect(call(1).context.signal.aborted).toBe(true)
    expect(cache.inspect().lastError).toBeInstanceOf(FetchTimeoutError)
  })

  it('L14 gives a waiting reader the stale value where one may serve', async () => {
    const { cache } = await cacheHolding<string>('held', { fetchTimeout: '1s', staleIfError: '1m' })
    await pass(60_000)
    const read = settlement(cache.read())
    await pass(1_000)
    expect(read).toMatchObject({ state: 'fulfilled', value: { value: 'held', stale: true } })
  })

  it('L14 lets the queued refresh() go ahead', async () => {
    const { cache, fetch, call } = emptyCache({ fetchTimeout: '1s' })
    void settlement(cache.get())
    await flush()
    const renewal = settlement(cache.refresh())
    await pass(1_000)
    expect(fetch.calls).toHaveLength(2)
    call(1).resolve('renewed')
    await flush()
    expect(renewal.value).toBe('renewed')
  })

  it('L14 covers a schema that never answers', async () => {
    let validated = 0
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          validated++
          return new Promise<{ value: string }>(() => {})
        },
      },
    } as const
    const cache = new BackgroundCache<string>({ ttl: 60_000, fetchTimeout: '1s', schema, fetch: () => 'raw' })
    const read = settlement(cache.get())
    await pass(999)
    expect(validated).toBe(1)
    expect(read.state).toBe('pending')
    await pass(1)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
  })

  it('L14 counts the fetch and its schema together, and discards a late verdict', async () => {
    let answer: (result: { value: string }) => void = () => {}
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => new Promise<{ value: string }>((resolve) => (answer = resolve)),
      },
    } as const
    const cache = new BackgroundCache<string>({
      ttl: 60_000,
      fetchTimeout: '1s',
      schema,
      fetch: () => new Promise((resolve) => setTimeout(resolve, 600, 'raw')),
    })
    const read = settlement(cache.get())
    await pass(999)
    expect(read.state).toBe('pending')
    await pass(1)
    expect(read.error).toBeInstanceOf(FetchTimeoutError)
    answer({ value: 'late' })
    await flush()
    expect(cache.peek()).toBeUndefined()
    expect(cache.getSnapshot().failure?.attempts).toBe(1)
  })

  it('L14 is cancelled by a fetch that settles in time', async () => {
    const { cache, call } = await cacheHolding<string>('held', { fetchTimeout: '1s' })
    await pass(5_000)
    expect(call(0).context.signal.aborted).toBe(false)
    expect(cache.tryGet()).toBe('held')
    expect(cache.getSnapshot().failure).toBeUndefined()
  })
})
