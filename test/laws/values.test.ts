/** L17 and L18: what a fetch is given, when its result counts as new, and what may be a value at all. */
import { BackgroundCache, type Held, InvalidValueError, type NotModified, type StandardSchema } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

interface Config {
  readonly version: number
  readonly label?: string
}

useFakeTime()

describe('the second argument of a fetch', () => {
  it('L17 is undefined while nothing is held', async () => {
    const { cache, call } = emptyCache()
    void settlement(cache.get())
    await flush()
    expect(call().previous).toBeUndefined()
    expect(() => call().context.notModified()).toThrow(TypeError)
  })

  it('L17 is what is held, with its times', async () => {
    const config: Config = { version: 1 }
    const { cache, call } = await cacheHolding(config)
    const { fetchedAt, expiresAt } = cache.getSnapshot()
    await pass(45_000)
    await cache.get()
    await flush()
    expect(call().previous).toEqual({ value: config, fetchedAt, expiresAt })
    expect(call().previous?.value).toBe(config)
    expect(expiresAt).toBe((fetchedAt ?? 0) + 60_000)
  })

  it('L17 is the expired value too', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    await pass(7 * 86_400_000)
    void settlement(cache.get())
    await flush()
    expect(call().previous?.value).toBe('one')
  })

  it('L17 stays through failures', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    await pass(60_000)
    for (let attempt = 0; attempt < 3; attempt++) {
      void settlement(cache.get())
      await flush()
      expect(call().previous?.value).toBe('one')
      call().reject(new Error('down'))
      await pass(10_000)
    }
  })

  it('L17 is the value given by set()', async () => {
    const { cache, call } = emptyCache()
    cache.set('given')
    void settlement(cache.refresh())
    await flush()
    expect(call().previous?.value).toBe('given')
  })

  it('L17 is gone after invalidate()', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    cache.invalidate()
    void settlement(cache.get())
    await flush()
    expect(call().previous).toBeUndefined()
  })
})

describe('notModified()', () => {
  it('L17 renews the age from the start of that fetch and keeps the identity', async () => {
    const config: Config = { version: 1 }
    const { cache, call, fetch } = await cacheHolding(config)
    await pass(45_000)
    await cache.get()
    await flush()
    const { startedAt } = call().context
    await pass(5_000)
    call().resolve(call().context.notModified())
    await flush()
    expect(cache.tryGet()).toBe(config)
    expect(cache.getSnapshot()).toMatchObject({
      status: 'current',
      fetchedAt: startedAt,
      expiresAt: startedAt + 60_000,
    })
    await pass(34_999)
    expect(cache.tryGet()).toBe(config)
    await pass(1)
    expect(cache.tryGet()).toBeUndefined()
    expect(fetch.calls).toHaveLength(2)
  })

  it('L17 gives its waiters the held value', async () => {
    const config: Config = { version: 1 }
    const { cache, call } = await cacheHolding(config)
    await pass(60_000)
    const reads = [cache.get(), cache.get()]
    await flush()
    call().resolve(call().context.notModified())
    for (const read of reads) await expect(read).resolves.toBe(config)
    expect(cache.tryGet()).toBe(config)
  })

  it('L17 may be returned without a promise', async () => {
    let calls = 0
    const cache = new BackgroundCache<Config>({
      ttl: 60_000,
      fetch: ({ notModified }, previous) => {
        calls++
        return previous === undefined ? { version: 1 } : notModified()
      },
    })
    const config = await cache.get()
    await pass(60_000)
    await expect(cache.get()).resolves.toBe(config)
    expect(calls).toBe(2)
  })

  it('L17 is a success that changed nothing', async () => {
    const { cache, call, events } = await cacheHolding<string>('one')
    const renewal = cache.refresh()
    await flush()
    call().resolve(call().context.notModified())
    await renewal
    expect(events.find(({ kind }) => kind === 'fetch-succeeded')).toMatchObject({ reason: 'refresh', changed: false })
  })

  it('L17 gives the readers of a superseded fetch the value it was about', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    await pass(60_000)
    const read = settlement(cache.get())
    await flush()
    cache.invalidate()
    call().resolve(call().context.notModified())
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'one' })
    expect(cache.peek()).toBeUndefined()
  })

  it('L17 does not touch a value that was set meanwhile', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    await pass(45_000)
    await cache.get()
    await flush()
    cache.set('two')
    const snapshot = cache.getSnapshot()
    call(1).resolve(call(1).context.notModified())
    await flush()
    expect(cache.tryGet()).toBe('two')
    expect(cache.getSnapshot()).toBe(snapshot)
  })

  it('L17 kept from another fetch is never taken for a value', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    const renewal = cache.refresh()
    await flush()
    const kept: NotModified = call().context.notModified()
    call().resolve(kept)
    await renewal
    cache.invalidate()
    const read = settlement(cache.get())
    await flush()
    call().resolve(kept)
    await flush()
    expect(read.state).toBe('rejected')
    expect(cache.peek()).toBeUndefined()
  })
})

