/** find() and getMany(): memory, then the tier in one call, and for getMany() the source in one call for the rest. */

import { BackendError, BatchError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'
import { backendDeadline, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

describe('find()', () => {
  it('looks in memory, then in the tier, never at the source', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    const asked = a.tier.count()
    expect(await a.cache.find('k')).toBe('v')
    expect(a.tier.count()).toBe(asked)
    const b = start()
    expect(await b.cache.find('k')).toBe('v')
    expect(await b.cache.find('nothing')).toBeUndefined()
    expect(b.calls).toHaveLength(0)
  })

  it('keeps what it found', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.cache.find('k')
    expect(b.cache.peek('k')).toBe('v')
    expect((await b.read('k')).value?.from).toBe('memory')
  })

  it('does not find what is expired', async () => {
    const { start, clock } = fleet()
    await start({ staleIfError: '1h' }).load('k', 'v')
    await clock.advance(ttl)
    expect(await start({ staleIfError: '1h' }).cache.find('k')).toBeUndefined()
  })

  it('rejects with BackendError when the tier cannot be asked, within its deadline', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.fail(down, 'get')
    expect(await outcome(a.cache.find('k'))).toMatchObject({ code: 'BACKEND', operation: 'get', cause: down })
    a.tier.hang('get')
    const found = settlement(a.cache.find('k'))
    await clock.advance(backendDeadline)
    expect(found.error).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
  })

  it('of a weak handle does too', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    expect(await b.cache.weak().find('k')).toBe('v')
    b.tier.fail(down, 'get')
    expect(await outcome(b.cache.weak().find('j'))).toBeInstanceOf(BackendError)
  })

  it('does not find what was told to expire', async () => {
    const { start, clock } = fleet()
    const a = start()
    await a.load('k', 'v')
    await clock.advance(1)
    await a.cache.expire('k')
    expect(await a.cache.find('k')).toBeUndefined()
  })

  it('does not bring back what was dropped while it looked', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const found = settlement(b.cache.find('k'))
    await settle()
    const dropped = b.cache.invalidate('k')
    await gate.open()
    await dropped
    expect(found.state).toBe('fulfilled')
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('does not wait for a fetch in the air', async () => {
    const { start } = fleet()
    const a = start()
    await a.get('k')
    expect(a.calls).toHaveLength(1)
    expect(await a.cache.find('k')).toBeUndefined()
  })
})

