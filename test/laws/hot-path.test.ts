/** What the shortest ways through a read save, and that they are shared: clock reads, promises, and nothing kept. */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { handClock } from '../support/hand-clock.ts'
import { emptyCache } from '../support/one-value.ts'

describe('get()', () => {
  it('of a fresh value reads the clock once and makes no promise, whether a fetch is given with it or not', async () => {
    const clock = handClock()
    const cache = new BackgroundCache({ ttl: '1m', clock, fetch: () => 'v' })
    const shared = (await cache.get()) && cache.get()
    for (const argument of [undefined, () => 'other']) {
      const before = clock.reads.now
      for (let read = 0; read < 10; read++) expect(cache.get(argument as never)).toBe(shared)
      expect(clock.reads.now - before).toBe(10)
    }
  })

  it('L5 of a first value that is on its way reads the clock once, and shares one promise', async () => {
    const clock = handClock()
    const { cache, call } = emptyCache({ clock })
    const first = cache.get()
    const before = clock.reads.now
    const others = Array.from({ length: 10 }, () => cache.get())
    expect(clock.reads.now - before).toBe(10)
    for (const other of others) expect(other).toBe(first)
    expect(cache.get({})).toBe(first)
    expect(cache.get(() => 'not asked for')).toBe(first)
    expect(cache.inspect().waiting).toBe(13)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 13 })
    call().resolve('v')
    await expect(first).resolves.toBe('v')
  })

  it('L5 that says how long it waits still shares the promise when that is for ever', () => {
    const { cache } = emptyCache()
    const first = cache.get()
    expect(cache.get({ maxWait: Number.POSITIVE_INFINITY })).toBe(first)
    expect(cache.get({ maxWait: '1s' })).not.toBe(first)
    expect(cache.get({ signal: new AbortController().signal })).not.toBe(first)
  })

  it('L1 in the window gives what was held when it was called, whatever the fetch behind it does at once', async () => {
    const clock = handClock()
    let calls = 0
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ttl: 1000,
      refreshWindow: 500,
      clock,
      fetch: () => {
        if (++calls > 1) cache.set('written')
        return 'fetched'
      },
    })
    await cache.get()
    await clock.advance(500)
    await expect(cache.get()).resolves.toBe('fetched')
    await expect(cache.get()).resolves.toBe('written')
    await flush()
    expect(calls).toBe(2)
  })
})
