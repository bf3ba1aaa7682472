/** L22 as observables: values$, snapshots$, events$, and what other libraries make of a cache by themselves. */
import { BackgroundCache, type CacheEvent, type PerCallCache, type Snapshot } from 'evercurrent'
import { events$, snapshots$, values$ } from 'evercurrent/rxjs'
import { combineLatest, firstValueFrom, from, map, type Observable, take } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

/** Subscribes and notes everything. */
const log = <T>(source: Observable<T>) => {
  const heard: { values: T[]; ends: string[]; unsubscribe: () => void } = {
    values: [],
    ends: [],
    unsubscribe: () => {},
  }
  const subscription = source.subscribe({
    next: (value) => heard.values.push(value),
    error: (error: unknown) => heard.ends.push(`error ${error}`),
    complete: () => heard.ends.push('complete'),
  })
  heard.unsubscribe = () => subscription.unsubscribe()
  return heard
}

describe('values$', () => {
  it('L22 fetches at once when nothing is held, and shows every new value', async () => {
    const { cache, fetch, call } = emptyCache()
    const heard = log(values$(cache))
    await flush()
    expect(fetch.calls).toHaveLength(1)
    expect(heard.values).toEqual([])
    call().resolve('one')
    await flush()
    cache.set('two')
    await flush()
    expect(heard.values).toEqual(['one', 'two'])
    expect(heard.ends).toEqual([])
    heard.unsubscribe()
  })

  it('L22 is cold: nothing happens before somebody subscribes', async () => {
    const { cache, fetch } = emptyCache()
    values$(cache)
    snapshots$(cache)
    events$(cache)
    await pass(60_000)
    expect(fetch.calls).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['fresh', 10_000],
    ['aging', 45_000],
  ])('L22 shows a %s value to a late subscriber', async (_, age) => {
    const { cache } = await cacheHolding<string>('one')
    await pass(age)
    const heard = log(values$(cache))
    await flush()
    expect(heard.values).toEqual(['one'])
    heard.unsubscribe()
  })

  it.each([
    ['expired', (cache: BackgroundCache<string>) => pass(60_000).then(() => cache)],
    ['told to expire', async (cache: BackgroundCache<string>) => cache.expire()],
    ['invalidated', async (cache: BackgroundCache<string>) => cache.invalidate()],
  ])('L22 never replays a value that was %s', async (_, act) => {
    const { cache, fetch, call } = await cacheHolding<string>('one', { staleIfError: '1h' })
    await act(cache)
    const heard = log(values$(cache))
    await flush()
    expect(heard.values).toEqual([])
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(heard.values).toEqual(['two'])
    heard.unsubscribe()
  })

  it('L22 shows a renewed value to a subscriber who has seen none', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    await pass(60_000)
    const heard = log(values$(cache))
    await flush()
    call().resolve(call().context.notModified())
    await flush()
    expect(heard.values).toEqual(['one'])
    heard.unsubscribe()
  })

  it('L17 says nothing of a value that was found unmodified or equal', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const heard = log(values$(cache))
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    call().resolve(call().context.notModified())
    await pass(40_000)
    expect(fetch.calls).toHaveLength(3)
    call().resolve('one')
    await pass(40_000)
    expect(fetch.calls).toHaveLength(4)
    call().resolve('two')
    await flush()
    expect(heard.values).toEqual(['one', 'two'])
    heard.unsubscribe()
  })

  it('L22 refreshes by timer', async () => {
    let calls = 0
    const cache = new BackgroundCache<number>({ ttl: 60_000, refreshWindow: 20_000, fetch: () => ++calls })
    const heard = log(values$(cache))
    await pass(120_000)
    expect(heard.values).toEqual([1, 2, 3, 4])
    heard.unsubscribe()
    await pass(600_000)
    expect(calls).toBe(4)
  })

  it('L22 shares one timer and one fetch among all its subscribers', async () => {
    const { cache, fetch, call } = emptyCache()
    const all = [log(values$(cache)), log(values$(cache)), log(snapshots$(cache))]
    const one$ = values$(cache)
    all.push(log(one$), log(one$))
    await flush()
    expect(fetch.calls).toHaveLength(1)
    call().resolve('one')
    await flush()
    expect(vi.getTimerCount()).toBe(1)
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(all[0]?.values).toEqual(['one', 'two'])
    expect(all[4]?.values).toEqual(['one', 'two'])
    for (const heard of all.slice(1)) heard.unsubscribe()
    expect(vi.getTimerCount()).toBe(1)
    all[0]?.unsubscribe()
    expect(vi.getTimerCount()).toBe(0)
    await pass(600_000)
    expect(fetch.calls).toHaveLength(2)
  })

  it('L22 can be subscribed to again after the last one left', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    log(values$(cache)).unsubscribe()
    await pass(60_000)
    expect(fetch.calls).toHaveLength(1)
    const heard = log(values$(cache))
    await flush()
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(heard.values).toEqual(['two'])
    heard.unsubscribe()
  })

  it('L22 never errors: it rides out an outage', async () => {
    const unhandled = await unhandledDuring(async () => {
      let outcome: () => unknown = () => Promise.reject(new Error('down'))
      const cache = new BackgroundCache<string>({ ttl: 60_000, random: () => 0.5, fetch: () => outcome() as string })
      const heard = log(values$(cache))
      await pass(30_000)
      expect(heard.values).toEqual([])
      outcome = () => {
        throw undefined
      }
      await pass(10_000)
      outcome = () => 'at last'
      await pass(5_000)
      expect(heard.values).toEqual(['at last'])
      expect(heard.ends).toEqual([])
      heard.unsubscribe()
    })
    expect(unhandled).toEqual([])
  })

  it('L22 never errors: neither a fatal failure nor one that means gone', async () => {
    const { cache, call } = await cacheHolding<string>('one', { classifyError: (error) => error as never })
    const heard = log(values$(cache))
    for (const kind of ['fatal', 'gone']) {
      const renewal = settlement(cache.refresh())
      await flush()
      call().reject(kind)
      await flush()
      expect(renewal.error).toBe(kind)
    }
    cache.set('two')
    await flush()
    expect(heard.values).toEqual(['one', 'two'])
    expect(heard.ends).toEqual([])
    heard.unsubscribe()
  })

  it('L22 completes on dispose(), for those who come later too', async () => {
    const { cache } = await cacheHolding<string>('one')
    const heard = log(values$(cache))
    cache.dispose()
    await flush()
    expect(heard.ends).toEqual(['complete'])
    const late = log(values$(cache))
    await flush()
    expect(late.values).toEqual([])
    expect(late.ends).toEqual(['complete'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 says the same value again when it came back after an invalidation', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    const heard = log(values$(cache))
    await flush()
    cache.invalidate()
    await flush()
    call().resolve('two')
    await flush()
    expect(heard.values).toEqual(['one', 'two'])
    heard.unsubscribe()
  })

  it.each([null, 0, '', false])('L22 shows %s', async (value) => {
    const { cache } = emptyCache<unknown>()
    const heard = log(values$(cache))
    cache.set(value)
    await flush()
    expect(heard.values).toEqual([value])
    heard.unsubscribe()
  })

  it('L22 can be left from within', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    await expect(firstValueFrom(values$(cache))).resolves.toBe('one')
    const seen: string[] = []
    values$(cache)
      .pipe(take(2))
      .subscribe((value) => seen.push(value))
    await flush()
    cache.set('two')
    cache.set('three')
    await flush()
    expect(seen).toEqual(['one', 'two'])
    expect(vi.getTimerCount()).toBe(0)
    await pass(600_000)
    expect(fetch.calls).toHaveLength(1)
  })

  it('L22 may set another value from within', async () => {
    const { cache } = emptyCache<number>()
    const first: number[] = []
    const subscription = values$(cache).subscribe((value) => {
      first.push(value)
      if (value === 1) cache.set(2)
    })
    const second = log(values$(cache))
    cache.set(1)
    await flush()
    expect(first).toEqual([1, 2])
    expect(second.values.at(-1)).toBe(2)
    expect([...second.values].sort()).toEqual(second.values)
    subscription.unsubscribe()
    second.unsubscribe()
  })

  it('L22 only looks where there is no fetch', async () => {
    const cache: PerCallCache<string> = new BackgroundCache<string>({ ttl: 60_000 })
    const heard = log(values$(cache))
    await pass(120_000)
    cache.set('given')
    await flush()
    expect(heard.values).toEqual(['given'])
    expect(heard.ends).toEqual([])
    heard.unsubscribe()
  })

  it('L22 combines', async () => {
    const a = await cacheHolding<string>('a')
    const b = await cacheHolding<string>('b')
    const heard = log(combineLatest([values$(a.cache), values$(b.cache)]).pipe(map((both) => both.join(''))))
    await flush()
    a.cache.set('A')
    await flush()
    expect(heard.values).toEqual(['ab', 'Ab'])
    heard.unsubscribe()
  })
})

