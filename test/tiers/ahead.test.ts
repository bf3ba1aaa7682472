/** Refreshing with a tier: ahead of time the tier is asked first, on demand it is not, and expire() outlaws what it holds. */

import { describe, expect, it } from 'vitest'
import { EPOCH, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

describe('a refresh ahead of time', () => {
  it('takes the newer value that another process put in the tier', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    expect((await b.get('k')).value).toBe('v')
    await clock.advance(40_000)
    await a.get('k')
    await a.call().resolve('w')
    await clock.advance(1000)
    expect((await b.get('k')).value).toBe('v')
    expect(b.calls).toHaveLength(0)
    expect((await b.read('k')).value).toMatchObject({ value: 'w', from: 'memory', fetchedAt: EPOCH + 40_000 })
  })

  it('fetches when the tier has only what is held', async () => {
    const { start, clock } = fleet()
    const a = start()
    await a.load('k', 'v')
    await clock.advance(40_000)
    expect((await a.get('k')).value).toBe('v')
    expect(a.tier.count('get')).toBe(2)
    expect(a.calls).toHaveLength(2)
    await a.call().resolve('w')
    expect((await start().get('k')).value).toBe('w')
  })

  it('fetches when the tier has something older than what is held', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'old')
    await clock.advance(10_000)
    b.tier.hang('set')
    const refreshed = b.cache.refresh('k')
    await settle()
    await b.call().resolve('new')
    await refreshed
    await clock.advance(40_000)
    expect((await b.get('k')).value).toBe('new')
    await settle()
    expect(b.cache.peek('k')).toBe('new')
  })

  it('takes another process’s newer value late in its life, and fetches when half of what was left is over', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(10_000)
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve('w')
    await refreshed
    await clock.advance(42_000)
    expect((await b.get('k')).value).toBe('v')
    expect((await b.get('k')).value).toBe('w')
    await clock.advance(9000)
    expect(b.calls).toHaveLength(0)
    expect((await b.get('k')).value).toBe('w')
    await b.call().resolve('x')
    expect(b.cache.peek('k')).toBe('x')
  })

  it('goes to the source when the tier is hung, and the reader does not notice', async () => {
    const { start, clock } = fleet()
    const a = start()
    await a.load('k', 'v')
    await clock.advance(40_000)
    a.tier.hang('get')
    expect((await a.get('k')).value).toBe('v')
    await clock.advance(200)
    expect(a.calls).toHaveLength(2)
  })

  it('of keepFresh() takes the tier’s newer value without a fetch', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    const end = b.cache.entry('k').keepFresh()
    await clock.advance(39_000)
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve('w')
    await refreshed
    await clock.advance(1500)
    expect(b.cache.peek('k')).toBe('w')
    expect(b.calls).toHaveLength(0)
    end()
  })
})

describe('L8 refresh()', () => {
  it('takes no value of the tier, however new', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    const refreshed = outcome(b.cache.refresh('k'))
    await settle()
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('w')
    expect(await refreshed).toBe('w')
    await clock.advance(1)
    expect((await start().get('k')).value).toBe('w')
  })

  it('does not take what a look-up that began earlier brings', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const first = b.cache.get('k')
    await settle()
    const refreshed = outcome(b.cache.refresh('k'))
    await gate.open()
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('w')
    expect(await first).toBe('v')
    expect(await refreshed).toBe('w')
    expect(b.cache.peek('k')).toBe('w')
  })

  it('works while the tier hangs', async () => {
    const { start, clock } = fleet()
    const b = start()
    b.tier.hang()
    const refreshed = outcome(b.cache.refresh('k'))
    await clock.advance(200)
    await b.call().resolve('w')
    expect(await refreshed).toBe('w')
  })

  it('rejects with the source’s error although the tier has a value', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const refreshed = outcome(b.cache.refresh('k'))
    await settle()
    await b.call().reject(down)
    expect(await refreshed).toBe(down)
  })

  it('is told to the tier, so that others take it at their next look', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve('w')
    await refreshed
    await settle()
    expect((await start().get('k')).value).toBe('w')
  })

  it('{ ifOlderThan } returns a held value that came from the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.get('k')
    await clock.advance(5000)
    expect(await b.cache.refresh('k', { ifOlderThan: '6s' })).toBe('v')
    expect(b.calls).toHaveLength(0)
  })
})

describe('L10 expire()', () => {
  it('makes the next read of this process go past what the tier holds', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(1000)
    await a.cache.expire('k')
    expect(a.cache.peek('k')).toBeUndefined()
    const reading = await a.get('k')
    expect([reading.state, a.calls.length]).toEqual(['pending', 2])
    await a.call().resolve('w')
    expect(reading.value).toBe('w')
    expect(b.cache.peek('k')).toBe('v')
  })

  it('lets a tier value fetched after it satisfy the next read', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await clock.advance(1000)
    await a.cache.expire('k')
    await clock.advance(1000)
    const refreshed = b.cache.refresh('k')
    await settle()
    await b.call().resolve('w')
    await refreshed
    await settle()
    expect((await a.read('k')).value).toMatchObject({ value: 'w', from: 'backend' })
    expect(a.calls).toHaveLength(1)
  })

  it('is not told to the tier', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    const before = a.tier.count()
    await a.cache.expire('k')
    expect(a.tier.count()).toBe(before)
    expect((await start().get('k')).value).toBe('v')
  })

  it('holds for a key that is only in the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(1000)
    const b = start()
    await b.cache.expire('k')
    const reading = await b.get('k')
    expect([reading.state, b.calls.length]).toEqual(['pending', 1])
    await b.call().resolve('w')
    expect(reading.value).toBe('w')
  })

  it('discards a look-up that was under way', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(1000)
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const first = b.cache.get('k')
    await settle()
    await b.cache.expire('k')
    const second = await b.get('k')
    await gate.open()
    expect(b.cache.peek('k')).toBeUndefined()
    for (const call of b.calls) await call.resolve('w')
    expect(await first).toMatch(/^[vw]$/)
    expect(second.value).toBe('w')
    expect(b.cache.peek('k')).toBe('w')
  })

  it('lets the expired value serve, as stale, when the source fails', async () => {
    const { start, clock } = fleet()
    const a = start()
    await a.load('k', 'v')
    await clock.advance(1000)
    await a.cache.expire('k')
    const reading = await a.read('k')
    await a.call().reject(down)
    expect(reading.value).toMatchObject({ value: 'v', stale: true })
    await clock.advance(ttl)
    const later = outcome(a.cache.get('k'))
    await settle()
    if (a.calls.length > 2) await a.call().reject(down)
    expect(await later).toBe(down)
  })
})
