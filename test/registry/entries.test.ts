/** The live handle of one key: one object, one snapshot until something changes, and observers that come and go. */

import { snapshots$, values$ } from 'evercurrent/rxjs'
import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, keyed, outcome, ttl } from '../support/keyed.ts'

const down = new Error('down')

describe('identity', () => {
  it('the same object for the same key while it is held', () => {
    const { cache } = keyed<string, string | readonly string[]>({ key: (key) => key })
    const entry = cache.entry('k')
    expect(cache.entry('k')).toBe(entry)
    expect(cache.entry(['k'])).toBe(entry)
    expect(cache.entry('other')).not.toBe(entry)
    expect(entry.key).toEqual(['k'])
  })

  it('stays the same through invalidation, eviction, expiry and clear()', async () => {
    const { cache, clock, registry } = keyed({}, { maxEntries: 1 })
    const entry = cache.entry('k')
    await entry.set('v')
    await cache.invalidate('k')
    expect(cache.entry('k')).toBe(entry)
    await entry.set('v')
    await cache.set('other', 'v')
    expect(cache.entry('k')).toBe(entry)
    await clock.advance(2 * ttl)
    await registry.clear()
    expect(cache.entry('k')).toBe(entry)
  })

  it('entries of two namespaces and two types are different', () => {
    const { cache } = keyed()
    expect(cache.namespace('a').entry('k')).not.toBe(cache.entry('k'))
    expect(cache.namespace('a').entry('k')).toBe(cache.namespace('a').entry('k'))
  })

  it('making an entry makes no key live', () => {
    const { cache, registry, calls } = keyed()
    cache.entry('k').getSnapshot()
    expect([cache.size, registry.stats().entries, calls.length]).toEqual([0, 0, 0])
  })
})

describe('reads and writes', () => {
  it('reads and writes what the cache reads and writes', async () => {
    const { cache } = keyed()
    const entry = cache.entry('k')
    await entry.set('1')
    expect([cache.peek('k'), cache.tryGet('k'), await cache.get('k')]).toEqual(['1', '1', '1'])
    await cache.set('k', '2')
    expect([entry.peek(), entry.tryGet(), await entry.get()]).toEqual(['2', '2', '2'])
    expect(await entry.read()).toEqual({
      value: '2',
      fetchedAt: EPOCH,
      expiresAt: EPOCH + ttl,
      from: 'memory',
      stale: false,
    })
    expect(await entry.invalidate({ ifValue: '1' })).toBe(false)
    expect(await entry.invalidate({ ifValue: '2' })).toBe(true)
    expect(cache.peek('k')).toBeUndefined()
    expect(entry.seed('3')).toBe(true)
    expect(cache.peek('k')).toBe('3')
    await entry.expire()
    expect(cache.peek('k')).toBeUndefined()
  })

  it('L5 get() of the entry and of the cache share one fetch', async () => {
    const { cache, calls } = keyed()
    const both = [cache.get('k'), cache.entry('k').get()]
    await flush()
    expect(calls).toHaveLength(1)
    await calls[0]?.resolve('v')
    expect(await Promise.all(both)).toEqual(['v', 'v'])
  })

  it('methods of observing work detached', async () => {
    const { cache } = keyed()
    const { subscribe, getSnapshot } = cache.entry('k')
    const heard = vi.fn()
    const end = subscribe(heard)
    await cache.set('k', 'v')
    expect(getSnapshot()).toMatchObject({ status: 'current', value: 'v' })
    expect(heard).toHaveBeenCalledWith(getSnapshot())
    end()
  })
})

