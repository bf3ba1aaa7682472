/** Bugs that were here once, each by the law it broke. */

import { BackgroundCache, type Clock } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

const hang = () => new Promise<string>(() => {})

describe('callbacks that use the cache at once', () => {
  it('L15 a signal aborted by the fetch function itself detaches its reader', async () => {
    const leaver = new AbortController()
    const fetch = () => {
      leaver.abort('bored')
      return hang()
    }
    const cache = new BackgroundCache({ ttl: '1m', fetch, clock: manualClock() })
    const read = settlement(cache.get({ signal: leaver.signal }))
    await flush()
    expect([read.state, read.error, cache.inspect().waiting]).toEqual(['rejected', 'bored', 0])
  })

  it.each(['get', 'dispose'] as const)('L8 an abort listener that calls %s() starts no second fetch', async (call) => {
    let calls = 0
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ttl: '1m',
      clock: manualClock(),
      fetch: ({ signal }) => {
        const mine = ++calls
        if (mine === 1) signal.addEventListener('abort', () => void cache[call]())
        return mine === 1 ? hang() : 'two'
      },
    })
    const release = cache.keepFresh()
    const refreshed = settlement(cache.refresh())
    cache.invalidate()
    await flush()
    expect(calls).toBe(2)
    expect([refreshed.value, cache.peek()]).toEqual(call === 'get' ? ['two', 'two'] : [undefined, undefined])
    release()
  })

  it('L6 a fetch that invalidates its own cache still answers its reader', async () => {
    const cache: BackgroundCache<string> = new BackgroundCache<string>({
      ttl: '1m',
      clock: manualClock(),
      fetch: () => {
        cache.invalidate()
        return 'one'
      },
    })
    expect([await cache.get(), cache.peek()]).toEqual(['one', undefined])
  })
})

describe('callbacks that answer later', () => {
  it.each(['equals', 'isNewer'] as const)(
    'L11 %s: a promise is no answer, and its rejection is nobody’s',
    async (name) => {
      const clock = manualClock()
      const fetch = controlledFetch<string>()
      const late = () => Promise.reject(new Error('later')) as never
      const unhandled = await unhandledDuring(async () => {
        const cache = new BackgroundCache<string>({ ttl: '1m', clock, fetch, [name]: late })
        const first = cache.get()
        await fetch.resolve('one')
        await first
        const refreshed = settlement(cache.refresh())
        await fetch.resolve('two')
        expect(refreshed.error).toMatchObject({ name: 'TypeError', message: expect.stringContaining(name) })
        expect(cache.peek()).toBe('one')
      })
      expect(unhandled).toEqual([])
    },
  )
})

