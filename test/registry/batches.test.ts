/** getMany() and fetchMany: one call for what is missing, per-key outcomes, and single flight with every other read. */

import { BatchError, CacheRegistry, KeyGoneError } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, keyed, outcome, ttl } from '../support/keyed.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

const down = new Error('down')
const failed = async (promise: Promise<unknown>) => {
  const error = await outcome(promise)
  expect(error).toBeInstanceOf(BatchError)
  return error as BatchError<string, string>
}

describe('one call', () => {
  it('all missing keys go into one call, held ones do not', async () => {
    const { cache, batches, batch } = keyed({ source: 'many' })
    await cache.set('b', 'held')
    const many = cache.getMany(['a', 'b', 'c'])
    await flush()
    expect(batches.map(({ keys }) => keys)).toEqual([['a', 'c']])
    await batch().resolve([
      ['a', '1'],
      ['c', '3'],
    ])
    expect(await many).toEqual(
      new Map([
        ['a', '1'],
        ['b', 'held'],
        ['c', '3'],
      ]),
    )
  })

  it('of no keys it fetches nothing', async () => {
    const { cache, batches } = keyed({ source: 'many' })
    expect(await cache.getMany([])).toEqual(new Map())
    expect(batches).toEqual([])
  })

  it('of held keys it fetches nothing', async () => {
    const { cache, batches } = keyed({ source: 'many' })
    await cache.set('a', '1')
    expect(await cache.getMany(['a'])).toEqual(new Map([['a', '1']]))
    expect(batches).toEqual([])
  })

  it('duplicates are asked for once', async () => {
    const { cache, batch, batches } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'a', 'b', 'a'])
    await flush()
    expect(batches.map(({ keys }) => keys)).toEqual([['a', 'b']])
    await batch().resolve([
      ['b', '2'],
      ['a', '1'],
    ])
    expect([...(await many)]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('equal keys that are different objects are asked for once, and each caller finds its own', async () => {
    const { cache, batch } = keyed<string, { id: string }>({ source: 'many', key: ({ id }) => id })
    const [one, same] = [{ id: 'a' }, { id: 'a' }]
    const many = cache.getMany([one, same])
    await flush()
    expect(batch().keys).toHaveLength(1)
    await batch().resolve([[{ id: 'a' }, 'v']])
    const got = await many
    expect([got.get(one), got.get(same)]).toEqual(['v', 'v'])
  })

  it('pairs may come in any order, as a Map, an array or a generator', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const first = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve(
      new Map([
        ['b', '2'],
        ['a', '1'],
      ]),
    )
    expect([...(await first).keys()]).toEqual(['a', 'b'])
    const second = cache.getMany(['c', 'd'])
    await flush()
    await batch().resolve(
      (function* () {
        yield ['d', '4'] as const
        yield ['c', '3'] as const
      })(),
    )
    expect([...(await second).values()]).toEqual(['3', '4'])
  })

  it('any iterable of keys will do, and is read once', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const many = cache.getMany(
      (function* () {
        yield 'a'
        yield 'b'
      })(),
    )
    await flush()
    expect(batch().keys).toEqual(['a', 'b'])
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    expect((await many).size).toBe(2)
  })

  it('pairs that nobody asked for are ignored', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const many = cache.getMany(['a'])
    await flush()
    await batch().resolve([
      ['z', 'uninvited'],
      ['a', '1'],
    ])
    expect(await many).toEqual(new Map([['a', '1']]))
    expect(cache.peek('z')).toBeUndefined()
    expect(cache.size).toBe(1)
  })

  it('falsy values are values', async () => {
    const { cache, batch } = keyed<unknown>({ source: 'many' })
    const keys = ['zero', 'empty', 'no', 'null', 'nan']
    const many = cache.getMany(keys)
    await flush()
    const values = [0, '', false, null, Number.NaN]
    await batch().resolve(keys.map((key, at) => [key, values[at]]))
    expect([...(await many).values()]).toEqual(values)
    expect(keys.map((key) => cache.peek(key))).toEqual(values)
  })

  it('the context tells the reason and the start', async () => {
    const { cache, batch, clock } = keyed({ source: 'many' })
    await clock.advance(7)
    void cache.getMany(['a'])
    await flush()
    expect(batch().context).toMatchObject({ reason: 'first', startedAt: EPOCH + 7 })
    expect(batch().context.signal.aborted).toBe(false)
  })

  it('L2 the age of every key counts from the start of the call', async () => {
    const { cache, batch, clock } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await clock.advance(1000)
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    await many
    expect(await cache.read('b')).toMatchObject({ fetchedAt: EPOCH, expiresAt: EPOCH + ttl, from: 'memory' })
  })

  it('without fetchMany each key has a fetch of its own', async () => {
    const { cache, calls } = keyed()
    const many = cache.getMany(['a', 'b', 'a'])
    await flush()
    expect(calls.map(({ key }) => key)).toEqual(['a', 'b'])
    await calls[1]?.resolve('2')
    await calls[0]?.resolve('1')
    expect([...(await many)]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('with both, getMany() uses fetchMany', async () => {
    const { cache, calls, batch } = keyed({ source: 'both' })
    void cache.getMany(['a', 'b'])
    await flush()
    expect(calls).toHaveLength(0)
    expect(batch().keys).toEqual(['a', 'b'])
  })
})

describe('single flight', () => {
  it('L5 getMany() joins fetches in the air and sends the rest', async () => {
    const { cache, calls, batch } = keyed({ source: 'both' })
    const one = cache.get('a')
    await flush()
    if (calls.length === 0) expect(batch().keys).toEqual(['a'])
    const many = cache.getMany(['a', 'b'])
    await flush()
    expect(batch().keys).toEqual(['b'])
    await batch().resolve([['b', '2']])
    await calls[0]?.resolve('1')
    expect([await one, ...(await many).values()]).toEqual(['1', '1', '2'])
  })

  it('L5 get() joins a batch in the air', async () => {
    const { cache, batches, batch } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    const one = cache.get('a')
    await flush()
    expect(batches).toHaveLength(1)
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    expect([await one, (await many).size]).toEqual(['1', 2])
  })

  it('L5 two getMany() that overlap ask for each key once', async () => {
    const { cache, batches } = keyed({ source: 'many' })
    const one = cache.getMany(['a', 'b'])
    const other = cache.getMany(['b', 'c'])
    await flush()
    expect(batches.flatMap(({ keys }) => keys).sort()).toEqual(['a', 'b', 'c'])
    for (const each of batches) await each.resolve(each.keys.map((key) => [key, key.toUpperCase()]))
    expect([...(await one).values(), ...(await other).values()]).toEqual(['A', 'B', 'B', 'C'])
  })

  it('get() works with fetchMany alone', async () => {
    const { cache, clock, batch } = keyed({ source: 'many' })
    const one = cache.get('a')
    await clock.advance(0)
    expect(batch().keys).toEqual(['a'])
    await batch().resolve([['a', '1']])
    expect(await one).toBe('1')
  })

  it('L8 refresh() works with fetchMany alone', async () => {
    const { cache, clock, batch } = keyed({ source: 'many' })
    await cache.set('a', 'old')
    const one = cache.refresh('a')
    await clock.advance(0)
    expect(batch().keys).toEqual(['a'])
    expect(batch().context.reason).toBe('refresh')
    await batch().resolve([['a', 'new']])
    expect(await one).toBe('new')
  })
})

describe('per-key outcomes', () => {
  it('L16 a key left out is gone: absent from the map, and get() of it rejects', async () => {
    const { cache, batch, batches, clock } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve([['a', '1']])
    expect(await many).toEqual(new Map([['a', '1']]))
    expect(await outcome(cache.get('b'))).toBeInstanceOf(KeyGoneError)
    expect(batches).toHaveLength(1)
    await clock.advance(5000)
    void cache.get('b')
    await clock.advance(0)
    expect(batches).toHaveLength(2)
  })

  it('L16 a key that is remembered as gone is absent from the next map as well, without a call', async () => {
    const { cache, batch, batches } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve([['a', '1']])
    await many
    expect(await cache.getMany(['a', 'b'])).toEqual(new Map([['a', '1']]))
    expect(batches).toHaveLength(1)
  })

  it('L16 any mutation forgets that a key was gone', async () => {
    for (const mutate of ['invalidate', 'expire'] as const) {
      const { cache, batch, batches, clock } = keyed({ source: 'many' })
      const many = cache.getMany(['a'])
      await flush()
      await batch().resolve([])
      expect(await many).toEqual(new Map())
      await cache[mutate]('a')
      void cache.get('a')
      await clock.advance(0)
      expect([mutate, batches.length]).toEqual([mutate, 2])
    }
  })

  it('L16 a key left out by a refresh drops the value that was held', async () => {
    const { cache, batch, clock } = keyed({ source: 'many' })
    await cache.set('a', 'old')
    await clock.advance(ttl - 10_000)
    await cache.getMany(['a'])
    await clock.advance(1000)
    await batch().resolve([])
    expect(cache.peek('a')).toBeUndefined()
  })

  it('L15 if the call fails, every key that it was for has that error; held ones are in values', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    await cache.set('held', 'v')
    const many = cache.getMany(['a', 'held', 'b'])
    await flush()
    await batch().reject(down)
    const { errors, values } = await failed(many)
    expect([...errors]).toEqual([
      ['a', down],
      ['b', down],
    ])
    expect([...values]).toEqual([['held', 'v']])
  })

  it.each([undefined, null, 0, '', false])('L11 an error may be %s', async (error) => {
    const { cache, batch } = keyed({ source: 'many' })
    const many = cache.getMany(['a'])
    await flush()
    await batch().reject(error)
    const { errors } = await failed(many)
    expect([...errors]).toEqual([['a', error]])
  })

  it('without fetchMany, an error is of its key alone', async () => {
    const { cache, call } = keyed()
    const many = cache.getMany(['a', 'b', 'c'])
    await flush()
    await call('b').reject(down)
    await call('a').resolve('1')
    await call('c').resolve('3')
    const { errors, values } = await failed(many)
    expect([...errors]).toEqual([['b', down]])
    expect([...values]).toEqual([
      ['a', '1'],
      ['c', '3'],
    ])
  })

  it('L18 undefined for a key fails that key alone', async () => {
    const { cache, batch } = keyed<unknown>({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve([
      ['a', undefined],
      ['b', '2'],
    ])
    const { errors, values } = await failed(many)
    expect([...errors.keys()]).toEqual(['a'])
    expect(errors.get('a')).toMatchObject({ code: 'INVALID_VALUE' })
    expect([...values]).toEqual([['b', '2']])
    expect(cache.peek('b')).toBe('2')
  })

  it('L18 a schema judges each key alone', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => (value === 'bad' ? { issues: [{ message: 'secret' }] } : { value: `${value}!` }),
      },
    }
    const { cache, batch } = keyed({ source: 'many', schema })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve([
      ['a', 'bad'],
      ['b', 'good'],
    ])
    const { errors, values } = await failed(many)
    expect(errors.get('a')).toMatchObject({ code: 'INVALID_VALUE' })
    expect([...values]).toEqual([['b', 'good!']])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an object', { a: '1' }],
    ['pairs that are no pairs', [1, 2]],
    ['null pairs', [null]],
  ])('L11 a call that returns %s has failed, for each key', async (_, garbage) => {
    const { cache, batch } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().resolve(garbage as never)
    const { errors } = await failed(many)
    expect([...errors.keys()]).toEqual(['a', 'b'])
    expect(cache.size).toBe(0)
  })

  it('L11 an iterator that throws half way fails the keys it did not reach, and rejects nothing unhandled', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, batch } = keyed({ source: 'many' })
      const many = cache.getMany(['a', 'b'])
      await flush()
      await batch().resolve(
        (function* () {
          yield ['a', '1'] as const
          throw down
        })(),
      )
      const { errors } = await failed(many)
      expect(errors.get('b')).toBe(down)
    })
    expect(unhandled).toEqual([])
  })

  it('L11 a fetchMany that throws at once fails each key', async () => {
    const registry = new CacheRegistry()
    const fetchMany = () => {
      throw down
    }
    const cache = registry.define<string>({ type: 't', ttl: 1000, fetchMany })
    const { errors } = await failed(cache.getMany(['a', 'b']))
    expect([...errors]).toEqual([
      ['a', down],
      ['b', down],
    ])
  })

  it('L12 a failed batch starts a cool-down of each key', async () => {
    const { cache, batch, batches, clock } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b'])
    await flush()
    await batch().reject(down)
    await failed(many)
    const { errors } = await failed(cache.getMany(['a', 'b']))
    expect([...errors.values()]).toEqual([down, down])
    expect(batches).toHaveLength(1)
    await clock.advance(750)
    void cache.getMany(['a', 'b'])
    await flush()
    expect(batches).toHaveLength(2)
  })

  it('L17 equals keeps the identity of what is held', async () => {
    const { cache, batch } = keyed<{ n: number }>({ source: 'many', equals: (a, b) => a.n === b.n })
    const held = { n: 1 }
    await cache.set('a', held)
    const refreshed = cache.refresh('a')
    await flush()
    await batch().resolve([['a', { n: 1 }]])
    expect(await refreshed).toBe(held)
  })

  it('a BatchError names no value', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    await cache.set('held', 'secret')
    const many = cache.getMany(['a', 'held'])
    await flush()
    await batch().reject(down)
    const error = await failed(many)
    expect(`${error} ${JSON.stringify(error)} ${(await import('node:util')).inspect(error)}`).not.toContain('secret')
    expect(error.code).toBe('BATCH')
  })

  it('a BatchError keeps the keys as they were asked for', async () => {
    const { cache, batch } = keyed<string, { id: string }>({ source: 'many', key: ({ id }) => id })
    const key = { id: 'a' }
    const many = cache.getMany([key])
    await flush()
    await batch().reject(down)
    const error = (await outcome(many)) as BatchError
    expect([...error.errors.keys()][0]).toBe(key)
  })
})