describe('snapshots$', () => {
  it.each([
    ['empty', false],
    ['current', true],
  ])('L22 emits at once on subscription: %s', async (status, held) => {
    const { cache } = held ? await cacheHolding<string>('one') : emptyCache()
    const heard = log(snapshots$(cache))
    expect(heard.values.length).toBeGreaterThanOrEqual(1)
    if (held) expect(heard.values).toEqual([cache.getSnapshot()])
    expect(heard.values.at(-1)).toBe(cache.getSnapshot())
    if (held) expect(heard.values[0]?.status).toBe(status)
    heard.unsubscribe()
  })

  it('L22 emits every change and keeps fresh', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const heard = log(snapshots$(cache))
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    const error = new Error('down')
    call().reject(error)
    await flush()
    cache.set('two')
    await flush()
    expect(heard.values.map(({ status, value, failure }) => [status, value, failure?.error])).toEqual([
      ['current', 'one', undefined],
      ['refreshing', 'one', undefined],
      ['current', 'one', error],
      ['current', 'two', undefined],
    ])
    expect(heard.ends).toEqual([])
    heard.unsubscribe()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L22 emits the snapshots that getSnapshot() gives', async () => {
    const { cache } = await cacheHolding<string>('one')
    const given: Snapshot<string>[] = []
    const heard = log(snapshots$(cache))
    given.push(cache.getSnapshot())
    cache.set('two')
    given.push(cache.getSnapshot())
    await flush()
    expect(heard.values).toHaveLength(2)
    heard.values.forEach((snapshot, index) => {
      expect(snapshot).toBe(given[index])
    })
    heard.unsubscribe()
  })

  it('L22 completes on dispose(), for those who come later too', async () => {
    const { cache } = await cacheHolding<string>('one')
    const heard = log(snapshots$(cache))
    cache.dispose()
    await flush()
    expect(heard.ends).toEqual(['complete'])
    const late = log(snapshots$(cache))
    await flush()
    expect(late.ends).toEqual(['complete'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('events$', () => {
  it('L22 only listens', async () => {
    const { cache, fetch, call } = emptyCache()
    const heard = log(events$(cache))
    await pass(60_000)
    expect(fetch.calls).toHaveLength(0)
    expect(vi.getTimerCount()).toBe(0)
    const read = settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    expect(read.value).toBe('one')
    expect(heard.values.map(({ kind }: CacheEvent) => kind)).toEqual(['fetch-started', 'fetch-succeeded'])
    heard.unsubscribe()
    cache.set('two')
    expect(heard.values).toHaveLength(2)
  })

  it('L20 completes on dispose(), after having told of it', async () => {
    const { cache } = await cacheHolding<string>('one')
    const heard = log(events$(cache))
    cache.dispose()
    await flush()
    expect(heard.values.map(({ kind }) => kind)).toContain('disposed')
    expect(heard.ends).toEqual(['complete'])
  })
})

describe('from()', () => {
  it('L22 of values() is an observable of values', async () => {
    const { cache, call } = emptyCache()
    const heard = log(from(cache.values()))
    await flush()
    call().resolve('one')
    await flush()
    cache.set('two')
    await flush()
    expect(heard.values).toEqual(['one', 'two'])
    cache.dispose()
    await flush()
    expect(heard.ends).toEqual(['complete'])
  })

  it('L22 of a cache, where it is an observable by itself, shows what is held and completes on dispose()', async () => {
    const { cache } = await cacheHolding<string>('one')
    const heard = log(from(cache as unknown as Observable<unknown>))
    await flush()
    cache.set('two')
    await flush()
    const values = heard.values.map((shown) => (typeof shown === 'string' ? shown : (shown as Snapshot<string>).value))
    expect(values).toEqual(['one', 'two'])
    cache.dispose()
    await flush()
    expect(heard.ends).toEqual(['complete'])
  })

  it('L22 of a cache, left by its only subscriber, leaves no timer', async () => {
    const { cache, fetch } = await cacheHolding<string>('one')
    const heard = log(from(cache as unknown as Observable<unknown>))
    await flush()
    heard.unsubscribe()
    expect(vi.getTimerCount()).toBe(0)
    await pass(600_000)
    expect(fetch.calls).toHaveLength(1)
  })
})
