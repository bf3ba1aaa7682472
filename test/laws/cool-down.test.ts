/** L12: how long a cool-down lasts, what ends it, and what an outage costs. */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, failBehind, type OneValue, type Options } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

/** A value whose refresh window lasts half an hour, at the start of that window. */
const longAging = async (options: Options<string> = {}): Promise<OneValue<string>> => {
  const one = await cacheHolding<string>('held', { ttl: '1h', refreshWindow: '30m', ...options })
  await pass(30 * 60_000)
  return one
}

describe('the length of a cool-down', () => {
  it.each([0, 0.25, 0.5, 0.75, 0.999_999])('L12 is between half the delay and the delay: random %d', async (drawn) => {
    const one = await longAging({ random: () => drawn })
    const failure = await failBehind(one, new Error('down'))
    const length = (failure?.nextAttemptAt ?? 0) - (failure?.at ?? 0)
    expect(length).toBeGreaterThanOrEqual(500)
    expect(length).toBeLessThanOrEqual(1_000)
    if (drawn === 0.5) expect(length).toBe(750)
  })

  it('L12 is drawn from the whole of that half', async () => {
    const lengths: number[] = []
    for (const drawn of [0, 0.999_999]) {
      const failure = await failBehind(await longAging({ random: () => drawn }), new Error('down'))
      lengths.push((failure?.nextAttemptAt ?? 0) - (failure?.at ?? 0))
    }
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeGreaterThanOrEqual(499)
  })

  it('L12 doubles with every failure up to its cap', async () => {
    const one = await longAging()
    const lengths: number[] = []
    for (let attempt = 1; attempt <= 9; attempt++) {
      const failure = await failBehind(one, new Error('down'))
      expect(failure?.attempts).toBe(attempt)
      lengths.push((failure?.nextAttemptAt ?? 0) - Date.now())
      await pass(60_000)
    }
    expect(lengths).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000])
  })

  it('L12 follows backoff.base and backoff.max', async () => {
    const one = await longAging({ backoff: { base: '100ms', max: '400ms' } })
    const lengths: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      const failure = await failBehind(one, new Error('down'))
      lengths.push((failure?.nextAttemptAt ?? 0) - Date.now())
      await pass(400)
    }
    expect(lengths).toEqual([75, 150, 300, 300])
  })

  it('L12 stays finite after a thousand failures', async () => {
    let down = false
    const cache = new BackgroundCache<string>({
      ttl: '1d',
      refreshWindow: '12h',
      backoff: { base: 2, max: 4 },
      random: () => 0.5,
      fetch: () => (down ? Promise.reject(new Error('down')) : 'held'),
    })
    await cache.get()
    await pass(43_200_000)
    down = true
    for (let attempt = 0; attempt < 1_100; attempt++) {
      await cache.get()
      await flush()
      vi.advanceTimersByTime(4)
    }
    const failure = cache.getSnapshot().failure
    expect(failure?.attempts).toBe(1_100)
    expect((failure?.nextAttemptAt ?? 0) - (failure?.at ?? 0)).toBe(3)
  })

  it('L12 ends at its millisecond', async () => {
    const one = await longAging()
    await failBehind(one, new Error('down'))
    await pass(749)
    await one.cache.get()
    await flush()
    expect(one.fetch.calls).toHaveLength(2)
    await pass(1)
    await one.cache.get()
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
  })

  it.each<[string, NonNullable<Options<string>['retryAfter']>, number, number]>([
    ['lengthens it', () => '10s', 10_000, 10_000],
    ['takes milliseconds too', () => 20_000, 20_000, 20_000],
    ['cannot shorten it', () => 10, 750, 750],
    ['has nothing to say', () => undefined, 750, 750],
    ['asks for five hours and gets one', () => '5h', 60_000, 3_600_000],
    ['returns NaN', () => Number.NaN, 750, 750],
    ['returns a negative number', () => -5_000, 750, 750],
    ['returns Infinity', () => Number.POSITIVE_INFINITY, 750, 3_600_000],
    ['returns nonsense', () => 'soon' as never, 750, 750],
  ])('L12 retryAfter %s', async (_, retryAfter, least, most) => {
    const one = await longAging({ retryAfter })
    const failure = await failBehind(one, new Error('429'))
    const length = (failure?.nextAttemptAt ?? 0) - (failure?.at ?? 0)
    expect(length).toBeGreaterThanOrEqual(least)
    expect(length).toBeLessThanOrEqual(most)
  })

  it('L12 retryAfter is told the error of the fetch', async () => {
    const retryAfter = vi.fn(() => undefined)
    const one = await longAging({ retryAfter })
    const error = { status: 429 }
    await failBehind(one, error)
    expect(retryAfter).toHaveBeenCalledWith(error)
  })

  it('L12 counts as at most five seconds while nothing is held', async () => {
    const { cache, fetch, call } = emptyCache({ backoff: { base: '1m' }, retryAfter: () => '1h' })
    const read = settlement(cache.get())
    await flush()
    call().reject(new Error('down'))
    await flush()
    expect(read.state).toBe('rejected')
    await pass(4_999)
    await expect(cache.get()).rejects.toThrow('down')
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    void settlement(cache.get())
    await flush()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L12 counts as at most five seconds once the held value has expired', async () => {
    const one = await cacheHolding<string>('held', { backoff: { base: '1m', max: '1m' }, staleIfError: '1h' })
    await pass(58_000)
    await failBehind(one, new Error('down'))
    await pass(1_999)
    await expect(one.cache.get()).resolves.toBe('held')
    await pass(3_000)
    await expect(one.cache.get()).resolves.toBe('held')
    expect(one.fetch.calls).toHaveLength(2)
    await pass(1)
    await expect(one.cache.get()).resolves.toBe('held')
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
  })
})