describe('waiters', () => {
  it('L15 one aborted waiter leaves the batch to the others', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const leaving = new AbortController()
    const one = outcome(cache.getMany(['a', 'b'], { signal: leaving.signal }))
    const other = cache.getMany(['a', 'b'])
    await flush()
    leaving.abort(down)
    expect(await one).toBe(down)
    expect(batch().context.signal.aborted).toBe(false)
    await batch().resolve([
      ['a', '1'],
      ['b', '2'],
    ])
    expect((await other).size).toBe(2)
  })

  it('an aborted batch is still kept: its waiter left, the slot is its own', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const leaving = new AbortController()
    const one = outcome(cache.getMany(['a'], { signal: leaving.signal }))
    await flush()
    leaving.abort(down)
    await one
    expect(batch().context.signal.aborted).toBe(false)
    await batch().resolve([['a', '1']])
    expect(cache.peek('a')).toBe('1')
  })

  it('a signal that was aborted before starts nothing', async () => {
    const { cache, batches } = keyed({ source: 'many' })
    expect(await outcome(cache.getMany(['a'], { signal: AbortSignal.abort(down) }))).toBe(down)
    await flush()
    expect(batches).toHaveLength(0)
  })

  it('a batch is aborted only when all of its keys are abandoned', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const leaving = new AbortController()
    const many = outcome(cache.getMany(['a', 'b'], { signal: leaving.signal }))
    await flush()
    leaving.abort(down)
    await many
    await cache.invalidate('a')
    expect(batch().context.signal.aborted).toBe(false)
    await cache.invalidate('b')
    expect(batch().context.signal.aborted).toBe(true)
  })

  it('L6 a mutation of one key of a batch leaves the others to it', async () => {
    const { cache, batch } = keyed({ source: 'many' })
    const many = cache.getMany(['a', 'b', 'c'])
    await flush()
    await cache.invalidate('a')
    await cache.set('b', 'set')
    await batch().resolve(['a', 'b', 'c'].map((key) => [key, 'fetched']))
    expect([...(await many).values()]).toEqual(['fetched', 'set', 'fetched'])
    expect(['a', 'b', 'c'].map((key) => cache.peek(key))).toEqual([undefined, 'set', 'fetched'])
  })

  it('L14 a batch that does not settle times out for each key', async () => {
    const { cache, batch, clock } = keyed({ source: 'many', fetchTimeout: 1000 })
    const many = settlement(cache.getMany(['a', 'b']))
    await flush()
    await clock.advance(1000)
    expect(many.error).toBeInstanceOf(BatchError)
    expect([...(many.error as BatchError).errors.values()]).toMatchObject([
      { code: 'FETCH_TIMEOUT' },
      { code: 'FETCH_TIMEOUT' },
    ])
    expect(batch().context.signal.aborted).toBe(true)
    await batch().resolve([['a', 'late']])
    expect(cache.peek('a')).toBeUndefined()
  })

  it('L13 maxWait bounds the wait for each key', async () => {
    const { cache, clock, batch } = keyed({ source: 'many' })
    await cache.set('held', 'v')
    const many = settlement(cache.getMany(['a', 'held'], { maxWait: 100 }))
    await clock.advance(100)
    const error = many.error as BatchError
    expect(error.errors.get('a')).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect([...error.values]).toEqual([['held', 'v']])
    await batch().resolve([['a', '1']])
    expect(cache.peek('a')).toBe('1')
  })

  it('L20 dispose() rejects who waits and aborts the call', async () => {
    const { cache, batch, registry } = keyed({ source: 'many' })
    const many = outcome(cache.getMany(['a', 'b']))
    await flush()
    await registry.dispose()
    const error = (await many) as BatchError & { code: string }
    const codes = error.code === 'BATCH' ? [...error.errors.values()] : [error, error]
    expect(codes).toMatchObject([{ code: 'DISPOSED' }, { code: 'DISPOSED' }])
    expect(batch().context.signal.aborted).toBe(true)
  })

  it('L23 waitUntil gets the refresh that a getMany() leaves behind', async () => {
    const { cache, clock, batch } = keyed({ source: 'many' })
    await cache.set('a', 'old')
    await clock.advance(ttl - 10_000)
    const waitUntil = vi.fn()
    expect((await cache.getMany(['a'], { waitUntil })).get('a')).toBe('old')
    await clock.advance(1000)
    expect(waitUntil).toHaveBeenCalled()
    const work = settlement(waitUntil.mock.calls[0]?.[0])
    await flush()
    expect(work.state).toBe('pending')
    await batch().reject(down)
    expect(work.state).toBe('fulfilled')
  })

  it('L11 a batch nobody waits for any more rejects nothing unhandled', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, batch } = keyed({ source: 'many' })
      const many = outcome(cache.getMany(['a', 'b'], { signal: AbortSignal.timeout(1) }))
      await flush()
      await many
      await batch().reject(undefined)
    })
    expect(unhandled).toEqual([])
  })
})