describe('getSnapshot()', () => {
  it('is the same reference until something changes', async () => {
    const { cache, clock } = keyed()
    const entry = cache.entry('k')
    const empty = entry.getSnapshot()
    expect(entry.getSnapshot()).toBe(empty)
    expect(empty).toEqual({ status: 'empty', value: undefined, fetchedAt: undefined, expiresAt: undefined })
    await entry.set('v')
    const held = entry.getSnapshot()
    expect(held).toMatchObject({ status: 'current', value: 'v', fetchedAt: EPOCH, expiresAt: EPOCH + ttl })
    await cache.get('k')
    cache.peek('k')
    await cache.find('k')
    await clock.advance(1000)
    expect(entry.getSnapshot()).toBe(held)
    await clock.advance(2 * ttl)
    expect(entry.getSnapshot()).toBe(held)
  })

  it('is the same reference whether somebody observes or not', async () => {
    const { cache } = keyed()
    const entry = cache.entry('k')
    await entry.set('v')
    const before = entry.getSnapshot()
    const end = entry.subscribe(() => {})
    expect(entry.getSnapshot()).toBe(before)
    end()
    await flush()
    expect(entry.getSnapshot()).toBe(before)
  })

  it('shows a change made while nobody observed', async () => {
    const { cache, load } = keyed()
    const entry = cache.entry('k')
    expect(entry.getSnapshot().value).toBeUndefined()
    await load('k', 'v')
    expect(entry.getSnapshot()).toMatchObject({ status: 'current', value: 'v' })
    await cache.invalidate('k')
    expect(entry.getSnapshot()).toMatchObject({ status: 'empty', value: undefined })
    await cache.set('k', 'w')
    expect(entry.getSnapshot()).toMatchObject({ status: 'current', value: 'w' })
    await cache.invalidatePrefix('k')
    expect(entry.getSnapshot().status).toBe('empty')
    cache.seed('k', 'x')
    expect(entry.getSnapshot().value).toBe('x')
    await cache.clear()
    expect(entry.getSnapshot().status).toBe('empty')
  })

  it('shows an eviction', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    const entry = cache.entry('k')
    await entry.set('v')
    expect(entry.getSnapshot().value).toBe('v')
    await cache.set('other', 'v')
    expect(entry.getSnapshot()).toMatchObject({ status: 'empty', value: undefined })
    await cache.set('k', 'w')
    expect(entry.getSnapshot()).toMatchObject({ status: 'current', value: 'w' })
  })

  it('shows a fetch in the air and a failure', async () => {
    const { cache, call } = keyed()
    const entry = cache.entry('k')
    const first = outcome(cache.get('k'))
    await flush()
    expect(entry.getSnapshot()).toMatchObject({ status: 'refreshing', value: undefined })
    await call('k').reject(down)
    await first
    expect(entry.getSnapshot()).toMatchObject({
      status: 'empty',
      failure: { error: down, at: EPOCH, attempts: 1, nextAttemptAt: EPOCH + 750 },
    })
  })

  it('of two entries do not mix', async () => {
    const { cache } = keyed()
    const [a, b] = [cache.entry('a'), cache.entry('b')]
    const before = b.getSnapshot()
    await a.set('v')
    expect(b.getSnapshot()).toBe(before)
  })
})

describe('subscribe()', () => {
  it('hears of changes made through the cache, through namespaces and through clear()', async () => {
    const { cache, registry, load } = keyed()
    const heard: unknown[] = []
    const end = cache.entry('k').subscribe(({ status, value }) => heard.push([status, value]))
    await load('k', '1')
    await cache.set('k', '2')
    await cache.invalidatePrefix('k')
    await cache.namespace('n').set('k', 'elsewhere')
    await cache.set('k', '3')
    await registry.clear()
    end()
    await cache.set('k', '4')
    expect(heard).toEqual([
      ['refreshing', undefined],
      ['current', '1'],
      ['current', '2'],
      ['empty', undefined],
      ['current', '3'],
      ['empty', undefined],
    ])
  })

  it('L22 only observes: it fetches nothing, not even when the value expires', async () => {
    const { cache, calls, clock } = keyed()
    const end = cache.entry('k').subscribe(() => {})
    await clock.advance(10 * ttl)
    expect(calls).toHaveLength(0)
    end()
  })

  it('many times, by the same function, ended in any order and twice', async () => {
    const { cache, registry } = keyed()
    const entry = cache.entry('k')
    const heard = vi.fn()
    const ends = Array.from({ length: 100 }, () => entry.subscribe(heard))
    await entry.set('v')
    expect(heard).toHaveBeenCalledTimes(100)
    expect(entry.inspect().observers).toBe(100)
    for (const end of [...ends].reverse()) end()
    for (const end of ends) end()
    expect(entry.inspect().observers).toBe(0)
    await entry.set('w')
    expect(heard).toHaveBeenCalledTimes(100)
    expect([...registry.inspect()]).toMatchObject([{ observers: 0 }])
  })

  it('subscribing and leaving a thousand times leaves nothing behind', async () => {
    const { cache, registry } = keyed({}, { maxEntries: 1 })
    for (let round = 0; round < 1000; round++) cache.entry(`k${round % 7}`).subscribe(() => {})()
    expect([...registry.inspect()]).toEqual([])
    await cache.set('k', 'v')
    expect(registry.stats().entries).toBe(1)
  })

  it('L21 a listener that throws harms neither the others nor other keys, and is told', async () => {
    const { cache, events } = keyed()
    const heard: string[] = []
    cache.entry('a').subscribe(() => {
      throw down
    })
    cache.entry('a').subscribe(({ value }) => heard.push(`a ${value}`))
    cache.entry('b').subscribe(({ value }) => heard.push(`b ${value}`))
    await cache.set('a', '1')
    await cache.set('b', '2')
    expect(heard).toEqual(['a 1', 'b 2'])
    expect(events.filter((event) => event.kind === 'listener-failed')).toMatchObject([{ error: down }])
  })

  it('L21 re-entrant listeners across keys: all listeners hear one order', async () => {
    const { cache, registry } = keyed()
    const [one, other, root]: string[][] = [[], [], []]
    const note = (list: string[] | undefined, key: string) => (snapshot: { value: unknown }) => {
      list?.push(`${key}=${snapshot.value}`)
    }
    cache.entry('a').subscribe(({ value }) => {
      if (value === '1') void cache.set('b', 'from a')
    })
    cache.entry('b').subscribe(({ value }) => {
      if (value === 'from a') void cache.set('a', 'from b')
    })
    for (const list of [one, other]) {
      cache.entry('a').subscribe(note(list, 'a'))
      cache.entry('b').subscribe(note(list, 'b'))
    }
    registry.on(({ kind, key }) => root?.push(`${key?.[0]} ${kind}`))
    await cache.set('a', '1')
    expect(one).toEqual(['a=1', 'b=from a', 'a=from b'])
    expect(other).toEqual(one)
    expect(root).toEqual(['a value-set', 'b value-set', 'a value-set'])
  })

  it('L21 a listener may end itself, others and the whole registry', async () => {
    const { cache, registry } = keyed()
    const heard: string[] = []
    const entry = cache.entry('k')
    const ends = [
      entry.subscribe(() => {
        heard.push('first')
        for (const end of ends) end()
      }),
      entry.subscribe(() => heard.push('second')),
    ]
    await entry.set('v')
    expect(heard).toEqual(['first'])
    entry.subscribe(() => void registry.dispose())
    await entry.set('w')
    expect(entry.getSnapshot().status).toBe('disposed')
  })
})

