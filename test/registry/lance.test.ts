/** The tests of Lance's typed cache, restated: one cache for many types, prefixes, one load for many callers, counters. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome } from '../support/keyed.ts'

const fetch = async (): Promise<number[]> => {
  throw new Error('should not be called')
}
const vectors = (registry: CacheRegistry, type = 'vec<i32>') =>
  registry.define<number[]>({ type, ttl: '1h', sizeOf: (v) => 8 * v.length, fetch })

describe('LanceCache', () => {
  it('test_cache_bytes: weighs by bytes and stays within the capacity', async () => {
    const capacity = 10 * 24
    const registry = new CacheRegistry({ maxBytes: capacity })
    const cache = vectors(registry)
    const item = [1, 2, 3]
    await cache.set('key', item)
    expect(registry.stats().entries).toBe(1)
    expect(await cache.find('key')).toBe(item)
    for (let i = 0; i < 20; i++) await cache.set(`key_${i}`, [i, i, i])
    expect(registry.stats()).toMatchObject({ bytes: capacity, entries: 10, evictions: 11 })
    expect(await cache.find('key')).toBeUndefined()
  })

  it('test_cache_bytes: with the default estimate', async () => {
    const registry = new CacheRegistry({ maxBytes: 1000 })
    const cache = registry.define({ type: 'v', ttl: '1h', fetch: (): number[] => [] })
    for (let i = 0; i < 100; i++) await cache.set(`key_${i}`, [i, i, i])
    expect(registry.stats().bytes).toBeLessThanOrEqual(1000)
    expect(cache.size).toBeGreaterThan(5)
  })

  it('test_cache_trait_objects: a class instance comes back as it is', async () => {
    class MyType {
      readonly #n = 42
      get n() {
        return this.#n
      }
    }
    const registry = new CacheRegistry({ maxBytes: 1000 })
    const cache = registry.define({ type: 'dyn', ttl: '1h', fetch: () => new MyType() })
    const item = new MyType()
    await cache.set('test', item)
    expect(await cache.find('test')).toBe(item)
    expect((await cache.find('test'))?.n).toBe(42)
  })

  it('test_cache_stats_basic: a miss, then a hit', async () => {
    const registry = new CacheRegistry()
    const cache = vectors(registry)
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 0 })
    expect(await cache.find('x')).toBeUndefined()
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 1 })
    await cache.set('k', [1, 2, 3])
    expect(await cache.find('k')).toEqual([1, 2, 3])
    expect(registry.stats()).toMatchObject({ hits: 1, misses: 1, hitRatio: 0.5, missRatio: 0.5 })
  })

  it('test_cache_stats_with_prefixes: a view counts for the whole', async () => {
    const registry = new CacheRegistry()
    const prefixed = vectors(registry).namespace('ns')
    await prefixed.find('k')
    expect(registry.stats().misses).toBe(1)
    await prefixed.set('k', [1])
    expect(await prefixed.find('k')).toEqual([1])
    expect(registry.stats().hits).toBe(1)
  })

  it('test_cache_get_or_insert: the second call does not load, and says that it was a hit', async () => {
    const registry = new CacheRegistry()
    const cache = vectors(registry)
    expect(await cache.read('k', { fetch: async () => [1, 2, 3] })).toMatchObject({ value: [1, 2, 3], from: 'source' })
    expect(registry.stats()).toMatchObject({ misses: 1, hits: 0 })
    const never = vi.fn(fetch)
    expect(await cache.read('k', { fetch: never })).toMatchObject({ value: [1, 2, 3], from: 'memory' })
    expect(never).not.toHaveBeenCalled()
    expect(registry.stats()).toMatchObject({ misses: 1, hits: 1 })
  })

  it('a type without a fetch of its own is get_or_insert as it is there', async () => {
    const registry = new CacheRegistry()
    const cache = registry.define<number[]>({ type: 'v', ttl: '1h' })
    expect(await cache.get('k', { fetch: (key) => [key.length] })).toEqual([1])
    expect(await cache.get('k', { fetch })).toEqual([1])
    expect(registry.stats()).toMatchObject({ misses: 1, hits: 1 })
  })

  it('test_custom_backend: another type under the same key is a miss', async () => {
    const registry = new CacheRegistry()
    const [i32, u8] = [vectors(registry), vectors(registry, 'vec<u8>')]
    await i32.set('k', [1, 2, 3])
    expect(await i32.find('k')).toEqual([1, 2, 3])
    expect(await u8.find('k')).toBeUndefined()
  })

  it('test_get_or_insert_dedup: five callers, one load', async () => {
    const registry = new CacheRegistry()
    const cache = vectors(registry)
    let loads = 0
    const load = async () => {
      loads++
      await flush()
      return [1, 2, 3]
    }
    const results = await Promise.all(Array.from({ length: 5 }, () => cache.get('key', { fetch: load })))
    expect(results).toEqual(Array.from({ length: 5 }, () => [1, 2, 3]))
    expect(new Set(results).size).toBe(1)
    expect(loads).toBe(1)
  })

  it('no dedupe gap: a caller that comes when the load ends, in any turn of the queue, does not load again', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { cache, calls } = keyed()
      const first = cache.get('k')
      await flush()
      void calls[0]?.resolve('v')
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      expect([await cache.get('k'), await first]).toEqual(['v', 'v'])
      expect(calls).toHaveLength(1)
    }
  })

  it('a load that fails is the error of all its callers, and is not kept as a value', async () => {
    const registry = new CacheRegistry()
    const cache = registry.define<number[]>({ type: 'v', ttl: '1h', backoff: false })
    const failure = new Error('failed')
    const fail = async () => {
      throw failure
    }
    const callers = Array.from({ length: 3 }, () => outcome(cache.get('k', { fetch: fail })))
    expect(await Promise.all(callers)).toEqual([failure, failure, failure])
    expect(await cache.get('k', { fetch: () => [1] })).toEqual([1])
  })

  it('a load that throws at once, or panics in a getter, leaves the key usable', async () => {
    const registry = new CacheRegistry()
    const cache = registry.define<number[]>({ type: 'v', ttl: '1h', backoff: false })
    const panic = () => {
      throw new Error('panic')
    }
    expect(await outcome(cache.get('k', { fetch: panic }))).toMatchObject({ message: 'panic' })
    expect(await cache.get('k', { fetch: () => [1] })).toEqual([1])
  })

  it('with_key_prefix: prefixes nest, and do not see each other', async () => {
    const registry = new CacheRegistry()
    const cache = vectors(registry)
    const [a, ab] = [cache.namespace('a'), cache.namespace('a').namespace('b')]
    await a.set('k', [1])
    await ab.set('k', [2])
    expect([await cache.find('k'), await a.find('k'), await ab.find('k')]).toEqual([undefined, [1], [2]])
  })

  it('invalidate_prefix drops what begins with it and nothing else', async () => {
    const registry = new CacheRegistry()
    const cache = registry.define<number, readonly string[]>({ type: 'n', ttl: '1h', fetch: () => 0 })
    const keys = [['db1', 'a'], ['db1', 'b'], ['db10', 'a'], ['db']]
    for (const key of keys) await cache.set(key, 1)
    expect(await cache.invalidatePrefix('db1')).toBe(2)
    expect([...cache.keys()]).toEqual([['db10', 'a'], ['db']])
  })

  it('no_cache: nothing is kept, callers still share one load', async () => {
    const registry = new CacheRegistry({ maxEntries: 0 })
    const cache = vectors(registry)
    const load = vi.fn(async () => [1])
    await Promise.all([cache.get('k', { fetch: load }), cache.get('k', { fetch: load })])
    expect(load).toHaveBeenCalledOnce()
    await cache.get('k', { fetch: load })
    expect(load).toHaveBeenCalledTimes(2)
    expect(registry.stats()).toMatchObject({ entries: 0 })
  })

  it('clear() empties it and resets the counters', async () => {
    const registry = new CacheRegistry({ maxBytes: 1000 })
    const cache = vectors(registry)
    await cache.set('k', [1])
    await cache.find('k')
    await cache.find('x')
    await registry.clear()
    expect(registry.stats()).toEqual({
      hits: 0,
      backendHits: 0,
      misses: 0,
      staleServed: 0,
      fetches: 0,
      fetchFailures: 0,
      discarded: 0,
      writes: 0,
      writeFailures: 0,
      evictions: 0,
      entries: 0,
      bytes: 0,
      hitRatio: 0,
      missRatio: 0,
      types: { 'vec<i32>': { hits: 0, backendHits: 0, misses: 0 } },
    })
    expect(await cache.find('k')).toBeUndefined()
    expect(registry.stats().misses).toBe(1)
  })

  it('a weak handle degrades: get gives nothing, insert says no, get_or_insert computes', async () => {
    const registry = new CacheRegistry()
    const weak = vectors(registry).weak()
    expect(await weak.set('k', [1])).toBe(true)
    expect(await weak.find('k')).toEqual([1])
    await registry.dispose()
    expect(await weak.find('k')).toBeUndefined()
    expect(await weak.set('k', [2])).toBe(false)
    const load = vi.fn(async () => [3])
    expect(await weak.get('k', { fetch: load })).toEqual([3])
    expect(await weak.get('k', { fetch: load })).toEqual([3])
    expect(load).toHaveBeenCalledTimes(2)
    expect(await weak.find('k')).toBeUndefined()
  })
})