describe('what clears a cool-down', () => {
  const fail = async (one: OneValue<string>) => {
    await failBehind(one, new Error('down'))
    await pass(1_000)
    const failure = await failBehind(one, new Error('down'))
    expect(failure?.attempts).toBe(2)
  }

  it('L12 a success does, and the next one starts from the base', async () => {
    const one = await longAging()
    await fail(one)
    await pass(2_000)
    await one.cache.get()
    await flush()
    one.call().resolve('held')
    await flush()
    expect(one.cache.getSnapshot().failure).toBeUndefined()
    expect(one.cache.inspect().nextAttemptAt).toBeUndefined()
    await pass(30 * 60_000)
    expect(await failBehind(one, new Error('down'))).toMatchObject({ attempts: 1, nextAttemptAt: Date.now() + 750 })
  })

  it('L12 a refresh() does not wait for it, and its success clears it', async () => {
    const one = await longAging()
    await fail(one)
    const renewal = one.cache.refresh()
    await flush()
    expect(one.fetch.calls).toHaveLength(4)
    one.call().resolve('next')
    await expect(renewal).resolves.toBe('next')
    expect(one.cache.getSnapshot().failure).toBeUndefined()
  })

  it('L12 a result found unmodified does', async () => {
    const one = await longAging()
    await fail(one)
    const renewal = one.cache.refresh()
    await flush()
    one.call().resolve(one.call().context.notModified())
    await renewal
    expect(one.cache.getSnapshot().failure).toBeUndefined()
  })

  it('L12 set() does', async () => {
    const one = await longAging()
    await fail(one)
    one.cache.set('given')
    expect(one.cache.getSnapshot().failure).toBeUndefined()
    expect(one.cache.inspect().nextAttemptAt).toBeUndefined()
    one.cache.invalidate()
    void settlement(one.cache.get())
    await flush()
    expect(one.fetch.calls).toHaveLength(4)
  })

  it('L12 a fetch that was superseded does not, neither by failing nor by succeeding', async () => {
    const one = await longAging()
    await one.cache.get()
    await flush()
    one.cache.invalidate()
    one.call(1).reject(new Error('old'))
    await flush()
    expect(one.cache.getSnapshot().failure).toBeUndefined()
    void settlement(one.cache.get())
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
    one.cache.invalidate()
    void settlement(one.cache.get())
    await flush()
    one.call(3).reject(new Error('new'))
    await flush()
    one.call(2).resolve('old')
    await flush()
    expect(one.cache.getSnapshot().failure).toMatchObject({ error: new Error('new'), attempts: 1 })
  })

  it('L12 a failing refresh() lengthens it', async () => {
    const one = await longAging()
    await failBehind(one, new Error('down'))
    const renewal = settlement(one.cache.refresh())
    await flush()
    one.call().reject(new Error('still down'))
    await flush()
    expect(renewal.error).toEqual(new Error('still down'))
    expect(one.cache.getSnapshot().failure).toMatchObject({ attempts: 2, nextAttemptAt: Date.now() + 1_500 })
  })
})