describe('the promise of get()', () => {
  it('is the same while the entry is observed, until the next commit', async () => {
    const { cache, clock } = keyed()
    const entry = cache.entry('k')
    const end = entry.subscribe(() => {})
    await entry.set('1')
    const first = entry.get()
    expect(entry.get()).toBe(first)
    expect(cache.get('k')).toBe(first)
    await clock.advance(1000)
    expect(entry.get()).toBe(first)
    await entry.set('2')
    const second = entry.get()
    expect(second).not.toBe(first)
    expect([await first, await second]).toEqual(['1', '2'])
    expect(entry.get()).toBe(second)
    end()
  })

  it('is the same while the first fetch is in the air', async () => {
    const { cache, call } = keyed()
    const entry = cache.entry('k')
    const end = entry.subscribe(() => {})
    const first = entry.get()
    expect(entry.get()).toBe(first)
    await flush()
    expect(entry.get()).toBe(first)
    await call('k').resolve('v')
    expect(await first).toBe('v')
    const after = entry.get()
    expect(entry.get()).toBe(after)
    expect(await after).toBe('v')
    end()
  })

  it('of a failure is the same until something changes', async () => {
    const { cache, call } = keyed()
    const entry = cache.entry('k')
    const end = entry.subscribe(() => {})
    const first = outcome(entry.get())
    await flush()
    await call('k').reject(down)
    await first
    const failed = entry.get()
    expect(entry.get()).toBe(failed)
    expect(await outcome(failed)).toBe(down)
    end()
  })

  it('that remembers an expired value is not given again', async () => {
    const { cache, clock, call } = keyed()
    const entry = cache.entry('k')
    const end = entry.subscribe(() => {})
    await entry.set('old')
    const first = entry.get()
    await first
    await clock.advance(2 * ttl)
    const second = entry.get()
    expect(second).not.toBe(first)
    await flush()
    await call('k').resolve('new')
    expect(await second).toBe('new')
    end()
  })
})

