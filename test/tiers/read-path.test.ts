/** Where a read finds its value: in memory, in the tier, at the source, in this order. */

import { describe, expect, it } from 'vitest'
import { EPOCH, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

describe('the way of a read', () => {
  it('asks the tier before the source, and memory before the tier', async () => {
    const { start } = fleet()
    const a = start()
    const reading = await a.read('k')
    expect([a.tier.count('get'), a.calls.length, reading.state]).toEqual([1, 1, 'pending'])
    await a.call().resolve('v')
    expect(reading.value).toMatchObject({ value: 'v', from: 'source', stale: false })
    const asked = a.tier.count('get')
    expect((await a.read('k')).value).toMatchObject({ value: 'v', from: 'memory' })
    expect([a.tier.count('get'), a.calls.length]).toEqual([asked, 1])
  })

  it('of a restarted process costs no fetch while what is stored is fresh', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(10_000)
    const b = start()
    expect((await b.read('k')).value).toEqual({
      value: 'v',
      from: 'backend',
      stale: false,
      fetchedAt: EPOCH,
      expiresAt: EPOCH + ttl,
    })
    expect(b.calls).toHaveLength(0)
    expect((await b.read('k')).value?.from).toBe('memory')
    expect(b.cache.tryGet('k')).toBe('v')
  })

  it('keeps the age of a value that came from the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(ttl - 1)
    const b = start()
    await b.get('k')
    expect(b.cache.peek('k')).toBe('v')
    await clock.advance(1)
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('L1 takes what is aging from the tier, with a window of half of what is left, and fetches behind the reader', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(50_000)
    const b = start()
    expect((await b.read('k')).value).toMatchObject({ value: 'v', from: 'backend', stale: false })
    await clock.advance(4999)
    await b.get('k')
    expect(b.tier.count()).toBe(1)
    await clock.advance(1)
    expect((await b.get('k')).value).toBe('v')
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('w')
    expect(b.cache.peek('k')).toBe('w')
  })

  it('takes nothing expired from the tier while the source answers', async () => {
    const { start, clock } = fleet()
    await start({ staleIfError: '1h' }).load('k', 'v')
    await clock.advance(ttl)
    const b = start({ staleIfError: '1h' })
    const reading = await b.read('k')
    expect([reading.state, b.calls.length]).toEqual(['pending', 1])
    await b.call().resolve('w')
    expect(reading.value).toMatchObject({ value: 'w', from: 'source' })
  })

  it('looks up once for all who ask at the same time', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const all = await Promise.all([b.cache.get('k'), b.cache.get('k'), b.cache.read('k').then(({ value }) => value)])
    expect(all).toEqual(['v', 'v', 'v'])
    expect([b.tier.count(), b.calls.length]).toEqual([1, 0])
  })

  it('works with a backend that answers at once instead of with promises', async () => {
    const { start } = fleet()
    const a = start()
    a.tier.answer(() => ({ generation: 'g', stored: undefined }), 'get')
    a.tier.answer(() => 'h', 'set')
    await a.load('k', 'v')
    expect(a.cache.peek('k')).toBe('v')
    expect(a.kinds()).not.toContain('backend-failed')
  })

  it('writes what was fetched with its times, and null is a value', async () => {
    const { start, clock } = fleet()
    const a = start<string | null>({ staleIfError: '1h' })
    const reading = a.cache.get('k')
    await clock.advance(300)
    await a.call().resolve(null)
    expect(await reading).toBeNull()
    const [write] = a.tier.calls.filter(({ operation }) => operation === 'set')
    expect(write?.stored).toMatchObject({
      fetchedAt: EPOCH,
      expiresAt: EPOCH + ttl,
      keepUntil: EPOCH + ttl + 3_600_000,
    })
    expect(write?.ifGeneration).toBeDefined()
    const b = start<string | null>()
    expect((await b.read('k')).value).toMatchObject({ value: null, from: 'backend' })
  })

  it('tells the tier the value’s own expiry', async () => {
    const { start, clock } = fleet()
    const expiresAt = EPOCH + 7000
    const a = start({ expiresAt: () => expiresAt, refreshWindow: 1000 })
    await a.load('k', 'v')
    expect(a.tier.calls.at(-1)?.stored).toMatchObject({ fetchedAt: EPOCH, expiresAt, keepUntil: expiresAt })
    const b = start({ expiresAt: () => expiresAt, refreshWindow: 1000 })
    expect((await b.read('k')).value?.expiresAt).toBe(expiresAt)
    await clock.advance(7000)
    expect(b.cache.peek('k')).toBeUndefined()
    expect((await b.read('k')).state).toBe('pending')
  })

  it('L2 does not serve a stored value for longer than the ttl of who reads it', async () => {
    const { start, clock } = fleet()
    await start({ ttl: '1h', refreshWindow: '1m' }).load('k', 'v')
    await clock.advance(ttl)
    const b = start()
    expect((await b.read('k')).state).toBe('pending')
    expect(b.calls).toHaveLength(1)
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('holds a value that never expires', async () => {
    const { start, clock } = fleet()
    const policy = { ttl: undefined, refreshWindow: undefined, expiresAt: () => undefined } as never
    await start(policy).load('k', 'v')
    await clock.advance(1e10)
    expect((await start(policy).read('k')).value).toMatchObject({ value: 'v', from: 'backend', expiresAt: Infinity })
  })
})

describe('the source is down when the process starts', () => {
  const policy = { staleIfError: '1h' } as const

  it('serves the last good value within staleIfError', async () => {
    const { start, clock } = fleet()
    await start(policy).load('k', 'v')
    await clock.advance(ttl + 1000)
    const b = start(policy)
    const reading = await b.read('k')
    await b.call().reject(down)
    expect(reading.value).toMatchObject({ value: 'v', stale: true })
    expect(b.kinds()).toContain('served-stale')
    expect((await b.read('k')).value).toMatchObject({ value: 'v', stale: true })
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('answers with the error beyond it', async () => {
    const { start, clock } = fleet()
    await start(policy).load('k', 'v')
    await clock.advance(ttl + 3_600_000)
    const b = start(policy)
    const reading = await b.read('k')
    await b.call().reject(down)
    expect(reading.error).toBe(down)
  })

  it('ends at natural expiry plus staleIfError also for who took it earlier', async () => {
    const { start, clock } = fleet()
    await start(policy).load('k', 'v')
    await clock.advance(ttl + 3_600_000 - 1000)
    const b = start(policy)
    const reading = await b.read('k')
    await b.call().reject(down)
    expect(reading.value?.value).toBe('v')
    await clock.advance(1000)
    const later = outcome(b.cache.get('k'))
    await settle()
    if (b.calls.length > 1) await b.call().reject(down)
    expect(await later).toBe(down)
  })

  it('answers with the error when the tier has nothing', async () => {
    const b = fleet().start(policy)
    const reading = await b.read('k')
    await b.call().reject(down)
    expect(reading.error).toBe(down)
  })

  it('gives what is stale to who will not wait longer', async () => {
    const { start, clock } = fleet()
    await start(policy).load('k', 'v')
    await clock.advance(ttl + 1000)
    const b = start(policy)
    const reading = b.cache.read('k', { maxWait: 1000 })
    await clock.advance(1000)
    expect(await reading).toMatchObject({ value: 'v', stale: true })
  })
})
