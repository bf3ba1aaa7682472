/** L10: rejecting one value, telling it to expire, and what neither of them forgives. */
import { ValueRejectedError } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

interface Token {
  readonly id: number
}

useFakeTime()

/** Reads, answers the fetch this starts, and returns what was read. */
const fetched = async <V>({ cache, fetch, call }: OneValue<V>, value: V): Promise<V> => {
  const before = fetch.calls.length
  const read = cache.get()
  await flush()
  expect(fetch.calls.length).toBe(before + 1)
  call().resolve(value)
  return read
}

/** Starts a refresh behind a reader and lets it fail. */
const failBehind = async ({ cache, call }: OneValue<string>, error: unknown) => {
  await cache.get()
  await flush()
  call().reject(error)
  await flush()
}

describe('invalidate({ ifValue })', () => {
  it('L10 drops the value when it is exactly the held one', async () => {
    const token: Token = { id: 1 }
    const { cache, fetch } = await cacheHolding(token)
    expect(cache.invalidate({ ifValue: token })).toBe(true)
    expect(cache.peek()).toBeUndefined()
    expect(cache.tryGet()).toBeUndefined()
    void cache.get()
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(fetch.calls[1]?.previous).toBeUndefined()
  })

  it('L10 leaves a newer value alone and says so', async () => {
    const old: Token = { id: 1 }
    const { cache, fetch } = await cacheHolding(old)
    const newer: Token = { id: 2 }
    cache.set(newer)
    const { generation } = cache.inspect()
    expect(cache.invalidate({ ifValue: old })).toBe(false)
    expect(cache.tryGet()).toBe(newer)
    expect(cache.inspect().generation).toBe(generation)
    await expect(cache.get()).resolves.toBe(newer)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L10 does not take a twin for the held value', async () => {
    const { cache } = await cacheHolding<Token>({ id: 1 })
    expect(cache.invalidate({ ifValue: { id: 1 } })).toBe(false)
    expect(cache.peek()).toEqual({ id: 1 })
  })

  it('L10 answers false while nothing is held', () => {
    const { cache } = emptyCache<Token>()
    expect(cache.invalidate({ ifValue: { id: 1 } })).toBe(false)
  })

  it('L10 goes by what is held, not by an equal result that was not kept', async () => {
    const held: Token = { id: 1 }
    const { cache, call } = await cacheHolding<Token>(held, { equals: (next, previous) => next.id === previous.id })
    const renewal = cache.refresh()
    await flush()
    const twin: Token = { id: 1 }
    call().resolve(twin)
    await expect(renewal).resolves.toBe(held)
    expect(cache.invalidate({ ifValue: twin })).toBe(false)
    expect(cache.invalidate({ ifValue: held })).toBe(true)
  })

  it('L10 a miss leaves the fetch in the air its slot', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    await pass(45_000)
    await cache.get()
    expect(fetch.calls).toHaveLength(2)
    expect(cache.invalidate({ ifValue: 'other' })).toBe(false)
    call().resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
  })

  it('L10 a hit takes the slot from the fetch in the air', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    await pass(45_000)
    await cache.get()
    expect(cache.invalidate({ ifValue: 'one' })).toBe(true)
    const read = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(3)
    call(1).resolve('one again')
    await flush()
    expect(read.state).toBe('pending')
    expect(cache.peek()).toBeUndefined()
    call(2).resolve('two')
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'two' })
  })

  it('L10 a stale value that serves on can be rejected too', async () => {
    const one = await cacheHolding('one', { staleIfError: '5m' })
    await pass(60_000)
    const stale = one.cache.get()
    await flush()
    one.call().reject(new Error('down'))
    await expect(stale).resolves.toBe('one')
    expect(one.cache.invalidate({ ifValue: 'one' })).toBe(true)
    await expect(one.cache.get()).rejects.toThrow('down')
  })
})