describe('equals', () => {
  it('L17 keeps the held value when the result is equal, and renews its age', async () => {
    const held: Config = { version: 1 }
    const { cache, call, events } = await cacheHolding<Config>(held, { equals: (a, b) => a.version === b.version })
    await pass(45_000)
    const renewal = cache.refresh()
    await flush()
    call().resolve({ version: 1, label: 'the same' })
    await expect(renewal).resolves.toBe(held)
    expect(cache.tryGet()).toBe(held)
    expect(cache.getSnapshot()).toMatchObject({ fetchedAt: call().context.startedAt })
    expect(events.find(({ kind }) => kind === 'fetch-succeeded')).toMatchObject({ changed: false })
  })

  it('L17 takes the result when it differs', async () => {
    const { cache, call, events } = await cacheHolding<Config>(
      { version: 1 },
      { equals: (a, b) => a.version === b.version },
    )
    const renewal = cache.refresh()
    await flush()
    const next: Config = { version: 2 }
    call().resolve(next)
    await expect(renewal).resolves.toBe(next)
    expect(cache.tryGet()).toBe(next)
    expect(events.find(({ kind }) => kind === 'fetch-succeeded')).toMatchObject({ changed: true })
  })

  it('L17 is asked with the result first and the held value second', async () => {
    const equals = vi.fn(() => false)
    const { cache, call } = await cacheHolding<string>('held', { equals })
    const renewal = cache.refresh()
    await flush()
    call().resolve('next')
    await renewal
    expect(equals.mock.calls).toEqual([['next', 'held']])
  })

  it.each([
    ['the same object', { version: 1 }, undefined, false],
    ['a twin', { version: 1 }, { version: 1 }, true],
    ['NaN again', Number.NaN, Number.NaN, false],
    ['minus zero for zero', 0, -0, true],
  ])('L17 is Object.is by default: %s', async (_, held, next, changed) => {
    const { cache, call, events } = await cacheHolding<unknown>(held)
    const renewal = cache.refresh()
    await flush()
    call().resolve(next ?? held)
    await renewal
    expect(events.find(({ kind }) => kind === 'fetch-succeeded')).toMatchObject({ changed })
  })
})

