/** The tests of oximedia's write-through cache, restated: each has the name it has there. */

import { BackendError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { fleet, outcome, type Process } from '../support/tiers.ts'

/** `put` is `set`, `get` is `find` (there is no source), `backing_store().load` is what a fresh process finds. */
function make(capacity: number, storeCapacity?: number) {
  const world = fleet(storeCapacity === undefined ? {} : { maxEntries: storeCapacity, whenFull: 'reject' })
  const cache: Process<number[]> = world.start<number[]>({ source: 'one' }, { maxEntries: capacity })
  const load = (key: string) => world.start<number[]>().cache.find(key)
  return { ...world, ...cache, load }
}

describe('oximedia write_through', () => {
  it('put_and_get_from_cache', async () => {
    const { cache, registry } = make(10)
    await cache.set('key1', [1, 2, 3])
    expect(await cache.find('key1')).toEqual([1, 2, 3])
    expect(registry.stats()).toMatchObject({ hits: 1, backendHits: 0 })
  })

  it('put_persists_to_backing_store', async () => {
    const { cache, load } = make(10)
    await cache.set('k', [9])
    expect(await load('k')).toEqual([9])
  })

  it('get_fallback_to_backing_store', async () => {
    const { cache, registry } = make(2)
    await cache.set('target', [42])
    await cache.set('a', [1])
    await cache.set('b', [2])
    expect(cache.peek('target')).toBeUndefined()
    expect(await cache.find('target')).toEqual([42])
    expect(registry.stats().backendHits).toBe(1)
    expect(cache.peek('target')).toEqual([42])
  })

  it('invalidate_removes_from_both', async () => {
    const { cache, load } = make(10)
    await cache.set('x', [0])
    expect(await cache.invalidate('x')).toBe(true)
    expect(await cache.find('x')).toBeUndefined()
    expect(await load('x')).toBeUndefined()
  })

  it('invalidate says true for what only the store had', async () => {
    const { cache } = make(1)
    await cache.set('x', [0])
    await cache.set('y', [1])
    expect(cache.peek('x')).toBeUndefined()
    expect(await cache.invalidate('x')).toBe(true)
  })

  it('invalidate_absent_key_returns_false', async () => {
    expect(await make(10).cache.invalidate('ghost')).toBe(false)
  })

  it('stats_writes_and_errors', async () => {
    const { cache, registry } = make(10, 1)
    await cache.set('first', [1])
    const error = await outcome(cache.set('second', [2]))
    expect(error).toBeInstanceOf(BackendError)
    expect((error as BackendError).reason).toBe('full')
    expect(registry.stats()).toMatchObject({ writes: 1, writeFailures: 1 })
  })

  it('miss_when_not_in_either', async () => {
    const { cache, registry } = make(10)
    expect(await cache.find('nonexistent')).toBeUndefined()
    expect(registry.stats().misses).toBe(1)
  })

  it('capacity_eviction', async () => {
    const { cache, registry, store } = make(3)
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) await cache.set(key, [index + 1])
    expect(registry.stats()).toMatchObject({ hits: 0, entries: 3, evictions: 1 })
    expect(await store.size?.()).toMatchObject({ entries: 4 })
    expect(await cache.find('a')).toEqual([1])
    expect(registry.stats().backendHits).toBe(1)
    expect(await store.size?.()).toMatchObject({ entries: 4 })
  })

  it('overwrite_existing_key', async () => {
    const { cache } = make(5)
    await cache.set('k', [1])
    await cache.set('k', [2])
    expect(await cache.find('k')).toEqual([2])
    expect(cache.size).toBe(1)
  })

  it('write_failure_does_not_pollute_cache', async () => {
    const { cache, load } = make(10, 1)
    await cache.set('key1', [1])
    expect(await outcome(cache.set('key2', [2]))).toBeInstanceOf(BackendError)
    expect(await cache.find('key2')).toBeUndefined()
    expect(await load('key2')).toBeUndefined()
  })

  it('a generic write failure raises the store’s error, and what was cached stays', async () => {
    const { cache, tier } = make(10)
    await cache.set('k', [1])
    const failure = new Error('disk on fire')
    tier.fail(failure, 'set')
    const error = await outcome(cache.set('k', [2]))
    expect(error).toMatchObject({ code: 'BACKEND', reason: 'failed', cause: failure })
    expect(await cache.find('k')).toEqual([1])
  })

  it('a full store still takes a new value for a key it has', async () => {
    const { cache, load } = make(10, 1)
    await cache.set('k', [1])
    await cache.set('k', [2])
    expect(await load('k')).toEqual([2])
  })
})