describe('a rejected value', () => {
  it('L10 costs one fetch at once when it is the first', async () => {
    const one = await cacheHolding('one')
    one.cache.invalidate({ ifValue: 'one' })
    expect(one.cache.getSnapshot().failure).toBeUndefined()
    await expect(fetched(one, 'two')).resolves.toBe('two')
  })

  it('L10 counts as a failed fetch when it is young and follows another rejection', async () => {
    const one = await cacheHolding('one')
    one.cache.invalidate({ ifValue: 'one' })
    await fetched(one, 'two')
    expect(one.cache.invalidate({ ifValue: 'two' })).toBe(true)
    const { failure } = one.cache.getSnapshot()
    expect(failure?.error).toBeInstanceOf(ValueRejectedError)
    expect(failure?.attempts).toBe(1)
    expect(one.events.filter(({ kind }) => kind === 'fetch-failed')).toMatchObject([{ error: failure?.error }])
    const error = await one.cache.get().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ValueRejectedError)
    expect(error).toMatchObject({ code: 'VALUE_REJECTED' })
    expect(one.fetch.calls).toHaveLength(2)
    await pass(1_000)
    await expect(fetched(one, 'three')).resolves.toBe('three')
  })

  it.each([
    ['the default of a minute', {}, 60_000],
    ['its own', { backoff: { max: '5s' } } as const, 5_000],
  ])('L10 is not punished when it was held for backoff.max, %s', async (_, options, max) => {
    const one = await cacheHolding('one', { ttl: '1h', refreshWindow: '1m', ...options })
    one.cache.invalidate({ ifValue: 'one' })
    await fetched(one, 'two')
    await pass(max)
    expect(one.cache.invalidate({ ifValue: 'two' })).toBe(true)
    expect(one.cache.getSnapshot().failure).toBeUndefined()
    await expect(fetched(one, 'three')).resolves.toBe('three')
  })

  it('L10 is punished one millisecond earlier', async () => {
    const one = await cacheHolding('one', { ttl: '1h', refreshWindow: '1m', backoff: { max: '5s' } })
    one.cache.invalidate({ ifValue: 'one' })
    await fetched(one, 'two')
    await pass(4_999)
    one.cache.invalidate({ ifValue: 'two' })
    await expect(one.cache.get()).rejects.toBeInstanceOf(ValueRejectedError)
    expect(one.fetch.calls).toHaveLength(2)
  })

  it('L10 a rejection a day after the last one is not punished', async () => {
    const one = await cacheHolding('one', { ttl: '7d', refreshWindow: '1h' })
    one.cache.invalidate({ ifValue: 'one' })
    await fetched(one, 'two')
    await pass(86_400_000)
    one.cache.invalidate({ ifValue: 'two' })
    await expect(fetched(one, 'three')).resolves.toBe('three')
  })

  it('L10 a permanent 401 does not hammer the issuer', async () => {
    let issued = 0
    const { cache } = emptyCache<Token>({ ttl: '1h', refreshWindow: '1m' })
    const fetch = () => ({ id: ++issued })
    for (let elapsed = 0; elapsed < 60_000; elapsed += 50) {
      const token = await cache.get(fetch).catch(() => undefined)
      if (token !== undefined) cache.invalidate({ ifValue: token })
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(issued).toBeGreaterThan(2)
    expect(issued).toBeLessThanOrEqual(85)
  })

  it('L10 starts no cool-down when there is none', async () => {
    const one = await cacheHolding('one', { backoff: false })
    one.cache.invalidate({ ifValue: 'one' })
    await fetched(one, 'two')
    one.cache.invalidate({ ifValue: 'two' })
    await expect(fetched(one, 'three')).resolves.toBe('three')
  })
})

