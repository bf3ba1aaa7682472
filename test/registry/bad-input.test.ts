/** Nonsense is refused by name: options of the registry and of a type, keys, names, conditions and values. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { flush } from '../support/flush.ts'
import { keyed, outcome } from '../support/keyed.ts'

type Loose = (options: unknown) => unknown
const make: Loose = (options) => new CacheRegistry(options as never)
const define = (options: unknown, registry = new CacheRegistry()) => registry.define(options as never)
const one = (): number => 1
const good = { type: 't', ttl: 1000, fetch: one }

describe('new CacheRegistry()', () => {
  it.each([
    [{ maxEntries: -1 }, RangeError, 'maxEntries'],
    [{ maxEntries: 1.5 }, RangeError, 'maxEntries'],
    [{ maxEntries: Number.NaN }, RangeError, 'maxEntries'],
    [{ maxEntries: '10' }, TypeError, 'maxEntries'],
    [{ maxEntries: null }, TypeError, 'maxEntries'],
    [{ maxBytes: -1 }, RangeError, 'maxBytes'],
    [{ maxBytes: '1MB' }, TypeError, 'maxBytes'],
    [{ namespace: 7 }, TypeError, 'namespace'],
    [{ namespace: ['a', 7] }, TypeError, 'namespace'],
    [{ clock: {} }, TypeError, 'clock'],
    [{ random: 0.5 }, TypeError, 'random'],
    [{ waitUntil: true }, TypeError, 'waitUntil'],
    [{ name: 7 }, TypeError, 'name'],
    [{ maxEntry: 7 }, TypeError, 'maxEntry'],
    [{ ttl: 7 }, TypeError, 'ttl'],
    [null, TypeError, ' '],
    [7, TypeError, ' '],
    ['name', TypeError, ' '],
  ])('%j is refused', (options, kind, named) => {
    expect(() => make(options)).toThrow(kind)
    expect(() => make(options)).toThrow(named)
  })

  it('undefined is as good as absent', () => {
    expect(() => make({ maxEntries: undefined, maxBytes: undefined, namespace: undefined })).not.toThrow()
    expect(() => make(undefined)).not.toThrow()
    expect(() => make({ maxEntries: Number.POSITIVE_INFINITY })).not.toThrow()
  })
})

describe('define()', () => {
  it.each([
    [{}, TypeError, 'type'],
    [{ ttl: 1000, fetch: one }, TypeError, 'type'],
    [{ ...good, type: '' }, TypeError, 'type'],
    [{ ...good, type: 7 }, TypeError, 'type'],
    [{ type: 't', fetch: one }, TypeError, 'ttl'],
    [{ ...good, ttl: 0 }, RangeError, 'ttl'],
    [{ ...good, ttl: -1 }, RangeError, 'ttl'],
    [{ ...good, ttl: Number.NaN }, RangeError, 'ttl'],
    [{ ...good, ttl: '10 parsecs' }, RangeError, 'ttl'],
    [{ ...good, refreshWindow: 1000 }, RangeError, 'refreshWindow'],
    [{ ...good, version: -1 }, RangeError, 'version'],
    [{ ...good, version: 1.5 }, RangeError, 'version'],
    [{ ...good, version: '1' }, TypeError, 'version'],
    [{ ...good, key: 'id' }, TypeError, 'key'],
    [{ ...good, fetch: 7 }, TypeError, 'fetch'],
    [{ ...good, fetchMany: {} }, TypeError, 'fetchMany'],
    [{ ...good, sizeOf: 7 }, TypeError, 'sizeOf'],
    [{ ...good, staleIfError: -1 }, RangeError, 'staleIfError'],
    [{ ...good, schema: {} }, TypeError, 'schema'],
    [{ ...good, fetchmany: () => [] }, TypeError, 'fetchmany'],
    [{ ...good, maxEntries: 1 }, TypeError, 'maxEntries'],
    [undefined, TypeError, ' '],
    [null, TypeError, ' '],
  ])('%j is refused', (options, kind, named) => {
    expect(() => define(options)).toThrow(kind)
    expect(() => define(options)).toThrow(named)
  })

  it('a refused type is not defined: it may be defined properly', () => {
    const registry = new CacheRegistry()
    expect(() => define({ ...good, ttl: 0 }, registry)).toThrow(RangeError)
    expect(() => define(good, registry)).not.toThrow()
  })

  it('the same type with the same options is the same type', async () => {
    const registry = new CacheRegistry()
    const [one, same] = [registry.define(good), registry.define({ ...good })]
    await one.set('k', 2)
    expect(same.peek('k')).toBe(2)
  })

  it.each([
    { ...good, ttl: 2000 },
    { ...good, fetch: () => 1 },
    { ...good, version: 1 },
    { ...good, staleIfError: 1 },
    { type: 't', ttl: 1000 },
  ])('the same type with other options throws, naming the type: %j', (options) => {
    const registry = new CacheRegistry()
    define(good, registry)
    expect(() => define(options, registry)).toThrow(TypeError)
    expect(() => define(options, registry)).toThrow("'t'")
    expect(() => define(options, registry.namespace('n') as CacheRegistry)).toThrow(TypeError)
  })

  it('changing the options after define() changes nothing', async () => {
    const registry = new CacheRegistry()
    const options: { type: string; ttl: number; fetch: () => number } = { ...good }
    const cache = registry.define(options)
    options.fetch = () => 2
    expect(await cache.get('k')).toBe(1)
  })
})

const badKeys: readonly unknown[] = [
  undefined,
  null,
  7,
  true,
  {},
  [],
  [7],
  ['a', undefined],
  ['a', null],
  ['a', ['b']],
  Symbol('s'),
  new String('boxed'),
  new Date(0),
]

describe('keys', () => {
  it('are refused by every call with a TypeError: promises reject, the others throw', async () => {
    const { cache } = keyed<string, unknown>()
    for (const key of badKeys) {
      const calls: Record<string, () => unknown> = {
        get: () => cache.get(key),
        read: () => cache.read(key),
        refresh: () => cache.refresh(key),
        getMany: () => cache.getMany([key]),
        find: () => cache.find(key),
        set: () => cache.set(key, 'v'),
        invalidate: () => cache.invalidate(key),
        expire: () => cache.expire(key),
        tryGet: () => cache.tryGet(key),
        peek: () => cache.peek(key),
        seed: () => cache.seed(key, 'v'),
        entry: () => cache.entry(key),
      }
      for (const [name, call] of Object.entries(calls)) {
        expect([name, (await attempt(call)).error]).toEqual([name, expect.any(TypeError)])
      }
      for (const name of ['get', 'read', 'refresh', 'getMany', 'find', 'set', 'invalidate', 'expire']) {
        // And nobody listens: that ends no process either.
        expect([name, calls[name]?.()]).toEqual([name, expect.any(Promise)])
      }
    }
    await flush()
    expect(cache.size).toBe(0)
  })

  it('a key() that throws or returns nonsense rejects the call, and nothing else', async () => {
    const bug = new Error('bug')
    const { cache } = keyed<string, string>({
      key: (key) => {
        if (key === 'throws') throw bug
        return key === 'nonsense' ? (7 as never) : key
      },
    })
    expect(await outcome(cache.get('throws'))).toBe(bug)
    expect(await outcome(cache.getMany(['fine', 'throws']))).toBe(bug)
    expect(await outcome(cache.set('throws', 'v'))).toBe(bug)
    expect(await outcome(cache.get('nonsense'))).toBeInstanceOf(TypeError)
    await cache.set('fine', 'v')
    expect(cache.peek('fine')).toBe('v')
  })

  it('a refused key in getMany() starts no fetch of the others', async () => {
    const { cache, calls } = keyed<string, unknown>()
    expect(await outcome(cache.getMany(['a', 7]))).toBeInstanceOf(TypeError)
    await flush()
    expect(calls).toHaveLength(0)
  })

  it('parts of invalidatePrefix() are strings', async () => {
    const { cache } = keyed()
    await cache.set('k', 'v')
    for (const part of [undefined, null, 7, ['k']]) {
      expect(await outcome(cache.invalidatePrefix(part as never))).toBeInstanceOf(TypeError)
    }
    expect(cache.peek('k')).toBe('v')
  })

  it('getMany() of no iterable is refused', async () => {
    const { cache } = keyed()
    for (const keys of [undefined, null, 7, {}]) {
      expect(await outcome(cache.getMany(keys as never))).toBeInstanceOf(TypeError)
    }
  })
})

describe('names of namespaces', () => {
  it.each([undefined, null, 7, '', {}])('%j is refused', (name) => {
    const { cache, registry } = keyed()
    expect(() => cache.namespace(name as never)).toThrow(TypeError)
    expect(() => registry.namespace(name as never)).toThrow(TypeError)
  })
})

describe('values and options of calls', () => {
  it('undefined and promises are refused by set(), seed() and entry().set()', async () => {
    const { cache } = keyed<unknown>()
    for (const value of [undefined, Promise.resolve('v')]) {
      expect(await outcome(cache.set('k', value))).toBeInstanceOf(TypeError)
      expect(await outcome(cache.entry('k').set(value))).toBeInstanceOf(TypeError)
      expect(() => cache.seed('k', value)).toThrow(TypeError)
      expect(() => cache.entry('k').seed(value)).toThrow(TypeError)
    }
    expect(cache.size).toBe(0)
  })

  it.each([
    ['get', { signal: 7 }, 'signal'],
    ['get', { maxWait: -1 }, 'maxWait'],
    ['get', { ifOlderThan: 1 }, 'ifOlderThan'],
    ['get', 7, ' '],
    ['get', null, ' '],
    ['read', { fetch: 7 }, 'fetch'],
    ['refresh', { ifOlderThan: 'soon' }, 'ifOlderThan'],
    ['refresh', { signal: 7 }, 'signal'],
    ['set', { ttl: 7 }, 'ttl'],
    ['set', { expiresAt: 'soon' }, 'expiresAt'],
    ['invalidate', { value: 7 }, 'value'],
    ['invalidate', 7, ' '],
  ] as const)('%s() with %j is refused by name, also when a value is held', async (call, options, named) => {
    const { cache } = keyed()
    await cache.set('k', 'v')
    const given = call === 'set' ? ['k', 'w', options] : ['k', options]
    const method = cache[call] as unknown as (...given: readonly unknown[]) => Promise<unknown>
    const error = await outcome(method.call(cache, ...given))
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    expect((error as Error).message).toContain(named)
    expect(cache.peek('k')).toBe('v')
  })

  it('getMany() refuses a fetch and unknown options by name', async () => {
    const { cache } = keyed()
    for (const options of [{ fetch: () => 'v' }, { signals: 1 }, 7, null]) {
      expect(await outcome(cache.getMany(['k'], options as never))).toBeInstanceOf(TypeError)
    }
  })

  it('a read of a type without a fetch needs one', async () => {
    const cache = new CacheRegistry().define<string>({ type: 't', ttl: 1000 })
    for (const options of [undefined, {}]) {
      expect(await outcome(cache.get('k', options as never))).toBeInstanceOf(TypeError)
      expect(await outcome(cache.refresh('k', options as never))).toBeInstanceOf(TypeError)
    }
    expect(cache.entry('k').keepFresh).toBeUndefined()
    expect(await outcome((cache.entry('k') as { get(): Promise<unknown> }).get())).toBeInstanceOf(TypeError)
    expect(await outcome((cache as never as { getMany(k: string[]): Promise<unknown> }).getMany(['k']))).toBeInstanceOf(
      Error,
    )
  })

  it('a held value serves a read that brings no fetch only if the type has one', async () => {
    const cache = new CacheRegistry().define<string>({ type: 't', ttl: 1000 })
    await cache.set('k', 'v')
    expect(await outcome(cache.get('k', undefined as never))).toBeInstanceOf(TypeError)
    expect(await cache.get('k', { fetch: () => 'not needed' })).toBe('v')
  })

  it('listeners are functions', () => {
    const { cache, registry } = keyed()
    expect(() => registry.on(7 as never)).toThrow(TypeError)
    expect(() => cache.entry('k').on(undefined as never)).toThrow(TypeError)
    expect(() => cache.entry('k').subscribe({} as never)).toThrow(TypeError)
  })
})
