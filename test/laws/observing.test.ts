/** L22: who only looks, and who keeps a value fresh. */
import { BackgroundCache, type PerCallCache, type Snapshot } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

describe('subscribe() and getSnapshot()', () => {
  it('L22 only observe: no fetch, no timer, no call at once', async () => {
    const { cache, fetch } = emptyCache()
    const heard: unknown[] = []
    cache.subscribe((snapshot) => {
      heard.push(snapshot)
    })
    cache.getSnapshot()
    await pass(3_600_000)
    expect(fetch.calls).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
    expect(heard).toEqual([])
  })

  it('L22 do not refresh a value that ages and expires', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    cache.subscribe(() => {})
    await pass(3_600_000)
    cache.getSnapshot()
    expect(fetch.calls).toHaveLength(1)
  })

  it('L22 work detached', async () => {
    const { cache, call } = emptyCache()
    const { subscribe, getSnapshot } = cache
    const heard: Snapshot<string>[] = []
    const unsubscribe = subscribe((snapshot) => {
      heard.push(snapshot)
    })
    void settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    expect(getSnapshot()).toBe(cache.getSnapshot())
    expect(heard.at(-1)).toBe(getSnapshot())
    unsubscribe()
    cache.set('two')
    expect(heard.at(-1)?.value).toBe('one')
    expect(getSnapshot().value).toBe('two')
  })

  it('L22 give the same snapshot until something changes', async () => {
    const { cache, call } = emptyCache()
    const seen = new Set<Snapshot<string>>()
    const look = () => {
      const snapshot = cache.getSnapshot()
      expect(cache.getSnapshot()).toBe(snapshot)
      seen.add(snapshot)
    }
    look()
    void settlement(cache.get())
    void settlement(cache.get())
    await flush()
    look()
    await pass(5_000)
    look()
    call().resolve('one')
    await flush()
    look()
    await pass(30_000)
    await cache.get()
    look()
    cache.tryGet()
    cache.peek()
    cache.inspect()
    await pass(600_000)
    look()
    expect([...seen].map(({ status }) => status)).toEqual(['empty', 'refreshing', 'current'])
  })

  it('L22 give every variant every key', async () => {
    const { cache, call } = emptyCache()
    const none = { value: undefined, fetchedAt: undefined, expiresAt: undefined }
    expect(cache.getSnapshot()).toStrictEqual({ status: 'empty', ...none, failure: undefined })
    void settlement(cache.get())
    await flush()
    expect(cache.getSnapshot()).toStrictEqual({ status: 'refreshing', ...none, failure: undefined })
    const error = new Error('down')
    call().reject(error)
    await flush()
    const failure = { error, at: Date.now(), attempts: 1, nextAttemptAt: Date.now() + 750 }
    expect(cache.getSnapshot()).toStrictEqual({ status: 'empty', ...none, failure })
    await pass(1_000)
    void settlement(cache.get())
    await flush()
    expect(cache.getSnapshot()).toStrictEqual({ status: 'refreshing', ...none, failure })
    const fetchedAt = Date.now()
    call().resolve('one')
    await flush()
    const held = { value: 'one', fetchedAt, expiresAt: fetchedAt + 60_000 }
    expect(cache.getSnapshot()).toStrictEqual({ status: 'current', ...held, failure: undefined })
    await pass(45_000)
    await cache.get()
    await flush()
    expect(cache.getSnapshot()).toStrictEqual({ status: 'refreshing', ...held, failure: undefined })
    call().reject(error)
    await flush()
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', ...held, failure: { error, attempts: 1 } })
    cache.dispose()
    expect(cache.getSnapshot()).toStrictEqual({ status: 'disposed', ...none, failure: undefined })
  })

  it('L22 tell once of each change', async () => {
    const { cache, call } = emptyCache()
    const heard: Snapshot<string>[] = []
    cache.subscribe((snapshot) => {
      heard.push(snapshot)
    })
    void settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    cache.set('two')
    cache.invalidate()
    expect(heard.map(({ status, value }) => `${status} ${value}`)).toEqual([
      'refreshing undefined',
      'current one',
      'current two',
      'empty undefined',
    ])
    expect(new Set(heard).size).toBe(heard.length)
  })
})