describe('expire()', () => {
  it('L10 makes the next read wait for a new value', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    cache.expire()
    expect(cache.peek()).toBeUndefined()
    expect(cache.tryGet()).toBeUndefined()
    const reads = [settlement(cache.get()), settlement(cache.get())]
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(reads.map(({ state }) => state)).toEqual(['pending', 'pending'])
    expect(call().previous?.value).toBe('one')
    expect(call().context.reason).toBe('expired')
    call().resolve('two')
    await flush()
    expect(reads.map(({ value }) => value)).toEqual(['two', 'two'])
    expect(cache.tryGet()).toBe('two')
  })

  it('L10 does not fetch by itself', async () => {
    const { cache, fetch } = await cacheHolding('one')
    cache.expire()
    await pass(1_000)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L10 serves the value on, as stale, when that fetch fails', async () => {
    const { cache, call, events } = await cacheHolding('one')
    cache.expire()
    const read = cache.read()
    await flush()
    call().reject(new Error('down'))
    await expect(read).resolves.toMatchObject({ value: 'one', stale: true })
    expect(events.map(({ kind }) => kind)).toContain('served-stale')
    expect(cache.peek()).toBeUndefined()
    expect(cache.tryGet()).toBeUndefined()
  })

  it('L10 serves at once, without a fetch, while the cool-down of that failure runs', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    cache.expire()
    const read = cache.get()
    await flush()
    call().reject(new Error('down'))
    await read
    for (let reads = 0; reads < 10; reads++) await expect(cache.get()).resolves.toBe('one')
    expect(fetch.calls).toHaveLength(2)
  })

  it('L10 makes readers wait once: later attempts run behind them', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    cache.expire()
    const read = cache.get()
    await flush()
    call().reject(new Error('down'))
    await read
    await pass(1_000)
    await expect(cache.get()).resolves.toBe('one')
    expect(fetch.calls).toHaveLength(3)
    call().resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
  })

  it('L10 makes a read wait again after earlier failures', async () => {
    const one = await cacheHolding('one')
    await pass(41_000)
    await failBehind(one, new Error('down'))
    await pass(1_000)
    one.cache.expire()
    const read = settlement(one.cache.get())
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
    expect(read.state).toBe('pending')
    one.call().resolve('two')
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'two' })
  })

  it('L10 makes a read wait again when it was told twice', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    cache.expire()
    const first = cache.get()
    await flush()
    call().reject(new Error('down'))
    await first
    await pass(1_000)
    cache.expire()
    const second = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(3)
    expect(second.state).toBe('pending')
    call().reject(new Error('still down'))
    await flush()
    expect(second).toMatchObject({ state: 'fulfilled', value: 'one' })
  })

  it('L10 serves the value on when the cool-down forbids the fetch', async () => {
    const one = await cacheHolding('one')
    await pass(41_000)
    await failBehind(one, new Error('down'))
    one.cache.expire()
    await expect(one.cache.read()).resolves.toMatchObject({ value: 'one', stale: true })
    expect(one.fetch.calls).toHaveLength(2)
  })

  it('L10 serves the value on when a reader has waited long enough, and the fetch goes on', async () => {
    const { cache, call } = await cacheHolding('one')
    cache.expire()
    const patient = settlement(cache.get())
    const hurried = settlement(cache.read({ maxWait: 200 }))
    await pass(199)
    expect(hurried.state).toBe('pending')
    await pass(1)
    expect(hurried).toMatchObject({ state: 'fulfilled', value: { value: 'one', stale: true } })
    expect(patient.state).toBe('pending')
    call().resolve('two')
    await flush()
    expect(patient.value).toBe('two')
    expect(cache.tryGet()).toBe('two')
  })

  it.each([
    ['its natural expiry', 0, 60_000],
    ['its natural expiry plus staleIfError', 30_000, 90_000],
  ])('L10 lets it serve until %s and no longer', async (_, staleIfError, end) => {
    const { cache, fetch, call } = await cacheHolding('one', { staleIfError, backoff: { base: '10s' } })
    const { expiresAt } = cache.getSnapshot()
    await pass(10_000)
    cache.expire()
    await pass(end - 11_000)
    const read = cache.get()
    await flush()
    call().reject(new Error('down'))
    await expect(read).resolves.toBe('one')
    await pass(999)
    await expect(cache.read()).resolves.toMatchObject({ value: 'one', stale: true, expiresAt })
    await pass(1)
    await expect(cache.get()).rejects.toThrow('down')
    expect(fetch.calls).toHaveLength(2)
  })

  it.each([
    ['without staleIfError', 0],
    ['with it', 30_000],
  ])('L10 refuses the value at its end, %s', async (_, staleIfError) => {
    const { cache, call } = await cacheHolding('one', { staleIfError })
    cache.expire()
    const waiting = cache.get()
    await flush()
    call().reject(new Error('down'))
    await waiting
    await pass(60_000 + staleIfError)
    const read = settlement(cache.get())
    await flush()
    expect(read.state).toBe('pending')
    call().reject(new Error('still down'))
    await flush()
    expect(read).toMatchObject({ state: 'rejected', error: new Error('still down') })
  })

  it('L10 gives a value that had expired by itself no second life', async () => {
    const { cache, call } = await cacheHolding('one')
    await pass(60_000)
    cache.expire()
    const read = settlement(cache.get())
    await flush()
    call().reject(new Error('down'))
    await flush()
    expect(read.state).toBe('rejected')
  })

  it('L10 the fetch in the air keeps the readers it had and loses the slot', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    const before = settlement(cache.refresh())
    await flush()
    cache.expire()
    const after = settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(3)
    call(1).resolve('read before')
    await flush()
    expect(after.state).toBe('pending')
    expect(cache.peek()).toBeUndefined()
    call(2).resolve('read after')
    await flush()
    expect(after.value).toBe('read after')
    expect(before.state).toBe('fulfilled')
    expect(cache.tryGet()).toBe('read after')
  })

  it('L10 a value found unmodified is current again', async () => {
    const token: Token = { id: 1 }
    const { cache, call } = await cacheHolding<Token>(token)
    cache.expire()
    const read = cache.get()
    await flush()
    call().resolve(call().context.notModified())
    await expect(read).resolves.toBe(token)
    expect(cache.tryGet()).toBe(token)
    await expect(cache.read()).resolves.toMatchObject({ stale: false })
  })

  it('L10 an equal result makes the held one current again', async () => {
    const token: Token = { id: 1 }
    const { cache, call } = await cacheHolding<Token>(token, { equals: (next, held) => next.id === held.id })
    cache.expire()
    const read = cache.get()
    await flush()
    call().resolve({ id: 1 })
    await expect(read).resolves.toBe(token)
    expect(cache.tryGet()).toBe(token)
  })

  it('L10 set() ends it', async () => {
    const { cache, fetch } = await cacheHolding('one')
    cache.expire()
    cache.set('two')
    await expect(cache.read()).resolves.toMatchObject({ value: 'two', stale: false })
    expect(fetch.calls).toHaveLength(1)
  })

  it('L10 leaves an empty cache empty', async () => {
    const { cache, fetch } = emptyCache()
    cache.expire()
    expect(cache.getSnapshot().status).toBe('empty')
    const read = cache.get()
    await flush()
    expect(fetch.calls[0]?.context.reason).toBe('first')
    fetch.calls[0]?.resolve('one')
    await expect(read).resolves.toBe('one')
  })
})

