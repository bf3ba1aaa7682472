/** The end of a registry: who is told, who is rejected, and that no timer and no fetch is left. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { CacheDisposedError, CacheRegistry } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { flush } from '../support/flush.ts'
import { keyed, outcome, ttl } from '../support/keyed.ts'
import { recordingClock } from '../support/recording-clock.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

const gone = expect.any(CacheDisposedError)

describe('L20 after dispose()', () => {
  const disposed = async () => {
    const world = keyed()
    await world.cache.set('k', 'v')
    const entry = world.cache.entry('k')
    const fresh = world.cache.entry('never seen')
    await world.registry.dispose()
    return { ...world, entry, fresh }
  }

  it('get, read, refresh, set, getMany reject', async () => {
    const { cache, entry, fresh } = await disposed()
    const calls: (() => unknown)[] = [
      () => cache.get('k'),
      () => cache.get('other'),
      () => cache.get('k', { fetch: () => 'v' }),
      () => cache.read('k'),
      () => cache.refresh('k'),
      () => cache.refresh('k', { ifOlderThan: 1000 }),
      () => cache.set('k', 'v'),
      () => cache.set('other', 'v'),
      () => entry.get(),
      () => entry.set('v'),
      () => fresh.refresh(),
      () => cache.namespace('n').get('k'),
      () => cache.entry('later').get(),
    ]
    for (const call of calls) expect((await attempt(call)).error).toEqual(gone)
    const many = (await outcome(cache.getMany(['k', 'l']))) as { errors?: Map<string, unknown> }
    expect(many.errors ? [...many.errors.values()] : [many, many]).toEqual([gone, gone])
  })

  it('peek, tryGet, find give undefined, seed false, invalidate false', async () => {
    const { cache, entry } = await disposed()
    expect([cache.peek('k'), cache.tryGet('k'), await cache.find('k'), entry.peek(), entry.tryGet()]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect([cache.seed('k', 'v'), entry.seed('v'), cache.seed('other', 'v')]).toEqual([false, false, false])
    expect([await cache.invalidate('k'), await entry.invalidate(), await cache.invalidate('other')]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('everything else does nothing: expire, invalidatePrefix, clear, flush, keys, size, stats, inspect', async () => {
    const { cache, registry, entry } = await disposed()
    await cache.expire('k')
    await entry.expire()
    expect(await cache.invalidatePrefix()).toBe(0)
    await cache.clear()
    await registry.clear()
    await registry.flush()
    expect([[...cache.keys()], cache.size, registry.stats().entries, [...registry.inspect()]]).toEqual([[], 0, 0, []])
  })

  it('no listener is called, and entries show that it is over', async () => {
    const { cache, entry, fresh, registry } = await disposed()
    const heard = vi.fn()
    const ends = [entry.subscribe(heard), entry.on(heard), registry.on(heard), entry.keepFresh(), fresh.keepFresh()]
    await outcome(cache.set('k', 'v'))
    expect(heard).not.toHaveBeenCalled()
    for (const end of ends) end()
    expect([entry, fresh, cache.entry('later')].map((each) => each.getSnapshot())).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ status: 'disposed', value: undefined })),
    )
    expect(entry.getSnapshot()).toBe(entry.getSnapshot())
    expect(await entry.values().next()).toEqual({ done: true, value: undefined })
  })

  it('a second dispose() is nothing', async () => {
    const { registry, events } = await disposed()
    const before = events.length
    await registry.dispose()
    await registry[Symbol.asyncDispose]()
    expect(events.length).toBe(before)
  })

  it('a value is fetched by nobody: no call was made', async () => {
    const { cache, calls } = await disposed()
    await outcome(cache.get('k'))
    await outcome(cache.getMany(['a', 'b']))
    expect(calls).toHaveLength(0)
  })
})

describe('L20 dispose() itself', () => {
  it('rejects who waits for any key, and aborts the fetches', async () => {
    const { cache, calls, registry } = keyed()
    const waiters = [
      cache.get('a'),
      cache.read('b'),
      cache.refresh('c'),
      cache.entry('d').get(),
      cache.namespace('n').get('a'),
    ]
    const outcomes = waiters.map((waiter) => outcome(waiter))
    await flush()
    expect(calls).toHaveLength(5)
    await registry.dispose()
    expect(await Promise.all(outcomes)).toEqual(waiters.map(() => gone))
    expect(calls.every(({ context }) => context.signal.aborted)).toBe(true)
  })

  it('late results and late failures change nothing and reject nothing', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, calls, registry } = keyed()
      for (const key of ['a', 'b']) outcome(cache.get(key))
      await flush()
      await registry.dispose()
      await calls[0]?.resolve('late')
      await calls[1]?.reject(undefined)
      expect([cache.peek('a'), cache.size, [...registry.inspect()].length]).toEqual([undefined, 0, 0])
    })
    expect(unhandled).toEqual([])
  })

  it('tells each observer once, last, and the listeners of the registry', async () => {
    const { cache, registry, events } = keyed()
    await cache.set('k', 'v')
    const heard: string[] = []
    cache.entry('k').subscribe(({ status }) => heard.push(status))
    cache.entry('idle').on(({ kind }) => heard.push(kind))
    await registry.dispose()
    expect(heard.filter((what) => what === 'disposed').length).toBeGreaterThanOrEqual(1)
    expect(events.at(-1)).toMatchObject({ kind: 'disposed' })
  })

  it('a listener that uses the registry while it ends gets what everybody gets', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', 'v')
    const found: unknown[] = []
    cache.entry('k').subscribe(({ status }) => {
      if (status !== 'disposed') return
      found.push(cache.peek('k'), cache.seed('k', 'w'))
      found.push(outcome(cache.get('k')))
    })
    await registry.dispose()
    expect(await Promise.all(found)).toEqual([undefined, false, gone])
  })

  it('leaves no timer: of keepFresh, of timeouts, of waits, of batches', async () => {
    const clock = recordingClock()
    const registry = new CacheRegistry({ clock, random: () => 0.5 })
    const one = registry.define({ type: 'one', ttl, fetch: (_: string) => new Promise<string>(() => {}) })
    const many = registry.define<string>({ type: 'many', ttl, fetchMany: () => new Promise<[]>(() => {}) })
    await one.set('held', 'v')
    await many.set('held', 'v')
    one.entry('held').keepFresh()
    one.entry('missing').keepFresh()
    many.entry('held').keepFresh()
    outcome(one.get('k', { maxWait: 1000 }))
    outcome(many.getMany(['a', 'b'], { maxWait: 1000 }))
    await flush()
    await clock.advance(50_000)
    await registry.dispose()
    await flush()
    expect(clock.holding()).toEqual([])
    const waiting = clock.timers.filter(({ state }) => state === 'waiting')
    expect(waiting.length).toBeLessThanOrEqual(1)
    await clock.advance(10 * ttl)
    expect(clock.timers.filter(({ state }) => state === 'waiting')).toEqual([])
  })

  it('of a namespace ends all of it: a view has no life of its own', async () => {
    const { cache, registry } = keyed()
    await registry.namespace('n').dispose()
    expect(await outcome(cache.get('k'))).toEqual(gone)
  })

  it('await using disposes', async () => {
    const { cache, registry } = keyed()
    await registry[Symbol.asyncDispose]()
    expect(await outcome(cache.get('k'))).toEqual(gone)
  })

  it('one registry does not end another', async () => {
    const [one, other] = [keyed(), keyed()]
    await other.cache.set('k', 'v')
    await one.registry.dispose()
    expect(other.cache.peek('k')).toBe('v')
  })
})

describe('L20 timers', () => {
  it('a thousand values at rest hold no timer', async () => {
    const clock = recordingClock()
    const cache = new CacheRegistry({ clock }).define({ type: 't', ttl, fetch: async (key: string) => key })
    for (let at = 0; at < 1000; at++) await cache.get(`k${at}`)
    for (let at = 0; at < 1000; at++) await cache.set(`k${at}`, 'v')
    await flush()
    expect(clock.timers.filter(({ state }) => state === 'waiting')).toEqual([])
  })

  it('only keepFresh() and a maxWait hold the process', async () => {
    const clock = recordingClock()
    const cache = new CacheRegistry({ clock }).define({
      type: 't',
      ttl,
      fetch: (_: string) => new Promise<string>(() => {}),
    })
    await cache.set('held', 'v')
    outcome(cache.get('k'))
    const end = cache.entry('held').subscribe(() => {})
    await flush()
    expect(clock.holding()).toEqual([])
    const release = cache.entry('held').keepFresh()
    expect(clock.holding()).toHaveLength(1)
    release()
    outcome(cache.get('l', { maxWait: 1000 }))
    await flush()
    expect(clock.holding()).toHaveLength(1)
    end()
  })

  it('a ttl of 60 days works', async () => {
    const { cache, clock, calls } = keyed({ ttl: '60d', refreshWindow: '1d' })
    await cache.set('k', 'v')
    const end = cache.entry('k').keepFresh()
    const day = 86_400_000
    await clock.advance(59 * day - 1)
    expect([calls.length, cache.tryGet('k')]).toEqual([0, 'v'])
    await clock.advance(1)
    expect([calls.length, cache.tryGet('k'), cache.peek('k')]).toEqual([1, undefined, 'v'])
    end()
  })
})

describe('L24 contexts', () => {
  it('a fetch behind the readers runs in none of their contexts, a first one in its first reader’s', async () => {
    const tenant = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const { cache, clock } = keyed()
    const fetch = () => {
      seen.push(tenant.getStore())
      return 'v'
    }
    await tenant.run('first', () => cache.get('k', { fetch }))
    await clock.advance(45_000)
    await tenant.run('second', () => cache.get('k', { fetch }))
    await flush()
    expect(seen).toEqual(['first', undefined])
  })

  it('a batch behind the readers runs in none of their contexts', async () => {
    const tenant = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const clock = recordingClock()
    const cache = new CacheRegistry({ clock }).define<string>({
      type: 't',
      ttl,
      fetchMany: (keys) => {
        seen.push(tenant.getStore())
        return keys.map((key) => [key, 'v'] as const)
      },
    })
    await tenant.run('first', () => cache.getMany(['a', 'b']))
    await clock.advance(55_000)
    await tenant.run('second', () => cache.get('a'))
    await tenant.run('third', () => cache.getMany(['a', 'b']))
    await clock.advance(1000)
    expect(seen[0]).toBe('first')
    expect(seen.slice(1).length).toBeGreaterThanOrEqual(1)
    expect(seen.slice(1).every((each) => each === undefined)).toBe(true)
  })

  it('keepFresh() begun in a context fetches outside of it', async () => {
    const tenant = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const clock = recordingClock()
    const cache = new CacheRegistry({ clock }).define({
      type: 't',
      ttl,
      fetch: (_: string) => {
        seen.push(tenant.getStore())
        return 'v'
      },
    })
    const end = tenant.run('one', () => cache.entry('k').keepFresh())
    await flush()
    await clock.advance(2 * ttl)
    expect(seen.length).toBeGreaterThanOrEqual(2)
    expect(seen.every((each) => each === undefined)).toBe(true)
    end()
  })
})

describe('L11 nothing is unhandled', () => {
  it('whatever the fetch of a key does', async () => {
    const unhandled = await unhandledDuring(async () => {
      const cache = new CacheRegistry().define<unknown>({ type: 't', ttl, fetch: () => 1, backoff: false })
      const fetches: (() => unknown)[] = [
        () => {
          throw undefined
        },
        () => {
          throw 0
        },
        () => Promise.reject(),
        () => Promise.reject(new Error('x')),
        () => undefined,
        () => ({
          // biome-ignore lint/suspicious/noThenProperty: a thenable that settles twice
          then(resolve: (value: string) => void, reject: (error: unknown) => void) {
            reject(new Error('first'))
            resolve('second')
          },
        }),
      ]
      for (const [at, fetch] of fetches.entries()) {
        const given = { fetch } as never
        void cache.get(`a${at}`, given)
        void cache.read(`b${at}`, given)
        void cache.refresh(`c${at}`, given)
        void cache.entry(`d${at}`).get()
        expect((await settled(cache.get(`e${at}`, given))).state).toBe('rejected')
      }
      await flush()
    })
    expect(unhandled).toEqual([])
  })
})

async function settled(promise: Promise<unknown>) {
  const watched = settlement(promise)
  await flush()
  return watched
}