describe('reads', () => {
  it('L3 a served read(), or one with a signal, looks at the wall clock at most once a second', async () => {
    const manual = manualClock()
    let looks = 0
    const clock: Clock = { ...manual, wallNow: () => looks++ && manual.wallNow() }
    const cache = new BackgroundCache({ ttl: '1m', clock, fetch: () => 'one' })
    await cache.get()
    const before = looks
    for (let read = 0; read < 100; read++) {
      await cache.read()
      await cache.get({ signal: new AbortController().signal, maxWait: 10 })
    }
    expect(looks).toBe(before)
  })

  it('L13 a clock whose timers fire at once does not break a bounded wait', async () => {
    const manual = manualClock()
    const clock: Clock = {
      ...manual,
      after: (ms, task, options) => {
        if (ms > 0) return manual.after(ms, task, options)
        task()
        return () => {}
      },
    }
    const cache = new BackgroundCache({ ttl: '1m', clock, fetch: hang })
    await expect(cache.get({ maxWait: 0 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' })
  })

  it('L13 who waited for an older result after expire() is told that it is stale', async () => {
    const fetch = controlledFetch<number>()
    const cache = new BackgroundCache<number>({
      ttl: '1m',
      clock: manualClock(),
      fetch,
      isNewer: (next, held) => next > held,
    })
    const first = cache.get()
    await fetch.resolve(2)
    await first
    cache.expire()
    const read = cache.read()
    await fetch.resolve(1)
    expect(await read).toMatchObject({ value: 2, from: 'memory', stale: true })
  })
})

describe('a clock that fails', () => {
  it('L11 to start a timer rejects that read and leaves the slot free', async () => {
    const manual = manualClock()
    let broken = true
    const after: Clock['after'] = (...given) => {
      if (broken) throw new Error('no timers left')
      return manual.after(...given)
    }
    const cache = new BackgroundCache({ ttl: '1m', clock: { ...manual, after }, fetch: () => 'one' })
    await expect(cache.get()).rejects.toThrow('no timers left')
    broken = false
    expect(await cache.get()).toBe('one')
  })
})

describe('values given from outside', () => {
  it('L11 set() and seed() refuse a promise: somebody forgot to await', async () => {
    const cache = new BackgroundCache<string>({ ttl: '1m', clock: manualClock(), fetch: () => 'one' })
    const unhandled = await unhandledDuring(async () => {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is about
      const thenable = { then: (_: unknown, reject: (error: unknown) => void) => reject(new Error('never')) }
      expect(() => cache.set(thenable as never)).toThrow(TypeError)
      expect(() => cache.seed(thenable as never)).toThrow(TypeError)
      await flush()
    })
    expect([unhandled, cache.peek()]).toEqual([[], undefined])
  })

  it('L9 seed() refuses a fetchedAt before all time', () => {
    const cache = new BackgroundCache<string>({ expiresAt: () => undefined, clock: manualClock(), fetch: () => 'one' })
    expect(() => cache.seed('x', { fetchedAt: -Infinity })).toThrow(RangeError)
  })

  it.each([['30s'], { toString: () => '30s' }, Object.create(null)])(
    'options: ttl of kind %# is refused by name',
    (ttl) => {
      expect(() => new BackgroundCache({ ttl: ttl as never, fetch: () => 1 })).toThrow(/ttl/)
    },
  )

  it('L19 invalidate() of a bare token does not spell it out', () => {
    const cache = new BackgroundCache<string>({ ttl: '1m', clock: manualClock(), fetch: () => 'one' })
    expect(() => cache.invalidate('9f8e7d6c5b' as never)).toThrow(/^(?!.*9f8e7d6c5b)/)
  })
})

describe('outages', () => {
  it('L16 an outage right after gone starts at the first delay', async () => {
    const clock = manualClock()
    const fetch = controlledFetch<string>()
    const classifyError = (error: unknown) => (error === 'gone' ? 'gone' : 'retry')
    const cache = new BackgroundCache<string>({ ttl: '1h', clock, fetch, classifyError, random: () => 1 })
    for (const error of ['gone', 'down']) {
      const read = settlement(cache.get())
      await fetch.reject(error)
      expect(read.error).toBe(error)
      await clock.advance(error === 'gone' ? 5000 : 0)
    }
    expect(cache.getSnapshot().failure).toMatchObject({ attempts: 1, nextAttemptAt: clock.wallNow() + 1000 })
  })
})

describe('observers', () => {
  it('L21 a listener that changes the cache when a stale value is served leaves one order for all', async () => {
    const clock = manualClock()
    const fetch = controlledFetch<string>()
    const cache = new BackgroundCache<string>({ ttl: 1000, staleIfError: '1h', clock, fetch, random: () => 0 })
    const first = cache.get()
    await fetch.resolve('one')
    await first
    await clock.advance(1100)
    const failing = cache.get()
    await fetch.reject('down')
    await failing

    const heard: [string[], string[]] = [[], []]
    cache.on(({ kind }) => {
      heard[0].push(kind)
      if (heard[0].length === 1) cache.set('two')
    })
    cache.on(({ kind }) => heard[1].push(kind))
    await cache.get()
    expect(heard[0]).toEqual(['served-stale', 'value-set'])
    expect(heard[1]).toEqual(heard[0])
  })

  it('L14 a listener of the timeout finds the signal aborted', async () => {
    const clock = manualClock()
    let signal: AbortSignal | undefined
    const fetch = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return hang()
    }
    const cache = new BackgroundCache<string>({ ttl: '1m', fetchTimeout: 10, clock, fetch })
    const seen: (boolean | undefined)[] = []
    cache.on(({ kind }) => kind === 'fetch-failed' && seen.push(signal?.aborted))
    void cache.get()
    await clock.advance(10)
    expect(seen).toEqual([true])
  })

  it('L6 a superseded fetch that times out is counted as discarded once', async () => {
    const clock = manualClock()
    const fetch = controlledFetch<string>()
    const cache = new BackgroundCache<string>({ ttl: '1m', fetchTimeout: 10, clock, fetch })
    void cache.get()
    cache.invalidate()
    await clock.advance(10)
    await fetch.resolve('late')
    expect(cache.stats().discarded).toBe(1)
  })
})

describe('keepFresh()', () => {
  it.each([
    ['a second hold', 1001],
    ['the timer, within a minute', 61_001],
  ])('L22 fetches when a sleep has made the value unusable: %s', async (how, later) => {
    const clock = manualClock()
    const fetch = controlledFetch<string>()
    const cache = new BackgroundCache<string>({ ttl: '1h', clock, fetch })
    const first = cache.get()
    await fetch.resolve('one')
    await first
    const releases = [cache.keepFresh()]
    await clock.sleep(3_600_000)
    await clock.advance(later)
    if (how === 'a second hold') releases.push(cache.keepFresh())
    expect(fetch.calls).toBe(2)
    for (const release of releases) release()
  })
})

describe('fetches that outlive their reader', () => {
  it('L23 a reader answered by a seed hands over the fetch that flies on', async () => {
    const clock = manualClock({ startAt: 1000 })
    const fetch = controlledFetch<string>()
    const cache = new BackgroundCache<string>({ ttl: '1m', clock, fetch })
    await clock.advance(100)
    const works: Promise<unknown>[] = []
    const read = cache.get({ waitUntil: (work) => works.push(work) })
    expect(cache.seed('seed', { fetchedAt: 1050 })).toBe(true)
    expect([await read, works.length]).toEqual(['seed', 1])
    const work = settlement(works[0] as Promise<unknown>)
    await flush()
    expect(work.state).toBe('pending')
    await fetch.resolve('one')
    expect([work.state, cache.peek()]).toEqual(['fulfilled', 'one'])
  })
})

describe('strangers', () => {
  it('L8 cannot drive the source through refresh({ ifOlderThan }) when it answers with older results', async () => {
    const clock = manualClock()
    let calls = 0
    const fetch = () => `result ${++calls}`
    const cache = new BackgroundCache<string>({ ttl: '1h', clock, fetch, isNewer: () => false })
    await cache.get()
    await clock.advance(60_000)
    for (let stranger = 0; stranger < 50; stranger++) {
      expect(await cache.refresh({ ifOlderThan: '30s' })).toBe('result 1')
      await clock.advance(10)
    }
    expect(calls).toBe(2)
  })
})

describe('freeze', () => {
  it('L17 leaves functions alone, and follows a value as deep as it goes', () => {
    class Shared {}
    let list: { next?: unknown } = {}
    const end = list
    for (let node = 0; node < 20_000; node++) list = { next: list }
    const cache = new BackgroundCache<object>({ ttl: '1m', clock: manualClock(), freeze: true, fetch: () => ({}) })
    cache.set({ list, Shared, max: Math.max })
    expect([Object.isFrozen(end), Object.isFrozen(Shared), Object.isFrozen(Math.max)]).toEqual([true, false, false])
  })
})

describe('nested options', () => {
  it('options: backoff.base is named with its parent', () => {
    expect(() => new BackgroundCache({ ttl: 1, fetch: () => 1, backoff: { base: -1 } })).toThrow(/backoff\.base.*-1/)
  })
})

describe('set() with an expiry', () => {
  it.each([
    [300, 700, 300],
    [700, 300, 300],
    [5000, 5000, 1000],
  ])('L9 the earliest counts: its own %i, the given %i, of a ttl of 1000, is %i', (own, given, expiry) => {
    const clock = manualClock({ startAt: 1_000_000 })
    const expiresAt = () => 1_000_000 + own
    const cache = new BackgroundCache<string>({ ttl: 1000, clock, fetch: () => 'one', expiresAt })
    cache.set('two', { expiresAt: 1_000_000 + given })
    expect(cache.getSnapshot().expiresAt).toBe(1_000_000 + expiry)
  })
})

describe('the promise of a read', () => {
  it('L22 is the same one until another value is held, in the window and while a refresh flies too', async () => {
    const clock = manualClock()
    const source = controlledFetch<{ readonly id: number }>()
    const cache = new BackgroundCache({ ttl: '10s', refreshWindow: '5s', clock, fetch: source })
    const first = cache.get()
    await source.resolve({ id: 1 })
    await first
    const read = cache.get()
    expect(cache.get()).toBe(read)
    await clock.advance(5000)
    expect([cache.get() === read, cache.get() === read, cache.get({}) === read]).toEqual([true, true, true])
    expect(source.calls).toBe(2)
    await source.resolve({ id: 2 })
    const next = cache.get()
    expect([next === read, cache.get() === next]).toEqual([false, true])
    expect(await cache.get()).toEqual({ id: 2 })
  })
})