describe('keepFresh(), values() and observables', () => {
  it('keepFresh() fetches at once when nothing is held, then at the window, per key', async () => {
    const { cache, calls, clock, call } = keyed()
    const end = cache.entry('a').keepFresh()
    await cache.set('b', 'v')
    await flush()
    expect(calls.map(({ key, context }) => [key, context.reason])).toEqual([['a', 'keep-fresh']])
    await call('a').resolve('1')
    await clock.advance(40_000 - 1)
    expect(calls).toHaveLength(1)
    await clock.advance(1)
    expect(calls.map(({ key }) => key)).toEqual(['a', 'a'])
    await call('a').resolve('2')
    expect(cache.peek('a')).toBe('2')
    end()
    await clock.advance(10 * ttl)
    expect(calls).toHaveLength(2)
  })

  it('two holds of keepFresh() are counted, and ending one twice is ending it once', async () => {
    const { cache, calls, clock } = keyed()
    await cache.set('k', 'v')
    const [one, other] = [cache.entry('k').keepFresh(), cache.entry('k').keepFresh()]
    one()
    one()
    await clock.advance(40_000)
    expect(calls).toHaveLength(1)
    other()
  })

  it('keepFresh() survives invalidation, and fetches again at once', async () => {
    const { cache, calls } = keyed()
    await cache.set('k', 'v')
    const end = cache.entry('k').keepFresh()
    await flush()
    expect(calls).toHaveLength(0)
    await cache.invalidatePrefix('k')
    await flush()
    expect(calls).toHaveLength(1)
    end()
  })

  it('values() gives the held value, then its successors, and ends on dispose', async () => {
    const { cache, registry } = keyed()
    await cache.set('k', '1')
    const values = cache.entry('k').values()
    expect(await values.next()).toEqual({ done: false, value: '1' })
    const next = values.next()
    await cache.set('other', 'x')
    await cache.set('k', '2')
    expect(await next).toEqual({ done: false, value: '2' })
    const last = values.next()
    await registry.dispose()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  it('values() that return() leave nothing behind', async () => {
    const { cache, registry, clock, calls } = keyed()
    await cache.set('k', '1')
    const values = cache.entry('k').values()
    await values.next()
    await values.return?.()
    await clock.advance(10 * ttl)
    expect(calls).toHaveLength(0)
    expect([...registry.inspect()]).toMatchObject([{ observers: 0 }])
  })

  it('values$(entry) emits values of that key, and completes on dispose', async () => {
    const { cache, call, registry } = keyed()
    const heard: string[] = []
    const complete = vi.fn()
    const subscription = values$(cache.entry('k')).subscribe({ next: (value) => heard.push(value), complete })
    await flush()
    await call('k').resolve('1')
    await cache.set('other', 'x')
    await cache.set('k', '2')
    expect(heard).toEqual(['1', '2'])
    await registry.dispose()
    expect(complete).toHaveBeenCalledOnce()
    expect(subscription.closed).toBe(true)
  })

  it('snapshots$(entry) emits on subscription', async () => {
    const { cache } = keyed()
    await cache.set('k', '1')
    const heard: unknown[] = []
    const subscription = snapshots$(cache.entry('k')).subscribe(({ value }) => heard.push(value))
    expect(heard).toEqual(['1'])
    await cache.set('k', '2')
    expect(heard.at(-1)).toBe('2')
    subscription.unsubscribe()
  })

  it('L17 observers of values hear nothing of an equal result', async () => {
    const { cache, call } = keyed<{ n: number }>({ equals: (a, b) => a.n === b.n })
    await cache.set('k', { n: 1 })
    const heard: unknown[] = []
    const subscription = values$(cache.entry('k')).subscribe((value) => heard.push(value))
    const refreshed = cache.refresh('k')
    await flush()
    await call('k').resolve({ n: 1 })
    await refreshed
    expect(heard).toEqual([{ n: 1 }])
    subscription.unsubscribe()
  })

  it('on() of an entry hears of its key alone', async () => {
    const { cache } = keyed()
    const heard: unknown[] = []
    const end = cache.entry('k').on(({ kind, key }) => heard.push([kind, key]))
    await cache.set('other', 'v')
    await cache.namespace('n').set('k', 'v')
    await cache.set('k', 'v')
    await cache.invalidate('k')
    end()
    await cache.set('k', 'v')
    expect(heard).toEqual([
      ['value-set', ['k']],
      ['invalidated', ['k']],
    ])
  })

  it('on() of an idle entry hears of its eviction', async () => {
    const { cache } = keyed({}, { maxEntries: 1 })
    const entry = cache.entry('k')
    const heard: string[] = []
    entry.on(({ kind }) => heard.push(kind))
    await entry.set('v')
    await cache.set('other', 'v')
    await cache.set('third', 'v')
    expect(entry.peek() === undefined ? heard : [...heard, 'evicted']).toEqual(['value-set', 'evicted'])
  })

  it('inspect() of an entry tells of its key', async () => {
    const { cache, clock } = keyed()
    await cache.set('k', 'v')
    await clock.advance(45_000)
    expect(cache.entry('k').inspect()).toMatchObject({
      status: 'current',
      freshness: 'aging',
      age: 45_000,
      refreshAt: EPOCH + 40_000,
      expiresAt: EPOCH + ttl,
      waiting: 0,
      observers: 0,
    })
  })

  it('waiting counts the readers of the key', async () => {
    const { cache, call } = keyed()
    const readers = [cache.get('k'), cache.get('k'), cache.get('other')]
    await flush()
    expect(cache.entry('k').inspect().waiting).toBe(2)
    await call('k').resolve('v')
    await call('other').resolve('v')
    await Promise.all(readers)
    expect(cache.entry('k').inspect().waiting).toBe(0)
  })
})