describe('a value', () => {
  it('L17 is shared, not copied', async () => {
    const config: Config = { version: 1 }
    const { cache } = await cacheHolding(config)
    await expect(cache.get()).resolves.toBe(config)
    expect(cache.tryGet()).toBe(config)
    expect(cache.peek()).toBe(config)
    expect(cache.getSnapshot().value).toBe(config)
    expect(Object.isFrozen(config)).toBe(false)
  })

  it('L17 is frozen deeply with freeze: true', async () => {
    const config = { version: 1, nested: { list: [{ deep: true }] }, self: undefined as unknown }
    config.self = config
    const { cache } = await cacheHolding(config, { freeze: true })
    const held = await cache.get()
    expect(Object.isFrozen(held)).toBe(true)
    expect(Object.isFrozen(held.nested)).toBe(true)
    expect(Object.isFrozen(held.nested.list)).toBe(true)
    expect(Object.isFrozen(held.nested.list[0])).toBe(true)
  })

  it('L17 is frozen deeply even when its outside was frozen before', async () => {
    const config = Object.freeze({ nested: { list: [1] } })
    const { cache } = await cacheHolding(config, { freeze: true })
    const held = await cache.get()
    expect(Object.isFrozen(held.nested)).toBe(true)
    expect(Object.isFrozen(held.nested.list)).toBe(true)
  })

  it('L17 given by set() is frozen too', () => {
    const { cache } = emptyCache<{ list: number[] }>({ freeze: true })
    cache.set({ list: [1] })
    expect(Object.isFrozen(cache.peek())).toBe(true)
    expect(Object.isFrozen(cache.peek()?.list)).toBe(true)
  })

  it.each([
    ['bytes', { key: new Uint8Array([1, 2, 3]) }],
    ['a Map', new Map([['a', { b: 1 }]])],
    ['a Date', new Date(0)],
    [
      'a class with private state',
      new (class {
        #secret = 1
        read() {
          return this.#secret
        }
      })(),
    ],
    ['null', null],
    ['a string', 'text'],
    ['a function', () => 1],
  ])('L17 that cannot be frozen whole is served all the same: %s', async (_, value) => {
    const { cache } = await cacheHolding<unknown>(value, { freeze: true })
    await expect(cache.get()).resolves.toBe(value)
  })

  it.each([null, 0, '', false, Number.NaN, 0n])('L18 may be %s', async (value) => {
    const { cache, fetch } = await cacheHolding<unknown>(value)
    await expect(cache.get()).resolves.toBe(value)
    expect(cache.tryGet()).toBe(value)
    expect(cache.peek()).toBe(value)
    expect(cache.getSnapshot()).toMatchObject({ status: 'current', value })
    await expect(cache.read()).resolves.toMatchObject({ value, from: 'memory', stale: false })
    expect(fetch.calls).toHaveLength(1)
    expect(cache.invalidate({ ifValue: value })).toBe(true)
    cache.set(value)
    expect(cache.peek()).toBe(value)
  })

  it.each([
    ['at once', () => undefined as never],
    ['as a promise', async () => undefined as never],
  ])('L18 is not undefined: a fetch that returns it %s has failed and says so', async (_, fetch) => {
    const cache = new BackgroundCache<string>({ ttl: 60_000, fetch })
    const error = await cache.get().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toMatch(/undefined/)
    expect(cache.getSnapshot().failure?.error).toBe(error)
    expect(cache.peek()).toBeUndefined()
  })

  it('L18 is not undefined: a refresh behind a reader that returns it has failed', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = await cacheHolding<string>('held')
      await pass(45_000)
      await cache.get()
      call().resolve(undefined as never)
      await flush()
      await expect(cache.get()).resolves.toBe('held')
      expect(String(cache.inspect().lastError)).toMatch(/undefined/)
    })
    expect(unhandled).toEqual([])
  })

  it('L18 is not undefined: set() throws', () => {
    const { cache } = emptyCache()
    expect(() => cache.set(undefined as never)).toThrow(/undefined/)
    expect(cache.getSnapshot().status).toBe('empty')
  })
})

/** A schema made by hand that wants a number and gives back its double. */
const doubled = (settle: <T>(result: T) => T | Promise<T>): StandardSchema<number> => ({
  '~standard': {
    version: 1,
    vendor: 'by hand',
    validate: (value) =>
      settle(typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'no number', path: ['n'] }] }),
  },
})

