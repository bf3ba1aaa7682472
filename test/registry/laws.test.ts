/** The numbered laws hold for every key: resident or at rest, read through the cache or through its entry. */

import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, keyed, outcome, ttl } from '../support/keyed.ts'
import { settlement } from '../support/settlement.ts'

const down = new Error('down')

describe('laws per key', () => {
  it('L12 a cool-down survives the key being at rest, and is of that key alone', async () => {
    const { cache, call, calls, clock } = keyed()
    const first = outcome(cache.get('k'))
    await flush()
    await call('k').reject(down)
    await first
    expect(await outcome(cache.get('k'))).toBe(down)
    await clock.advance(749)
    expect(await outcome(cache.get('k'))).toBe(down)
    expect(calls).toHaveLength(1)
    void cache.get('other')
    await flush()
    expect(calls).toHaveLength(2)
    await clock.advance(1)
    void cache.get('k')
    await flush()
    expect(calls).toHaveLength(3)
  })

  it('L12 the cool-down doubles over attempts although the key rests between', async () => {
    const { cache, call, calls, clock } = keyed()
    await cache.set('k', 'v')
    await clock.advance(40_000)
    for (const wait of [750, 1500, 3000]) {
      const before = calls.length
      await cache.get('k')
      await flush()
      expect(calls.length).toBe(before + 1)
      await call('k').reject(down)
      await clock.advance(wait - 1)
      await cache.get('k')
      await flush()
      expect(calls.length).toBe(before + 1)
      await clock.advance(1)
    }
    expect(cache.entry('k').getSnapshot().failure?.attempts).toBe(3)
  })

  it('L13 staleIfError serves an expired value of that key', async () => {
    const { cache, call, clock, registry } = keyed({ staleIfError: 10_000 })
    await cache.set('k', 'old')
    await clock.advance(ttl + 1)
    const reader = cache.read('k')
    await flush()
    await call('k').reject(down)
    expect(await reader).toMatchObject({ value: 'old', stale: true, from: 'memory' })
    expect(await cache.get('k')).toBe('old')
    expect(cache.peek('k')).toBeUndefined()
    expect(registry.stats().staleServed).toBe(2)
    await clock.advance(10_000)
    const late = settlement(cache.get('k'))
    await flush()
    await call('k').reject(down)
    expect(late.error).toBe(down)
  })

  it('L13 maxWait: a waiter gives up, the fetch goes on', async () => {
    const { cache, call, clock } = keyed({ maxWait: '1s' })
    const reader = settlement(cache.get('k'))
    const patient = settlement(cache.get('k', { maxWait: 5000 }))
    await clock.advance(1000)
    expect(reader.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    await call('k').resolve('v')
    expect([patient.value, cache.peek('k')]).toEqual(['v', 'v'])
  })

  it('L14 fetchTimeout per key', async () => {
    const { cache, call, clock } = keyed({ fetchTimeout: '2s' })
    const [k, other] = [settlement(cache.get('k')), settlement(cache.get('other'))]
    await clock.advance(1500)
    await call('other').resolve('v')
    await clock.advance(500)
    expect(k.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
    expect(other.value).toBe('v')
    await call('k').resolve('late')
    expect(cache.peek('k')).toBeUndefined()
  })

  it('L16 fatal is of its key: readers get it although a value is held', async () => {
    const { cache, call, clock } = keyed({ classifyError: () => 'fatal' })
    await cache.set('k', 'held')
    await cache.set('other', 'held')
    await clock.advance(40_000)
    await cache.get('k')
    await flush()
    await call('k').reject(down)
    expect(await outcome(cache.get('k'))).toBe(down)
    expect([cache.peek('k'), await cache.get('other')]).toEqual(['held', 'held'])
    await cache.set('k', 'mended')
    expect(await cache.get('k')).toBe('mended')
  })

  it('L16 gone drops the value, is remembered for 5 s, and any write forgets it', async () => {
    const { cache, call, calls, clock } = keyed({ classifyError: () => 'gone' })
    await cache.set('k', 'held')
    await clock.advance(40_000)
    await cache.get('k')
    await flush()
    await call('k').reject(down)
    expect(cache.peek('k')).toBeUndefined()
    await clock.advance(4999)
    expect(await outcome(cache.get('k'))).toBe(down)
    expect(calls).toHaveLength(1)
    await cache.invalidate('k')
    const again = cache.get('k')
    await flush()
    expect(calls).toHaveLength(2)
    await call('k').resolve('back')
    expect(await again).toBe('back')
  })

  it('L6 isNewer: an older result is dropped, waiters get what is held', async () => {
    const { cache, call } = keyed<{ v: number }>({ isNewer: (next, held) => next.v > held.v })
    await cache.set('k', { v: 2 })
    const refreshed = cache.refresh('k')
    await flush()
    await call('k').resolve({ v: 1 })
    expect(await refreshed).toEqual({ v: 2 })
  })

  it('L17 notModified() renews the age and keeps the identity; previous is of that key', async () => {
    const { cache, call, clock } = keyed<object>()
    const held = {}
    await cache.set('k', held)
    await cache.set('other', { wrong: true })
    await clock.advance(1000)
    const refreshed = cache.refresh('k')
    await flush()
    expect(call('k').previous).toEqual({ value: held, fetchedAt: EPOCH, expiresAt: EPOCH + ttl })
    await call('k').resolve(call('k').context.notModified())
    expect(await refreshed).toBe(held)
    expect((await cache.read('k')).fetchedAt).toBe(EPOCH + 1000)
  })

  it('L17 an expired value is still previous', async () => {
    const { cache, call, clock } = keyed()
    await cache.set('k', 'old')
    await clock.advance(10 * ttl)
    void cache.get('k')
    await flush()
    expect(call('k').previous?.value).toBe('old')
    expect(call('k').context.reason).toBe('expired')
  })

  it('L1 L2 expiresAt of the value, per key', async () => {
    const { cache, clock } = keyed<{ until: number }>({ expiresAt: ({ until }) => until })
    await cache.set('short', { until: EPOCH + 1000 })
    await cache.set('long', { until: EPOCH + 50_000 })
    await clock.advance(1000)
    expect([cache.peek('short'), cache.peek('long')]).toEqual([undefined, { until: EPOCH + 50_000 }])
    await clock.advance(49_000)
    expect(cache.peek('long')).toBeUndefined()
  })

  it('L3 sleep counts for values at rest', async () => {
    const { cache, clock, calls } = keyed()
    await cache.set('k', 'v')
    await clock.sleep(2 * ttl)
    await clock.advance(1000)
    expect(cache.peek('k')).toBeUndefined()
    void cache.get('k')
    await flush()
    expect(calls).toHaveLength(1)
  })

  it('L8 refresh() queues one fetch behind the one in the air', async () => {
    const { cache, calls } = keyed()
    const first = cache.get('k')
    await flush()
    const refreshed = [cache.refresh('k'), cache.entry('k').refresh()]
    await flush()
    expect(calls).toHaveLength(1)
    await calls[0]?.resolve('1')
    expect(calls).toHaveLength(2)
    await calls[1]?.resolve('2')
    expect([await first, ...(await Promise.all(refreshed))]).toEqual(['1', '2', '2'])
  })

  it('L8 ifOlderThan', async () => {
    const { cache, calls, clock } = keyed()
    await cache.set('k', 'v')
    await clock.advance(999)
    expect(await cache.refresh('k', { ifOlderThan: '1s' })).toBe('v')
    expect(calls).toHaveLength(0)
    await clock.advance(1)
    void cache.refresh('k', { ifOlderThan: '1s' })
    await flush()
    expect(calls).toHaveLength(1)
  })

  it('L10 a permanent 401 does not hammer the issuer of one key', async () => {
    const { cache, call, calls } = keyed()
    for (const token of ['1', '2']) {
      const reader = cache.get('k')
      await flush()
      await call('k').resolve(token)
      expect(await cache.invalidate('k', { ifValue: await reader })).toBe(true)
    }
    expect(await outcome(cache.get('k'))).toMatchObject({ code: 'VALUE_REJECTED' })
    expect(calls).toHaveLength(2)
  })

  it('L10 expire() makes one read wait; if that fails the value serves on, as stale', async () => {
    const { cache, call } = keyed()
    await cache.set('k', 'v')
    await cache.expire('k')
    expect([cache.peek('k'), cache.tryGet('k')]).toEqual([undefined, undefined])
    const reader = cache.read('k')
    await flush()
    await call('k').reject(down)
    expect(await reader).toMatchObject({ value: 'v', stale: true })
  })

  it('L23 waitUntil of the read, of the registry, never rejects', async () => {
    const household = vi.fn()
    const { cache, clock, call } = keyed({}, { waitUntil: household })
    await cache.set('k', 'v')
    await clock.advance(40_000)
    await cache.get('k')
    await flush()
    expect(household).toHaveBeenCalledOnce()
    const work = settlement(household.mock.calls[0]?.[0])
    await call('k').reject(down)
    expect(work.state).toBe('fulfilled')
    const own = vi.fn()
    await clock.advance(750)
    await cache.get('k', { waitUntil: own })
    await flush()
    expect(own).toHaveBeenCalledOnce()
    expect(household).toHaveBeenCalledOnce()
  })

  it.each([0, '', false, null, Number.NaN, 0n])('a value may be %s', async (value) => {
    const { cache, load } = keyed<unknown>()
    await load('k', value)
    expect([cache.peek('k'), cache.tryGet('k'), await cache.find('k'), await cache.get('k')]).toEqual(
      Array.from({ length: 4 }, () => value),
    )
    expect(await cache.invalidate('k', { ifValue: value })).toBe(true)
    expect(cache.size).toBe(0)
  })

  it.each([undefined, null, 0, '', false])('L11 an error may be %s, and stays that at rest', async (error) => {
    const { cache, call } = keyed()
    const first = settlement(cache.get('k'))
    await flush()
    await call('k').reject(error)
    expect(first).toMatchObject({ state: 'rejected', error })
    const second = settlement(cache.get('k'))
    await flush()
    expect(second).toMatchObject({ state: 'rejected', error })
    expect(cache.entry('k').getSnapshot().failure).toMatchObject({ error, attempts: 1 })
  })

  it('L15 one aborted reader leaves the fetch to the others', async () => {
    const { cache, call } = keyed()
    const leaving = new AbortController()
    const one = outcome(cache.get('k', { signal: leaving.signal }))
    const other = cache.entry('k').get()
    await flush()
    leaving.abort(down)
    expect(await one).toBe(down)
    await call('k').resolve('v')
    expect(await other).toBe('v')
  })
})
