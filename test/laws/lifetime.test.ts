/** L20: which timers hold a process, and what is left after dispose(). */
import { BackgroundCache, CacheDisposedError, type CacheEvent, type Snapshot } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { recordingClock } from '../support/recording-clock.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

describe('the timers of an injected clock', () => {
  it('L20 of a fetch do not hold the process', async () => {
    const clock = recordingClock()
    const { cache, call } = emptyCache({ clock })
    const read = settlement(cache.get())
    await flush()
    expect(clock.timers.length).toBeGreaterThan(0)
    expect(clock.holding()).toEqual([])
    call().resolve('one')
    await clock.advance(45_000)
    await cache.get()
    call().reject(new Error('down'))
    await clock.advance(1_000)
    await cache.get()
    void settlement(cache.refresh())
    await flush()
    expect(read.value).toBe('one')
    expect(clock.timers.some(({ ref }) => ref)).toBe(false)
  })

  it('L20 of observing alone do not exist', async () => {
    const clock = recordingClock()
    const { cache } = await cacheHolding<string>('one', { clock })
    const before = clock.timers.length
    cache.subscribe(() => {})
    cache.on(() => {})
    cache.getSnapshot()
    cache.inspect()
    cache.tryGet()
    cache.peek()
    await clock.advance(3_600_000)
    expect(clock.timers).toHaveLength(before)
  })

  it("L20 of a reader's own maxWait hold it, until the read is over", async () => {
    const clock = recordingClock()
    const { cache, call } = emptyCache({ clock })
    const read = settlement(cache.get({ maxWait: '1s' }))
    await flush()
    expect(clock.holding()).toHaveLength(1)
    call().resolve('one')
    await flush()
    expect(read.value).toBe('one')
    expect(clock.holding()).toEqual([])
  })

  it('L20 of a maxWait that ran out hold it no longer', async () => {
    const clock = recordingClock()
    const { cache } = emptyCache({ clock })
    const read = settlement(cache.get({ maxWait: '1s' }))
    await clock.advance(1_000)
    expect(read.state).toBe('rejected')
    expect(clock.holding()).toEqual([])
  })

  it('L20 of a maxWait hold nothing when the reader need not wait', async () => {
    const clock = recordingClock()
    const { cache } = await cacheHolding<string>('one', { clock })
    await cache.get({ maxWait: '1s' })
    expect(clock.holding()).toEqual([])
  })

  it('L20 of keepFresh() hold it while it is held', async () => {
    const clock = recordingClock()
    const { cache, fetch, call } = await cacheHolding<string>('one', { clock })
    const release = cache.keepFresh()
    await flush()
    expect(clock.holding()).toHaveLength(1)
    await clock.advance(40_000)
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(clock.holding()).toHaveLength(1)
    release()
    expect(clock.holding()).toEqual([])
  })

  it('L20 of keepFresh() hold it through a cool-down', async () => {
    const clock = recordingClock()
    const { cache, call } = await cacheHolding<string>('one', { clock })
    const release = cache.keepFresh()
    await clock.advance(40_000)
    call().reject(new Error('down'))
    await flush()
    expect(clock.holding()).toHaveLength(1)
    release()
    expect(clock.holding()).toEqual([])
  })

  it('L20 are all gone after dispose()', async () => {
    const clock = recordingClock()
    const { cache } = await cacheHolding<string>('one', { clock })
    cache.keepFresh()
    await clock.advance(60_000)
    void settlement(cache.get({ maxWait: '1s' }))
    void settlement(cache.refresh())
    void settlement(cache.values().next())
    await flush()
    cache.dispose()
    await flush()
    expect(clock.timers.filter(({ state }) => state === 'waiting')).toEqual([])
  })
})

