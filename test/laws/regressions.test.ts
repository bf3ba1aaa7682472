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