describe('the cool-down', () => {
  it.each([
    ['invalidate()', (one: OneValue<string>) => void one.cache.invalidate()],
    ['expire()', (one: OneValue<string>) => one.cache.expire()],
  ])('L10 %s does not clear it while nothing is held', async (_, act) => {
    const one = emptyCache()
    const failed = settlement(one.cache.get())
    await flush()
    one.call().reject(new Error('down'))
    await flush()
    expect(failed.state).toBe('rejected')
    act(one)
    await expect(one.cache.get()).rejects.toThrow('down')
    expect(one.fetch.calls).toHaveLength(1)
    expect(one.cache.inspect().nextAttemptAt).toBe(Date.now() + 750)
  })

  it('L10 outlives invalidate() when a value was held', async () => {
    const one = await cacheHolding('one')
    await pass(41_000)
    await failBehind(one, new Error('down'))
    one.cache.invalidate()
    expect(one.cache.peek()).toBeUndefined()
    await expect(one.cache.get()).rejects.toThrow('down')
    expect(one.fetch.calls).toHaveLength(2)
    await pass(750)
    await expect(fetched(one, 'two')).resolves.toBe('two')
  })

  it('L10 counts as five seconds once the value was dropped', async () => {
    const one = await cacheHolding('one', { backoff: { base: '1m', max: '1m' } })
    await pass(41_000)
    await failBehind(one, new Error('down'))
    one.cache.invalidate()
    await pass(4_999)
    await expect(one.cache.get()).rejects.toThrow('down')
    expect(one.fetch.calls).toHaveLength(2)
    await pass(1)
    await expect(fetched(one, 'two')).resolves.toBe('two')
  })
})