describe('the default timers', () => {
  useFakeTime()

  it('L20 do not hold the process, except for keepFresh()', async () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    const held = () => setTimeout.mock.results.filter(({ value }) => (value as NodeJS.Timeout).hasRef()).length
    const { cache, call } = emptyCache()
    void settlement(cache.get())
    await flush()
    expect(setTimeout).toHaveBeenCalled()
    expect(held()).toBe(0)
    call().resolve('one')
    await flush()
    const release = cache.keepFresh()
    await flush()
    expect(held()).toBe(1)
    release()
    setTimeout.mockRestore()
  })

  it('L20 are all gone after dispose()', async () => {
    const { cache } = await cacheHolding<string>('one')
    cache.keepFresh()
    await pass(60_000)
    void settlement(cache.get({ maxWait: '1s' }))
    await flush()
    cache.dispose()
    await flush()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L20 work beyond 2³¹−1 ms: keepFresh() of a long-lived value', async () => {
    const { cache, fetch } = await cacheHolding<string>('one', { ttl: '60d', refreshWindow: '1d' })
    const release = cache.keepFresh()
    await pass(59 * 86_400_000 - 1)
    expect(fetch.calls).toHaveLength(1)
    await pass(1)
    expect(fetch.calls).toHaveLength(2)
    release()
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
  })

  it('L20 work beyond 2³¹−1 ms: maxWait', async () => {
    const { cache } = emptyCache({ fetchTimeout: Number.POSITIVE_INFINITY })
    const read = settlement(cache.get({ maxWait: '30d' }))
    await pass(30 * 86_400_000 - 1)
    expect(read.state).toBe('pending')
    await pass(1)
    expect(read.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
  })

  it('L20 work beyond 2³¹−1 ms: release() of a long timer', async () => {
    const { cache, fetch } = await cacheHolding<string>('one', { ttl: '60d', refreshWindow: '1d' })
    const release = cache.keepFresh()
    await pass(26 * 86_400_000)
    release()
    await pass(60 * 86_400_000)
    expect(fetch.calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('dispose()', () => {
  useFakeTime()

  it('L20 aborts the fetch and rejects everybody who waits', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      const { signal } = new AbortController()
      const waiting = [
        cache.get(),
        cache.read(),
        cache.get({ maxWait: '10s' }),
        cache.get({ signal }),
        cache.refresh(),
        cache.refresh(),
      ].map((promise) => settlement<unknown>(promise))
      await flush()
      cache.dispose()
      await flush()
      expect(call(0).context.signal.aborted).toBe(true)
      for (const { state, error } of waiting) {
        expect(state).toBe('rejected')
        expect(error).toBeInstanceOf(CacheDisposedError)
        expect(error).toMatchObject({ code: 'DISPOSED' })
      }
    })
    expect(unhandled).toEqual([])
  })

  const disposed = async (): Promise<OneValue<string>> => {
    const one = await cacheHolding<string>('one')
    one.cache.dispose()
    return one
  }

  it.each<[string, (cache: BackgroundCache<string>) => Promise<unknown>]>([
    ['get()', (cache) => cache.get()],
    ['get() with a fetch', (cache) => cache.get(() => 'x')],
    ['get() with maxWait', (cache) => cache.get({ maxWait: '1s' })],
    ['read()', (cache) => cache.read()],
    ['refresh()', (cache) => cache.refresh()],
    ['refresh() with a fetch', (cache) => cache.refresh(() => 'x')],
    ['refresh({ ifOlderThan })', (cache) => cache.refresh({ ifOlderThan: '1h' })],
  ])('L20 makes a later %s reject', async (_, call) => {
    const { cache, fetch } = await disposed()
    const promise = call(cache)
    expect(promise).toBeInstanceOf(Promise)
    await expect(promise).rejects.toBeInstanceOf(CacheDisposedError)
    expect(fetch.calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L20 makes a later set() throw', async () => {
    const { cache } = await disposed()
    expect(() => cache.set('two')).toThrow(CacheDisposedError)
  })

  it('L20 makes the synchronous reads undefined and the conditional writes false', async () => {
    const { cache } = await disposed()
    expect(cache.tryGet()).toBeUndefined()
    expect(cache.peek()).toBeUndefined()
    expect(cache.seed('two')).toBe(false)
    expect(cache.invalidate()).toBe(false)
    expect(cache.invalidate({ ifValue: 'one' })).toBe(false)
    expect(cache.peek()).toBeUndefined()
  })

  it('L20 leaves a snapshot without a value', async () => {
    const { cache } = await disposed()
    const snapshot = cache.getSnapshot()
    expect(snapshot).toEqual({
      status: 'disposed',
      value: undefined,
      fetchedAt: undefined,
      expiresAt: undefined,
      failure: undefined,
    })
    expect(cache.getSnapshot()).toBe(snapshot)
    expect(cache.inspect().status).toBe('disposed')
  })

  it('L20 makes a later subscribe() do nothing', async () => {
    const { cache } = await disposed()
    const heard: Snapshot<string>[] = []
    const unsubscribe = cache.subscribe((snapshot) => {
      heard.push(snapshot)
    })
    await pass(1_000)
    unsubscribe()
    unsubscribe()
    expect(heard).toEqual([])
  })

  it('L20 makes a later keepFresh() and values() do nothing', async () => {
    const { cache, fetch } = await disposed()
    const release = cache.keepFresh()
    await expect(cache.values().next()).resolves.toEqual({ done: true, value: undefined })
    await pass(120_000)
    release()
    expect(fetch.calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L20 is told once, to listeners of both kinds', async () => {
    const { cache } = await cacheHolding<string>('one')
    const snapshots: string[] = []
    const events: string[] = []
    cache.subscribe(({ status }) => {
      snapshots.push(status)
    })
    cache.on(({ kind }) => {
      events.push(kind)
    })
    cache.dispose()
    cache.dispose()
    await flush()
    expect(snapshots).toEqual(['disposed'])
    expect(events.filter((kind) => kind === 'disposed')).toHaveLength(1)
  })

  it.each([
    ['success', (one: OneValue<string>) => one.call().resolve('late')],
    ['failure', (one: OneValue<string>) => one.call().reject(new Error('late'))],
  ])('L20 makes a late %s mean nothing', async (_, settle) => {
    const unhandled = await unhandledDuring(async () => {
      const one = await cacheHolding<string>('one')
      await pass(45_000)
      await one.cache.get()
      await flush()
      one.cache.dispose()
      const snapshot = one.cache.getSnapshot()
      settle(one)
      await pass(120_000)
      expect(one.cache.getSnapshot()).toBe(snapshot)
      expect(one.cache.peek()).toBeUndefined()
    })
    expect(unhandled).toEqual([])
  })

  it('L20 starts no queued refresh', async () => {
    const { cache, fetch, call } = emptyCache()
    void settlement(cache.get())
    await flush()
    void settlement(cache.refresh())
    cache.dispose()
    call(0).resolve('late')
    await pass(1_000)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L20 may be called by the fetch itself', async () => {
    const unhandled = await unhandledDuring(async () => {
      const cache: BackgroundCache<string> = new BackgroundCache<string>({
        ttl: 60_000,
        fetch: (): string => {
          cache.dispose()
          return 'one'
        },
      })
      const read = await attempt(() => cache.get())
      expect(read.error).toBeInstanceOf(CacheDisposedError)
      expect(cache.getSnapshot().status).toBe('disposed')
      expect(vi.getTimerCount()).toBe(0)
    })
    expect(unhandled).toEqual([])
  })

  it.each<CacheEvent['kind']>([
    'fetch-started',
    'fetch-succeeded',
    'fetch-failed',
    'value-set',
    'value-seeded',
    'invalidated',
    'expired',
    'fetch-discarded',
    'disposed',
  ])('L20 may be called by a listener that hears %s', async (kind) => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      cache.on((event) => {
        if (event.kind === kind) cache.dispose()
      })
      const acts: (() => unknown)[] = [
        () => cache.seed('seeded'),
        () => cache.expire(),
        () => settlement(cache.get()),
        () => call().reject(new Error('down')),
        () => settlement(cache.refresh()),
        () => call().resolve('one'),
        () => settlement(cache.refresh()),
        () => cache.set('two'),
        () => cache.invalidate(),
        () => cache.dispose(),
      ]
      for (const act of acts) {
        await attempt(act)
        await flush()
      }
      expect(cache.getSnapshot().status).toBe('disposed')
      await expect(cache.get()).rejects.toBeInstanceOf(CacheDisposedError)
      expect(vi.getTimerCount()).toBe(0)
    })
    expect(unhandled).toEqual([])
  })

  it('L20 is Symbol.dispose too', async () => {
    const { cache } = await cacheHolding<string>('one')
    cache[Symbol.dispose]()
    expect(cache.getSnapshot().status).toBe('disposed')
    await expect(cache.get()).rejects.toBeInstanceOf(CacheDisposedError)
  })

  it('L20 of an unused cache is harmless', () => {
    const { cache, fetch } = emptyCache()
    cache.dispose()
    expect(cache.getSnapshot().status).toBe('disposed')
    expect(fetch.calls).toHaveLength(0)
  })

  it('L20 releases what keepFresh() held, and releasing later is harmless', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const release = cache.keepFresh()
    cache.dispose()
    await pass(120_000)
    release()
    expect(fetch.calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