describe('refresh ahead', () => {
  const keys = ['a', 'b', 'c']
  const aging = async () => {
    const world = keyed({ source: 'many' })
    for (const key of keys) await world.cache.set(key, 'old')
    return world
  }

  it('aging keys read by one getMany() are refreshed by one call', async () => {
    const { cache, clock, batches } = await aging()
    await clock.advance(ttl - 10_000)
    expect([...(await cache.getMany(keys)).values()]).toEqual(['old', 'old', 'old'])
    await clock.advance(1000)
    expect(batches.map((each) => [...each.keys].sort())).toEqual([keys])
    expect(batches[0]?.context.reason).toBe('aging')
  })

  it('aging keys read by gets of one turn are refreshed by one call', async () => {
    const { cache, clock, batches } = await aging()
    await clock.advance(ttl - 10_000)
    await Promise.all(keys.map((key) => cache.get(key)))
    await clock.advance(1000)
    expect(batches.map((each) => [...each.keys].sort())).toEqual([keys])
  })

  it('keys kept fresh that are due together are refreshed by one call', async () => {
    const { cache, clock, batches, batch } = await aging()
    const ends = keys.map((key) => cache.entry(key).keepFresh())
    await clock.advance(ttl - 20_000 + 1000)
    expect(batches.map((each) => [...each.keys].sort())).toEqual([keys])
    await batch().resolve(keys.map((key) => [key, 'new']))
    expect(keys.map((key) => cache.peek(key))).toEqual(['new', 'new', 'new'])
    for (const end of ends) end()
  })

  it('L22 keepFresh() of a key that holds nothing usable fetches at once, and takes others along', async () => {
    const { cache, clock, batches } = await aging()
    const ends = keys.slice(0, 2).map((key) => cache.entry(key).keepFresh())
    await clock.advance(ttl - 20_000)
    expect(batches).toHaveLength(0)
    ends.push(cache.entry('empty').keepFresh())
    await flush()
    expect(batches.map((each) => [...each.keys].sort())).toEqual([['a', 'b', 'empty']])
    await clock.advance(1000)
    expect(batches).toHaveLength(1)
    for (const end of ends) end()
  })

  it('missing and aging keys of one getMany() do not make the missing wait for more than one call', async () => {
    const { cache, clock, batches } = await aging()
    await clock.advance(ttl - 10_000)
    const many = settlement(cache.getMany([...keys, 'new']))
    await clock.advance(1000)
    expect(batches.flatMap((each) => each.keys).sort()).toEqual([...keys, 'new'])
    for (const each of batches) await each.resolve(each.keys.map((key) => [key, 'v']))
    expect(many.state).toBe('fulfilled')
  })

  it('a failed batched refresh keeps every value', async () => {
    const { cache, clock, batch } = await aging()
    await clock.advance(ttl - 10_000)
    await cache.getMany(keys)
    await clock.advance(1000)
    await batch().reject(down)
    expect([...(await cache.getMany(keys)).values()]).toEqual(['old', 'old', 'old'])
    expect(cache.entry('b').getSnapshot().failure?.error).toBe(down)
  })
})