describe('getMany()', () => {
  const many = { source: 'many' } as const

  it('asks the tier once for what memory lacks, and the source once for what the tier lacks', async () => {
    const { start } = fleet()
    const writer = start(many)
    await writer.cache.set('in memory', 'm')
    await writer.cache.set('in tier', 't')
    const b = start(many)
    await b.cache.find('in memory')
    const asked = b.tier.count()
    const got = b.cache.getMany(['in memory', 'in tier', 'x', 'y'])
    await settle()
    expect(b.tier.count() - asked).toBe(1)
    expect(b.tier.calls.at(-1)).toMatchObject({ operation: 'getMany', keys: { length: 3 } })
    expect(b.batches.map(({ keys }) => keys)).toEqual([['x', 'y']])
    await b.batch().resolve([
      ['x', '1'],
      ['y', '2'],
    ])
    expect([...(await got)].sort()).toEqual([
      ['in memory', 'm'],
      ['in tier', 't'],
      ['x', '1'],
      ['y', '2'],
    ])
  })

  it('calls no source at all when the tier has all of it', async () => {
    const { start } = fleet()
    const writer = start(many)
    await writer.cache.set('a', '1')
    await writer.cache.set('b', '2')
    const b = start(many)
    expect(await b.cache.getMany(['a', 'b'])).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
    expect([b.batches.length, b.tier.count()]).toEqual([0, 1])
    expect(b.registry.stats()).toMatchObject({ backendHits: 2, fetches: 0 })
  })

  it('calls nothing for no keys', async () => {
    const a = fleet().start(many)
    expect(await a.cache.getMany([])).toEqual(new Map())
    expect([a.tier.count(), a.batches.length]).toEqual([0, 0])
  })

  it('asks once for a key that is given twice', async () => {
    const a = fleet().start(many)
    const got = a.cache.getMany(['k', 'k', 'j', 'k'])
    await settle()
    expect(a.tier.calls.at(-1)?.keys).toHaveLength(2)
    expect(a.batch().keys).toEqual(['k', 'j'])
    await a.batch().resolve([
      ['k', '1'],
      ['j', '2'],
    ])
    expect((await got).size).toBe(2)
  })

  it('writes each fetched value to the tier', async () => {
    const { start } = fleet()
    const a = start(many)
    const got = a.cache.getMany(['k', 'j'])
    await settle()
    await a.batch().resolve([
      ['j', '2'],
      ['k', '1'],
    ])
    await got
    await a.registry.flush()
    const b = start(many)
    expect([await b.cache.find('k'), await b.cache.find('j')]).toEqual(['1', '2'])
  })

  it('works with a backend that has no getMany', async () => {
    const { start } = fleet()
    await start(many).cache.set('k', 'v')
    const b = start(many, { withMany: false })
    const got = b.cache.getMany(['k', 'j'])
    await settle()
    expect(b.batch().keys).toEqual(['j'])
    await b.batch().resolve([['j', 'w']])
    expect((await got).get('k')).toBe('v')
  })

  it('works with a fetch of single keys', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const got = b.cache.getMany(['k', 'j'])
    await settle()
    expect(b.calls.map(({ key }) => key)).toEqual(['j'])
    await b.call().resolve('w')
    expect((await got).size).toBe(2)
  })

  it('fetches all when the tier is down or hung, within one deadline', async () => {
    const { start, clock } = fleet()
    const a = start(many)
    a.tier.fail(down)
    const got = a.cache.getMany(['k', 'j'])
    await settle()
    expect(a.batch().keys).toEqual(['k', 'j'])
    await a.batch().resolve([
      ['k', '1'],
      ['j', '2'],
    ])
    expect((await got).size).toBe(2)
    const b = start(many)
    b.tier.hang()
    const slow = b.cache.getMany(['k', 'j', 'i'])
    await clock.advance(backendDeadline)
    expect(b.batches.map(({ keys }) => keys)).toEqual([['k', 'j', 'i']])
    await b.batch().resolve([])
    expect((await slow).size).toBe(0)
  })

  it.each([
    ['too few answers', () => []],
    ['nothing', () => undefined],
    ['garbage', () => [undefined, 7]],
    ['something that is no list', () => ({})],
  ])('takes %s for misses', async (_, answer) => {
    const { start } = fleet()
    const a = start(many)
    a.tier.answer(answer, 'getMany')
    const got = a.cache.getMany(['k', 'j'])
    await settle()
    expect(a.batch().keys).toEqual(['k', 'j'])
    await a.batch().resolve([
      ['k', '1'],
      ['j', '2'],
    ])
    expect((await got).size).toBe(2)
  })

  it('joins what is in the air, also a look-up', async () => {
    const { start } = fleet()
    await start(many).cache.set('k', 'v')
    const b = start(many)
    const gate = b.tier.hold('get', 'after')
    const first = b.cache.get('k')
    await settle()
    const got = b.cache.getMany(['k', 'j'])
    await settle()
    await gate.open()
    await b.batch().resolve([['j', 'w']])
    expect((await got).get('k')).toBe('v')
    expect(await first).toBe('v')
    expect(b.batches.flatMap(({ keys }) => keys)).toEqual(['j'])
  })

  it('that is abandoned during the look-up does not reach the source', async () => {
    const { start, clock } = fleet()
    const a = start(many)
    const gate = a.tier.hold('getMany')
    const leaving = new AbortController()
    const got = outcome(a.cache.getMany(['k', 'j'], { signal: leaving.signal }))
    await settle()
    leaving.abort(down)
    expect(await got).toBe(down)
    const cleared = a.cache.clear()
    await clock.advance(backendDeadline)
    await gate.open()
    await cleared
    await clock.advance(100)
    expect(a.batches).toHaveLength(0)
  })

  it('keeps a key that was invalidated during the batch from the tier, and the others not', async () => {
    const { start } = fleet()
    const [a, b] = [start(many), start(many)]
    const got = a.cache.getMany(['k', 'j'])
    await settle()
    await b.cache.invalidate('k')
    await a.batch().resolve([
      ['k', 'late'],
      ['j', 'fine'],
    ])
    expect((await got).size).toBe(2)
    await a.registry.flush()
    const c = start(many)
    expect([await c.cache.find('k'), await c.cache.find('j')]).toEqual([undefined, 'fine'])
    expect([a.cache.peek('k'), a.cache.peek('j')]).toEqual([undefined, 'fine'])
  })

  it('does not bring back from the tier what is told to expire', async () => {
    const { start, clock } = fleet()
    const a = start(many)
    await a.cache.set('k', 'v')
    await clock.advance(1)
    await a.cache.expire('k')
    const got = a.cache.getMany(['k'])
    await settle()
    await a.batch().resolve([['k', 'w']])
    expect((await got).get('k')).toBe('w')
  })

  it('serves stale what the tier keeps when the source fails', async () => {
    const { start, clock } = fleet()
    const policy = { ...many, staleIfError: '1h' } as const
    await start(policy).cache.set('k', 'v')
    await clock.advance(ttl)
    const b = start(policy)
    const got = b.cache.getMany(['k'])
    await settle()
    await b.batch().reject(down)
    expect((await got).get('k')).toBe('v')
  })

  it('fails only for the keys that neither the tier nor the source had', async () => {
    const { start } = fleet()
    await start(many).cache.set('k', 'v')
    const b = start(many)
    const got = outcome(b.cache.getMany(['k', 'j']))
    await settle()
    await b.batch().reject(down)
    const error = (await got) as BatchError
    expect(error).toBeInstanceOf(BatchError)
    expect([...error.errors]).toEqual([['j', down]])
    expect([...error.values]).toEqual([['k', 'v']])
  })

  it('refreshes behind the reader what the tier has aging', async () => {
    const { start, clock } = fleet()
    await start(many).cache.set('k', 'v')
    const b = start(many)
    await b.cache.getMany(['k'])
    await clock.advance(45_000)
    expect((await b.cache.getMany(['k'])).get('k')).toBe('v')
    await clock.advance(100)
    await b.batch().resolve([['k', 'w']])
    expect(b.cache.peek('k')).toBe('w')
  })

  it('of a thousand keys is one look-up and one batch', async () => {
    const { start } = fleet()
    const a = start(many)
    const keys = Array.from({ length: 1000 }, (_, index) => `${index}`)
    const got = a.cache.getMany(keys)
    await settle()
    await a.batch().resolve(keys.map((key) => [key, key]))
    expect((await got).size).toBe(1000)
    expect([a.tier.count('getMany'), a.tier.count('get'), a.batches.length]).toEqual([1, 0, 1])
    await a.registry.flush()
    const b = start(many)
    expect((await b.cache.getMany(keys)).get('999')).toBe('999')
  })
})
