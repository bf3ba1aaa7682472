/** What a fetch may answer beside a value, and what decides between two values, when one of them lies in a tier. */

import { KeyGoneError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { EPOCH, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')
const missing = new Error('no such thing')
const gone = { classifyError: (error: unknown) => (error === missing ? 'gone' : 'retry') } as const

describe("L16 'gone'", () => {
  it('drops the value here and in the tier', async () => {
    const { start } = fleet()
    const a = start(gone)
    await a.load('k', 'v')
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().reject(missing)
    expect(await refreshed).toBe(missing)
    await a.registry.flush()
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('drops a value that only the tier still had, expired', async () => {
    const { start, clock } = fleet()
    await start({ ...gone, staleIfError: '1h' }).load('k', 'v')
    await clock.advance(ttl)
    const b = start({ ...gone, staleIfError: '1h' })
    const reading = await b.get('k')
    await b.call().reject(missing)
    expect(reading.error).toBe(missing)
    await b.registry.flush()
    const c = start({ ...gone, staleIfError: '1h' })
    const later = await c.get('k')
    await c.call().reject(down)
    expect(later.error).toBe(down)
  })

  it('is remembered for at most 5 s', async () => {
    const { start, clock } = fleet()
    const a = start(gone)
    const reading = await a.get('k')
    await a.call().reject(missing)
    expect(reading.error).toBe(missing)
    expect(await outcome(a.cache.get('k'))).toBe(missing)
    await clock.advance(5000)
    expect((await a.get('k')).state).toBe('pending')
  })

  it('of an overtaken fetch leaves the newer value in the tier', async () => {
    const { start } = fleet()
    const [a, b] = [start(gone), start(gone)]
    const reading = await a.get('k')
    await b.cache.set('k', 'new')
    await a.call().reject(missing)
    expect(reading.error).toBe(missing)
    await a.registry.flush()
    expect(await start().cache.find('k')).toBe('new')
  })

  it('of a batch drops the key that was left out in the tier', async () => {
    const { start, clock } = fleet()
    const a = start({ source: 'many' })
    await a.cache.set('k', 'v')
    await clock.advance(1)
    await a.cache.expire('k')
    const many = a.cache.getMany(['k', 'j'])
    await settle()
    await a.batch().resolve([['j', 'w']])
    expect(await many).toEqual(new Map([['j', 'w']]))
    await a.registry.flush()
    expect(await start().cache.find('k')).toBeUndefined()
    expect(await start().cache.find('j')).toBe('w')
  })

  it('and a tier that cannot be told is not read for that key', async () => {
    const { start, clock } = fleet()
    const a = start(gone)
    await a.load('k', 'v')
    a.tier.fail(down, 'delete')
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().reject(missing)
    await refreshed
    await clock.advance(5000)
    const reading = await a.get('k')
    expect(reading.value).toBeUndefined()
  })

  it('KeyGoneError from a fetch does the same', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().reject(new KeyGoneError('gone'))
    expect(await refreshed).toBeInstanceOf(KeyGoneError)
    await a.registry.flush()
    expect(await start().cache.find('k')).toBeUndefined()
  })
})

describe('L17 the held value that a fetch gets as its second argument', () => {
  it('may come from the tier, aging', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(50_000)
    const b = start()
    await b.get('k')
    await clock.advance(5000)
    await b.get('k')
    expect(b.call().previous).toEqual({ value: 'v', fetchedAt: EPOCH, expiresAt: EPOCH + ttl })
  })

  it('may come from the tier, expired and kept for staleIfError', async () => {
    const { start, clock } = fleet()
    await start({ staleIfError: '1h' }).load('k', 'v')
    await clock.advance(ttl)
    const b = start({ staleIfError: '1h' })
    const reading = await b.get('k')
    expect(b.call().previous?.value).toBe('v')
    await clock.advance(1000)
    await b.call().resolve(b.call().context.notModified())
    expect(reading.value).toBe('v')
    expect(b.cache.peek('k')).toBe('v')
  })

  it('notModified() of it renews its age, in memory and in the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(50_000)
    const b = start()
    await b.get('k')
    await clock.advance(5000)
    await b.get('k')
    await b.call().resolve(b.call().context.notModified())
    await b.registry.flush()
    await clock.advance(10_000)
    expect(b.cache.peek('k')).toBe('v')
    expect((await start().read('k')).value).toMatchObject({ value: 'v', from: 'backend', fetchedAt: EPOCH + 55_000 })
  })

  it('notModified() keeps its identity', async () => {
    const { start, clock } = fleet()
    await start<object>().load('k', { a: 1 })
    const b = start<object>()
    const held = (await b.get('k')).value
    await clock.advance(45_000)
    await b.get('k')
    await b.call().resolve(b.call().context.notModified())
    expect(b.cache.peek('k')).toBe(held)
  })

  it('is nothing after the key was dropped', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    await a.cache.invalidate('k')
    await a.get('k')
    expect(a.call().previous).toBeUndefined()
  })
})

