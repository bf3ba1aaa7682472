/** L22 as an async iterator: values(). */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

const done = { done: true, value: undefined }

describe('values()', () => {
  it('L22 begins at the first next()', async () => {
    const { cache, fetch, call } = emptyCache()
    const values = cache.values()
    await pass(60_000)
    expect(fetch.calls).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
    const first = settlement(values.next())
    await flush()
    expect(fetch.calls).toHaveLength(1)
    call().resolve('one')
    await flush()
    expect(first.value).toEqual({ done: false, value: 'one' })
    await values.return?.()
  })

  it.each([
    ['fresh', 10_000],
    ['aging', 45_000],
  ])('L22 gives a %s value at once', async (_, age) => {
    const { cache } = await cacheHolding<string>('one')
    await pass(age)
    const values = cache.values()
    await expect(values.next()).resolves.toEqual({ done: false, value: 'one' })
    await values.return?.()
  })

  it.each([
    ['expired', (cache: BackgroundCache<string>) => pass(60_000).then(() => cache)],
    ['told to expire', async (cache: BackgroundCache<string>) => cache.expire()],
    ['invalidated', async (cache: BackgroundCache<string>) => cache.invalidate()],
  ])('L22 does not begin with a value that was %s', async (_, act) => {
    const { cache, call } = await cacheHolding<string>('one')
    await act(cache)
    const values = cache.values()
    const next = settlement(values.next())
    await flush()
    expect(next.state).toBe('pending')
    call().resolve('two')
    await flush()
    expect(next.value).toEqual({ done: false, value: 'two' })
    await values.return?.()
  })

  it('L22 waits for the next change', async () => {
    const { cache } = await cacheHolding<string>('one')
    const values = cache.values()
    await values.next()
    const next = settlement(values.next())
    await flush()
    expect(next.state).toBe('pending')
    cache.set('two')
    await flush()
    expect(next.value).toEqual({ done: false, value: 'two' })
    await values.return?.()
  })

  it('L22 keeps only the latest', async () => {
    const { cache } = await cacheHolding<string>('one')
    const values = cache.values()
    await values.next()
    for (const value of ['two', 'three', 'four']) {
      cache.set(value)
      await flush()
    }
    await expect(values.next()).resolves.toEqual({ done: false, value: 'four' })
    const next = settlement(values.next())
    await flush()
    expect(next.state).toBe('pending')
    await values.return?.()
  })

  it('L22 keeps fresh between two calls of next()', async () => {
    let calls = 0
    const cache = new BackgroundCache<number>({ ttl: 60_000, refreshWindow: 20_000, fetch: () => ++calls })
    const values = cache.values()
    await values.next()
    await pass(125_000)
    expect(calls).toBe(4)
    await expect(values.next()).resolves.toEqual({ done: false, value: 4 })
    await values.return?.()
    await pass(600_000)
    expect(calls).toBe(4)
  })

  it('L17 hears nothing of a value found unmodified', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const values = cache.values()
    await values.next()
    const next = settlement(values.next())
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    call().resolve(call().context.notModified())
    await flush()
    expect(next.state).toBe('pending')
    await values.return?.()
  })

  it('L22 rides out a failure', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      const values = cache.values()
      const next = settlement(values.next())
      await flush()
      call().reject(new Error('down'))
      await pass(750)
      expect(next.state).toBe('pending')
      call().resolve('one')
      await flush()
      expect(next.value).toEqual({ done: false, value: 'one' })
      await values.return?.()
    })
    expect(unhandled).toEqual([])
  })

  it('L22 ends with return(), which releases its hold', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const values = cache.values()
    await values.next()
    expect(vi.getTimerCount()).toBe(1)
    await expect(values.return?.()).resolves.toMatchObject({ done: true })
    expect(vi.getTimerCount()).toBe(0)
    await expect(values.next()).resolves.toEqual(done)
    await pass(600_000)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L22 ends a waiting next() with return()', async () => {
    const { cache } = await cacheHolding<string>('one')
    const values = cache.values()
    await values.next()
    const next = settlement(values.next())
    await flush()
    void values.return?.()
    await flush()
    expect(next.value).toEqual(done)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 never begins when return() comes first', async () => {
    const { cache, fetch } = emptyCache()
    const values = cache.values()
    await values.return?.()
    await expect(values.next()).resolves.toEqual(done)
    expect(fetch.calls).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 ends with a break', async () => {
    let calls = 0
    const cache = new BackgroundCache<number>({ ttl: 60_000, refreshWindow: 20_000, fetch: () => ++calls })
    const seen: number[] = []
    const loop = (async () => {
      for await (const value of cache.values()) {
        seen.push(value)
        if (value === 2) break
      }
    })()
    await pass(40_000)
    await loop
    expect(seen).toEqual([1, 2])
    expect(vi.getTimerCount()).toBe(0)
    await pass(600_000)
    expect(calls).toBe(2)
  })

  it('L22 ends with a throw in the loop', async () => {
    const { cache } = await cacheHolding<string>('one')
    const loop = (async () => {
      for await (const value of cache.values()) throw new Error(value)
    })()
    await expect(loop).rejects.toThrow('one')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 answers concurrent calls of next() in their order', async () => {
    const { cache } = emptyCache()
    const values = cache.values()
    const nexts = [settlement(values.next()), settlement(values.next()), settlement(values.next())]
    await flush()
    cache.set('one')
    await flush()
    expect(nexts.map(({ state }) => state)).toEqual(['fulfilled', 'pending', 'pending'])
    cache.set('two')
    await flush()
    expect(nexts.map(({ value }) => value?.value)).toEqual(['one', 'two', undefined])
    cache.dispose()
    await flush()
    expect(nexts[2]?.value).toEqual(done)
  })

  it('L22 is ended by dispose()', async () => {
    const { cache } = await cacheHolding<string>('one')
    const loop = (async () => {
      const seen: string[] = []
      for await (const value of cache.values()) seen.push(value)
      return seen
    })()
    await flush()
    cache.dispose()
    await expect(loop).resolves.toEqual(['one'])
    await expect(cache.values().next()).resolves.toEqual(done)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 iterators are independent of one another and share one fetch', async () => {
    const { cache, fetch, call } = emptyCache()
    const [a, b] = [cache.values(), cache.values()]
    const firsts = [settlement(a.next()), settlement(b.next())]
    await flush()
    expect(fetch.calls).toHaveLength(1)
    call().resolve('one')
    await flush()
    expect(firsts.map(({ value }) => value?.value)).toEqual(['one', 'one'])
    await a.return?.()
    expect(vi.getTimerCount()).toBe(1)
    cache.set('two')
    await expect(b.next()).resolves.toEqual({ done: false, value: 'two' })
    await b.return?.()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 is its own iterable', () => {
    const { cache } = emptyCache()
    const values = cache.values()
    expect(values[Symbol.asyncIterator]()).toBe(values)
  })

  it.each([null, 0, '', false])('L22 gives %s', async (value) => {
    const { cache } = emptyCache<unknown>()
    cache.set(value)
    const values = cache.values()
    await expect(values.next()).resolves.toEqual({ done: false, value })
    await values.return?.()
  })
})
