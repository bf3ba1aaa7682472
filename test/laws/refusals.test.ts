/** What each public call says when it is used wrongly: what was attempted, what is expected there, and what came in. */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { emptyCache } from '../support/one-value.ts'

useFakeTime()

type Loose = Record<string, unknown>

const make = (options: unknown) => new BackgroundCache<string>(options as never)
const good = { ttl: 1000, fetch: () => 'v' }

/** What it throws or rejects with, as a log shows it. */
const complaint = async (call: () => unknown): Promise<string> => {
  try {
    await call()
  } catch (error) {
    return String(error)
  }
  throw new Error('nothing was refused')
}

const aFunction = 'a function'
const aSchema = 'a Standard Schema (zod, valibot, …)'

describe('a wrong option', () => {
  it.each<[string, unknown, string, string]>([
    ['fetch', 5, aFunction, '5'],
    ['random', 0.5, aFunction, '0.5'],
    ['waitUntil', true, aFunction, 'true'],
    ['name', 5, 'a string', '5'],
    ['schema', { parse: () => 'v' }, aSchema, 'object'],
    ['schema', { '~standard': {} }, aSchema, 'object'],
    ['schema', null, aSchema, 'null'],
    ['clock', null, 'an object with now()', 'null'],
    ['clock', { wallNow: () => 0, after: () => () => {} }, 'an object with now()', 'object'],
    ['clock', { now: () => 0, after: () => () => {} }, 'an object with wallNow()', 'object'],
    ['clock', { now: () => 0, wallNow: () => 0 }, 'an object with after()', 'object'],
  ])('options: %s is refused with what it takes (%#)', async (option, value, expected, received) => {
    expect(await complaint(() => make({ ...good, [option]: value }))).toBe(
      `TypeError: Cannot use ${option}: expected ${expected}: received ${received}`,
    )
  })

  it('options: instead of an object they are refused with what was constructed', async () => {
    expect(await complaint(() => make(1000))).toBe(
      'TypeError: Cannot use new BackgroundCache(): expected an object with options: received number',
    )
  })
})

describe('a wrong argument', () => {
  type Call = (cache: BackgroundCache<string>) => unknown
  const noOptions = 'an object with options: received'

  it.each<[string, Call, string]>([
    ['get()', (cache) => cache.get(5 as never), `${noOptions} number`],
    ['read()', (cache) => cache.read('https://source' as never), `${noOptions} string`],
    ['refresh()', (cache) => cache.refresh(null as never), `${noOptions} object`],
    ['set()', (cache) => cache.set('v', 5 as never), `${noOptions} number`],
    ['seed()', (cache) => cache.seed('v', 5 as never), `${noOptions} number`],
    ['invalidate()', (cache) => cache.invalidate(5 as never), `${noOptions} number`],
    ['invalidate()', (cache) => cache.invalidate({} as never), '{ ifValue } or nothing: received object'],
    ['the listener of subscribe()', (cache) => cache.subscribe(5 as never), 'a function: received 5'],
    ['the listener of on()', (cache) => cache.on(5 as never), 'a function: received 5'],
  ])('arguments: %s is refused with what it takes (%#)', async (call, use, expected) => {
    expect(await complaint(() => use(make(good)))).toBe(`TypeError: Cannot use ${call}: expected ${expected}`)
  })

  it.each<[string, Loose, string, string]>([
    ['get', { signal: 5 }, 'an AbortSignal', '5'],
    ['read', { signal: null }, 'an AbortSignal', 'null'],
    ['read', { signal: { aborted: false } }, 'an AbortSignal', 'object'],
    ['get', { waitUntil: 5 }, aFunction, '5'],
    ['get', { fetch: 5 }, aFunction, '5'],
    ['refresh', { fetch: 5 }, aFunction, '5'],
    ['get', { limit: 5 }, 'one of fetch, signal, maxWait, waitUntil', '5'],
    ['refresh', { limit: 5 }, 'one of fetch, ifOlderThan', '5'],
  ])('arguments: %s(%o) is refused with the option and what it takes', async (call, options, expected, received) => {
    const cache = make(good) as unknown as Record<string, (options: unknown) => unknown>
    expect(await complaint(() => cache[call]?.(options))).toBe(
      `TypeError: Cannot use ${Object.keys(options)}: expected ${expected}: received ${received}`,
    )
  })

  it.each<[string, Loose, string]>([
    ['set', { limit: 5 }, 'expiresAt'],
    ['seed', { limit: 5 }, 'fetchedAt, expiresAt'],
  ])('arguments: %s() names the options it knows', async (call, options, known) => {
    const cache = make(good) as unknown as Record<string, (value: string, options: unknown) => unknown>
    expect(await complaint(() => cache[call]?.('v', options))).toBe(
      `TypeError: Cannot use limit: expected one of ${known}: received 5`,
    )
  })

  it.each(['get', 'read', 'refresh'] as const)(
    'arguments: %s() without any fetch says that one is missing',
    async (call) => {
      const cache = make({ ttl: 1000 })
      const missing = `TypeError: Cannot use ${call}(): expected a fetch, since the cache has none of its own: received`
      expect(await complaint(() => cache[call]())).toBe(`${missing} undefined`)
      expect(await complaint(() => cache[call]({} as never))).toBe(`${missing} object`)
    },
  )

  it.each<['set' | 'seed', unknown, string]>([
    ['set', undefined, 'undefined'],
    ['set', Promise.resolve('v'), 'object'],
    ['seed', undefined, 'undefined'],
    ['seed', Promise.resolve('v'), 'object'],
  ])('L18 %s() refuses what is no value: %s', async (call, value, received) => {
    expect(await complaint(() => make(good)[call](value as never))).toBe(
      `TypeError: Cannot use the value of ${call}(): expected neither undefined nor a promise: received ${received}`,
    )
  })

  it.each([
    ['now', START],
    ['long ago', 5],
  ])('L2 set() of a value that expires %s is refused with both times', async (_, expiresAt) => {
    const cache = make(good)
    expect(await complaint(() => cache.set('v', { expiresAt }))).toBe(
      `RangeError: Cannot set a value: expiresAt (${expiresAt}) is past at ${START} ms`,
    )
    expect(cache.getSnapshot().status).toBe('empty')
  })
})

describe('an error that callers branch on', () => {
  it.each([
    ['', {}],
    [" 'settings'", { name: 'settings' }],
  ])('L13 L14 L20 names the cache%s and the time that ran out', async (named, options) => {
    const { cache } = emptyCache(options)
    const reads = [cache.get({ maxWait: '1s' }), cache.get()].map((read) => complaint(() => read))
    await pass(30_000)
    expect(await Promise.all(reads)).toEqual([
      `WaitTimeoutError: No value${named} within maxWait (1000 ms); the fetch goes on`,
      `FetchTimeoutError: The fetch${named} did not settle within 30000 ms`,
    ])
    cache.dispose()
    expect(await complaint(() => cache.get())).toBe(`CacheDisposedError: The cache${named} was disposed`)
    expect(await complaint(() => cache.set('v'))).toBe(`CacheDisposedError: The cache${named} was disposed`)
  })
})