describe('L17 equals', () => {
  it('keeps the identity of what is held when the tier brings an equal, newer one', async () => {
    const { start, clock } = fleet()
    const equals = (next: { n: number }, held: { n: number }) => next.n === held.n
    const [a, b] = [start<{ n: number }>({ equals }), start<{ n: number }>({ equals })]
    await a.load('k', { n: 1 })
    const held = (await b.get('k')).value
    const snapshots: unknown[] = []
    const end = b.cache.entry('k').subscribe(({ value }) => snapshots.push(value))
    await clock.advance(40_000)
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve({ n: 1 })
    await refreshed
    await b.get('k')
    await settle()
    expect(b.cache.peek('k')).toBe(held)
    expect((await b.read('k')).value?.fetchedAt).toBe(EPOCH + 40_000)
    expect(new Set(snapshots.filter(Boolean)).size).toBeLessThanOrEqual(1)
    end()
  })
})

describe('isNewer', () => {
  interface Row {
    readonly version: number
  }
  const isNewer = (next: Row, held: Row) => next.version > held.version

  it('drops a fetched result that is older than what came from the tier, and the tier keeps the newer', async () => {
    const { start, clock } = fleet()
    await start<Row>().load('k', { version: 2 })
    const b = start<Row>({ isNewer })
    await b.get('k')
    await clock.advance(45_000)
    const refreshed = outcome(b.cache.refresh('k'))
    await settle()
    await b.call().resolve({ version: 1 })
    expect(await refreshed).toEqual({ version: 2 })
    await b.registry.flush()
    expect(b.cache.peek('k')).toEqual({ version: 2 })
    expect(await start<Row>().cache.find('k')).toEqual({ version: 2 })
  })

  it('decides between a fetched result and the expired value of the tier', async () => {
    const { start, clock } = fleet()
    const policy = { isNewer, staleIfError: '1h' } as const
    await start<Row>(policy).load('k', { version: 2 })
    await clock.advance(ttl)
    const b = start<Row>(policy)
    const reading = await b.get('k')
    await b.call().resolve({ version: 1 })
    expect(reading.value).toEqual({ version: 2 })
    await b.registry.flush()
    const c = start<Row>(policy)
    const later = await c.get('k')
    await c.call().reject(down)
    expect(later.value).toEqual({ version: 2 })
  })
})

describe('results that are not kept', () => {
  it('L2 slower than its own ttl: not in the tier either', async () => {
    const { start, clock } = fleet()
    const a = start({ ttl: 5000, refreshWindow: 1000 })
    const reading = await a.get('k')
    await clock.advance(6000)
    await a.call().resolve('slow')
    expect(reading.value).toBe('slow')
    await a.registry.flush()
    expect(a.tier.count('set')).toBe(0)
  })

  it('L14 later than fetchTimeout: not in the tier either', async () => {
    const { start, clock } = fleet()
    const a = start({ fetchTimeout: 1000 })
    const reading = await a.get('k')
    await clock.advance(1000)
    expect(reading.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
    await a.call().resolve('late')
    await a.registry.flush()
    expect(a.tier.count('set')).toBe(0)
  })

  it('L18 undefined: not in the tier either', async () => {
    const a = fleet().start()
    const reading = await a.get('k')
    await a.call().resolve(undefined as never)
    expect(reading.error).toMatchObject({ code: 'INVALID_VALUE' })
    expect(a.tier.count('set')).toBe(0)
  })

  it('a failed fetch writes nothing', async () => {
    const a = fleet().start()
    const reading = await a.get('k')
    await a.call().reject(down)
    expect(reading.error).toBe(down)
    expect([a.tier.count('set'), a.tier.count('delete')]).toEqual([0, 0])
  })
})

describe('L14 the time that a fetch may take', () => {
  it('begins when the source is asked or when the flight begins, and covers a hung tier', async () => {
    const { start, clock } = fleet()
    const a = start({ fetchTimeout: 1000 })
    a.tier.hang('get')
    const reading = await a.get('k')
    await clock.advance(200)
    expect(a.calls).toHaveLength(1)
    await clock.advance(1000)
    expect(reading.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
  })
})

describe('L16 fatal', () => {
  it('is cleared by set(), and the tier’s value does not hide it', async () => {
    const { start, clock } = fleet()
    const policy = { classifyError: () => 'fatal' as const }
    const a = start(policy)
    await a.load('k', 'v')
    await clock.advance(1000)
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().reject(down)
    expect(await refreshed).toBe(down)
    expect(await outcome(a.cache.get('k'))).toBe(down)
    await a.cache.set('k', 'new')
    expect(await a.cache.get('k')).toBe('new')
  })
})

describe('seed()', () => {
  it('is put in memory and is superseded by what set() brings', async () => {
    const { start } = fleet()
    const a = start()
    expect(a.cache.seed('k', 'seed')).toBe(true)
    expect((await a.read('k')).value).toMatchObject({ value: 'seed', from: 'memory' })
    expect(a.calls).toHaveLength(0)
    await a.cache.set('k', 'new')
    expect(await start().cache.find('k')).toBe('new')
  })
})