describe('keepFresh()', () => {
  it('L22 fetches at once when nothing is held', async () => {
    const { cache, fetch, call } = emptyCache()
    const release = cache.keepFresh()
    await flush()
    expect(fetch.calls).toHaveLength(1)
    call().resolve('one')
    await flush()
    expect(cache.tryGet()).toBe('one')
    release()
  })

  it.each([
    ['has expired', async (one: Awaited<ReturnType<typeof cacheHolding<string>>>) => pass(60_000).then(() => one)],
    ['was told to expire', async (one: Awaited<ReturnType<typeof cacheHolding<string>>>) => one.cache.expire()],
  ])('L22 fetches at once when what is held %s', async (_, act) => {
    const one = await cacheHolding<string>('one')
    await act(one)
    const release = one.cache.keepFresh()
    await flush()
    expect(one.fetch.calls).toHaveLength(2)
    release()
  })

  it('L22 waits for the window when a fresh value is held, and goes on by timer', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const release = cache.keepFresh()
    await pass(39_999)
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    expect(fetch.calls).toHaveLength(2)
    expect(call().context.reason).toBe('keep-fresh')
    call().resolve('two')
    await pass(39_999)
    expect(fetch.calls).toHaveLength(2)
    await pass(1)
    expect(fetch.calls).toHaveLength(3)
    release()
  })

  it('L22 keeps tryGet() answered for hours', async () => {
    let calls = 0
    const cache = new BackgroundCache<number>({ ttl: 60_000, refreshWindow: 20_000, fetch: () => ++calls })
    const release = cache.keepFresh()
    await flush()
    for (let minute = 0; minute < 180; minute++) {
      await pass(60_000)
      expect(cache.tryGet()).toBe(calls)
    }
    expect(calls).toBe(1 + 180 * 1.5)
    release()
  })

  it('L22 held by many is one timer and one fetch', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const releases = [cache.keepFresh(), cache.keepFresh(), cache.keepFresh()]
    await flush()
    expect(vi.getTimerCount()).toBe(1)
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    for (const release of releases) release()
  })

  it('L22 lasts until the last hold is released, and a hold can be released once', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const [first, second] = [cache.keepFresh(), cache.keepFresh()]
    first()
    first()
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    fetch.calls[1]?.resolve('two')
    await flush()
    second()
    expect(vi.getTimerCount()).toBe(0)
    await pass(600_000)
    expect(fetch.calls).toHaveLength(2)
  })

  it('L22 released during a fetch leaves the fetch its end', async () => {
    const { cache, fetch, call } = emptyCache()
    const release = cache.keepFresh()
    await flush()
    release()
    expect(call().context.signal.aborted).toBe(false)
    call().resolve('one')
    await flush()
    expect(cache.tryGet()).toBe('one')
    await pass(600_000)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L22 can be held again', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    cache.keepFresh()()
    const release = cache.keepFresh()
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    release()
  })

  it.each([
    ['invalidate()', (cache: BackgroundCache<string>) => void cache.invalidate()],
    ['expire()', (cache: BackgroundCache<string>) => cache.expire()],
  ])('L22 fetches at once after %s', async (_, act) => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const release = cache.keepFresh()
    await pass(1_000)
    act(cache)
    await flush()
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
    release()
  })

  it('L22 fetches at once after an invalidate() during its own fetch', async () => {
    const { cache, fetch, call } = emptyCache()
    const release = cache.keepFresh()
    await flush()
    cache.invalidate()
    await flush()
    expect(fetch.calls).toHaveLength(2)
    expect(call(0).context.signal.aborted).toBe(true)
    call(1).resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
    release()
  })

  it('L22 follows the value set() gave', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const release = cache.keepFresh()
    await pass(30_000)
    cache.set('given')
    await pass(39_999)
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    expect(fetch.calls).toHaveLength(2)
    release()
  })

  it('L22 follows the expiry a value brings along', async () => {
    const { cache, fetch } = await cacheHolding<string>('one', {
      ttl: '1h',
      refreshWindow: '5s',
      expiresAt: (_, fetchedAt) => fetchedAt + 30_000,
    })
    const release = cache.keepFresh()
    await pass(24_999)
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    expect(fetch.calls).toHaveLength(2)
    release()
  })

  it('L22 waits for the cool-down and then tries again by itself', async () => {
    const { cache, fetch, call } = emptyCache()
    const release = cache.keepFresh()
    await flush()
    call().reject(new Error('down'))
    await pass(749)
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    expect(fetch.calls).toHaveLength(2)
    call().resolve('one')
    await flush()
    expect(cache.tryGet()).toBe('one')
    release()
  })

  it('L22 does not hurry through a cool-down because of invalidate()', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const release = cache.keepFresh()
    await pass(40_000)
    call().reject(new Error('down'))
    await flush()
    cache.invalidate()
    await pass(749)
    expect(fetch.calls).toHaveLength(2)
    await pass(1)
    expect(fetch.calls).toHaveLength(3)
    release()
  })

  it('L22 tries every five seconds at the latest once the value has expired', async () => {
    let calls = 0
    let down = false
    const cache = new BackgroundCache<number>({
      ttl: 60_000,
      refreshWindow: 20_000,
      random: () => 0.999,
      fetch: () => {
        calls++
        return down ? Promise.reject(new Error('down')) : calls
      },
    })
    const release = cache.keepFresh()
    await flush()
    down = true
    await pass(600_000)
    const before = calls
    await pass(60_000)
    expect(calls - before).toBeGreaterThanOrEqual(12)
    expect(calls - before).toBeLessThanOrEqual(13)
    down = false
    await pass(5_000)
    expect(cache.tryGet()).toBe(calls)
    release()
  })

  it('L22 joins a fetch that is already in the air', async () => {
    const { cache, fetch, call } = emptyCache()
    const read = settlement(cache.get())
    await flush()
    const release = cache.keepFresh()
    await flush()
    expect(fetch.calls).toHaveLength(1)
    call().resolve('one')
    await pass(40_000)
    expect(read.value).toBe('one')
    expect(fetch.calls).toHaveLength(2)
    release()
  })

  it('L22 survives a fetch that never settles', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one', { fetchTimeout: '5s' })
    const release = cache.keepFresh()
    await pass(45_000)
    expect(call().context.signal.aborted).toBe(true)
    await pass(750)
    expect(fetch.calls).toHaveLength(3)
    call().resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
    release()
  })

  it('L22 does not spin on results that are dropped as older', async () => {
    let calls = 0
    const cache = new BackgroundCache<number>({
      ttl: 60_000,
      refreshWindow: 20_000,
      random: () => 0.5,
      isNewer: () => false,
      fetch: () => ++calls,
    })
    await cache.get()
    const release = cache.keepFresh()
    await pass(50_000)
    expect(calls).toBeGreaterThan(1)
    expect(calls).toBeLessThanOrEqual(10)
    release()
  })

  it('L22 is absent where there is no fetch to keep it', () => {
    const cache: PerCallCache<string> = new BackgroundCache<string>({ ttl: 60_000 })
    const { keepFresh } = cache as { keepFresh?: () => () => void }
    if (keepFresh !== undefined) expect(() => keepFresh.call(cache)).toThrow(TypeError)
    expect(cache.getSnapshot().status).toBe('empty')
    expect(vi.getTimerCount()).toBe(0)
  })
})