describe('backoff: false', () => {
  it('L12 lets every read of an empty cache try', async () => {
    const { cache, fetch, call } = emptyCache({ backoff: false })
    for (let attempt = 1; attempt <= 10; attempt++) {
      const read = settlement(cache.get())
      await flush()
      expect(fetch.calls).toHaveLength(attempt)
      call().reject(new Error('down'))
      await flush()
      expect(read.state).toBe('rejected')
    }
  })

  it('L12 lets every read of an aging value try, one at a time', async () => {
    const one = await longAging({ backoff: false })
    for (let attempt = 1; attempt <= 5; attempt++) {
      await one.cache.get()
      await one.cache.get()
      await flush()
      expect(one.fetch.calls).toHaveLength(attempt + 1)
      one.call().reject(new Error('down'))
      await flush()
    }
  })

  it('L12 keepFresh() waits a second between attempts all the same', async () => {
    let attempts = 0
    const cache = new BackgroundCache<string>({
      ttl: 60_000,
      backoff: false,
      fetch: () => {
        attempts++
        throw new Error('down')
      },
    })
    const release = cache.keepFresh()
    await flush()
    expect(attempts).toBe(1)
    await pass(999)
    expect(attempts).toBe(1)
    await pass(1)
    expect(attempts).toBe(2)
    await pass(10_000)
    expect(attempts).toBe(12)
    release()
  })
})

describe('an outage', () => {
  /** Reads every millisecond for a minute; `held` before the source went down, or nothing. */
  const minute = async (options: Options<string>, held: boolean) => {
    let calls = 0
    let down = !held
    const errors: unknown[] = []
    const values = new Set<string>()
    const Cache = BackgroundCache as unknown as new (options: object) => BackgroundCache<string>
    const cache = new Cache({
      ...options,
      fetch: () => {
        calls++
        return down ? Promise.reject(new Error('down')) : 'held'
      },
    })
    if (held) {
      await cache.get()
      down = true
      await pass(30 * 60_000)
    }
    calls = 0
    for (let read = 0; read < 60_000; read++) {
      cache.get().then(
        (value) => values.add(value),
        (error: unknown) => errors.push(error),
      )
      await Promise.resolve()
      vi.advanceTimersByTime(1)
    }
    await flush()
    return { calls, errors, values: [...values] }
  }

  it.each([0, 0.5, 0.999])('L12 of a minute costs at most a dozen fetches and no read: random %d', async (drawn) => {
    const { calls, errors, values } = await minute({ ttl: '1h', refreshWindow: '30m', random: () => drawn }, true)
    expect(calls).toBeLessThanOrEqual(12)
    expect(calls).toBeGreaterThanOrEqual(5)
    expect(errors).toEqual([])
    expect(values).toEqual(['held'])
  })

  it.each([0, 0.5, 0.999])(
    'L12 of a minute costs at most 25 fetches while nothing is held: random %d',
    async (drawn) => {
      const { calls, errors } = await minute({ ttl: '1h', random: () => drawn }, false)
      expect(calls).toBeLessThanOrEqual(25)
      expect(calls).toBeGreaterThanOrEqual(12)
      expect(errors).toHaveLength(60_000)
    },
  )

  it('L12 of a minute costs no read while a stale value may serve', async () => {
    const options = { ttl: '30m', refreshWindow: '10m', staleIfError: '1h', random: () => 0.5 } as const
    const { calls, errors, values } = await minute(options, true)
    expect(calls).toBeLessThanOrEqual(25)
    expect(errors).toEqual([])
    expect(values).toEqual(['held'])
  })

  it.each([
    ['a value is held', true],
    ['none is', false],
  ])('L12 ten reads in a row cost one fetch while %s', async (_, held) => {
    const { cache, fetch, call } = held ? await longAging() : emptyCache()
    const before = fetch.calls.length
    for (let read = 0; read < 10; read++) {
      const result = settlement(cache.get())
      await flush()
      if (!call().settled) call().reject(new Error('down'))
      await flush()
      expect(result.state).toBe(held ? 'fulfilled' : 'rejected')
    }
    expect(fetch.calls.length - before).toBe(1)
  })

  it('L12 ten reads at once cost one fetch and share its error', async () => {
    const { cache, fetch, call } = emptyCache()
    const reads = Array.from({ length: 10 }, () => settlement(cache.get()))
    await flush()
    const error = new Error('down')
    call().reject(error)
    await flush()
    expect(fetch.calls).toHaveLength(1)
    for (const read of reads) expect(read.error).toBe(error)
  })

  it('L12 keepFresh() counts as a read and costs no more', async () => {
    let calls = 0
    let down = false
    const cache = new BackgroundCache<string>({
      ttl: '1h',
      refreshWindow: '30m',
      random: () => 0.5,
      fetch: () => {
        calls++
        return down ? Promise.reject(new Error('down')) : 'held'
      },
    })
    const release = cache.keepFresh()
    await flush()
    down = true
    calls = 0
    await pass(30 * 60_000)
    expect(calls).toBe(1)
    await pass(750)
    expect(calls).toBe(2)
    await pass(59_250)
    expect(calls).toBeLessThanOrEqual(12)
    expect(calls).toBeGreaterThanOrEqual(6)
    expect(cache.peek()).toBe('held')
    release()
  })
})