describe('schema', () => {
  it('L18 gives its output to readers: zod', async () => {
    const schema = z.object({ at: z.string().transform((text) => new Date(text)), limit: z.number().default(10) })
    const cache = new BackgroundCache({ ttl: 60_000, schema, fetch: async () => ({ at: '2026-01-01T00:00:00Z' }) })
    const value = await cache.get()
    expect(value).toEqual({ at: new Date('2026-01-01T00:00:00Z'), limit: 10 })
    expect(cache.tryGet()).toBe(value)
  })

  it.each([
    ['at once', <T>(result: T) => result],
    ['later', async <T>(result: T) => result],
  ] as [string, <T>(result: T) => T | Promise<T>][])('L18 may answer %s', async (_, settle) => {
    const cache = new BackgroundCache<number>({ ttl: 60_000, schema: doubled(settle), fetch: () => 21 })
    await expect(cache.get()).resolves.toBe(42)
    await expect(cache.get()).resolves.toBe(42)
  })

  it('L18 may be a function, as some vendors make it', async () => {
    const schema = Object.assign(
      () => {},
      doubled((result) => result),
    )
    const cache = new BackgroundCache<number>({ ttl: 60_000, schema, fetch: () => 4 })
    await expect(cache.get()).resolves.toBe(8)
  })

  it.each([
    ['at once', <T>(result: T) => result],
    ['later', async <T>(result: T) => result],
  ] as [string, <T>(result: T) => T | Promise<T>][])('L18 that objects %s fails the fetch', async (_, settle) => {
    const cache = new BackgroundCache<number>({ ttl: 60_000, schema: doubled(settle), fetch: () => 'text' })
    const error = await cache.get().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error).toMatchObject({ code: 'INVALID_VALUE', issues: [{ path: ['n'] }] })
    expect(cache.getSnapshot().failure).toMatchObject({ error, attempts: 1 })
  })

  it('L18 that objects behind a reader leaves the held value alone', async () => {
    let answer: unknown = 1
    const cache = new BackgroundCache<number>({
      ttl: 60_000,
      refreshWindow: 20_000,
      schema: doubled((result) => result),
      fetch: () => answer,
    })
    await cache.get()
    answer = 'text'
    await pass(45_000)
    await expect(cache.get()).resolves.toBe(2)
    await flush()
    await expect(cache.get()).resolves.toBe(2)
    expect(cache.inspect().lastError).toBeInstanceOf(InvalidValueError)
  })

  it('L18 keeps the path of an issue, spelled as keys or as objects with a key, or not at all', async () => {
    const schema: StandardSchema<number> = {
      '~standard': {
        version: 1,
        vendor: 'by hand',
        validate: () => ({ issues: [{ path: ['a', 0] }, { path: [{ key: 'b' }, { key: 1 }] }, { message: 'whole' }] }),
      },
    }
    const cache = new BackgroundCache<number>({ ttl: 60_000, schema, fetch: () => 1 })
    const error = await cache.get().catch((reason: unknown) => reason as InvalidValueError)
    expect((error as InvalidValueError).issues.map(({ path }) => path)).toEqual([['a', 0], ['b', 1], []])
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('schema broke')
      },
    ],
    ['rejects', () => Promise.reject(new Error('schema broke'))],
    ['returns nothing', () => undefined],
    ['returns null', () => null],
    ['resolves to nothing', () => Promise.resolve(undefined)],
    ['gives undefined as its output', () => ({ value: undefined })],
  ])('L18 that %s fails the fetch', async (_, validate) => {
    const unhandled = await unhandledDuring(async () => {
      const schema = { '~standard': { version: 1, vendor: 'broken', validate } } as unknown as StandardSchema<number>
      const cache = new BackgroundCache<number>({ ttl: 60_000, schema, fetch: () => 1 })
      const read = settlement(cache.get())
      await flush()
      expect(read.state).toBe('rejected')
      expect(cache.peek()).toBeUndefined()
      expect(cache.getSnapshot().failure?.attempts).toBe(1)
    })
    expect(unhandled).toEqual([])
  })

  it('L18 takes null for a value', async () => {
    const cache = new BackgroundCache({
      ttl: 60_000,
      schema: z.object({ a: z.number() }).nullable(),
      fetch: () => null,
    })
    await expect(cache.get()).resolves.toBeNull()
  })

  it('L18 is not shown the mark of notModified()', async () => {
    const seen: unknown[] = []
    const schema: StandardSchema<Config> = {
      '~standard': {
        version: 1,
        vendor: 'by hand',
        validate: (value) => {
          seen.push(value)
          return { value: { version: (value as Config).version } }
        },
      },
    }
    const raw = { version: 1 }
    const cache = new BackgroundCache<Config>({
      ttl: 60_000,
      schema,
      fetch: ({ notModified }, previous: Held<unknown> | undefined) => (previous === undefined ? raw : notModified()),
    })
    const value = await cache.get()
    await expect(cache.refresh()).resolves.toBe(value)
    expect(seen).toEqual([raw])
  })

  it('L18 output is what a fetch gets as its previous value', async () => {
    const previous: unknown[] = []
    const cache = new BackgroundCache<number>({
      ttl: 60_000,
      schema: doubled((result) => result),
      fetch: (_, held) => {
        previous.push(held?.value)
        return 2
      },
    })
    await cache.get()
    await cache.refresh()
    expect(previous).toEqual([undefined, 4])
  })

  it('L18 does not hold a superseded fetch to its verdict', async () => {
    let answer: (result: { value: number }) => void = () => {}
    const schema: StandardSchema<number> = {
      '~standard': { version: 1, vendor: 'slow', validate: () => new Promise((resolve) => (answer = resolve)) },
    }
    const cache = new BackgroundCache<number>({ ttl: 60_000, schema, fetch: () => 1 })
    const read = settlement(cache.get())
    await flush()
    cache.set(5)
    answer({ value: 1 })
    await flush()
    expect(read.value).toBe(5)
    expect(cache.tryGet()).toBe(5)
  })
})
