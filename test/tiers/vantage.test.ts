/** What vantage-live asks of a cache backend: get, put, invalidate by prefix, the fetch time kept, a miss no error. */

import { BackendError, CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { EPOCH, fleet, outcome, textCodec } from '../support/tiers.ts'

type Rows = readonly (readonly [string, { readonly name: string }])[]
const rows: Rows = [
  ['7', { name: 'Ann' }],
  ['3', { name: 'Bob' }],
]

function pages({ store, clock }: ReturnType<typeof fleet>, options: object = {}) {
  return new CacheRegistry({ backend: store, clock, ...options }).define<Rows, readonly string[]>({
    type: 'page',
    ttl: '1m',
    codec: textCodec<Rows>(),
  })
}

describe('vantage-live Cache', () => {
  it('get: a miss is a value, not an error', async () => {
    expect(await pages(fleet()).find(['users', 'page_1'])).toBeUndefined()
  })

  it('get: a real fault of the backend is an error', async () => {
    const world = fleet()
    await world.store.close?.()
    expect(await outcome(pages(world).find(['users', 'page_1']))).toBeInstanceOf(BackendError)
  })

  it('put, then get: the rows in their order, also from another process', async () => {
    const world = fleet()
    await pages(world).set(['users', 'page_1'], rows)
    expect(await pages(world).find(['users', 'page_1'])).toEqual(rows)
  })

  it('put replaces whatever was there', async () => {
    const world = fleet()
    const cache = pages(world)
    await cache.set(['users', 'page_1'], rows)
    await cache.set(['users', 'page_1'], [])
    expect(await pages(world).find(['users', 'page_1'])).toEqual([])
  })

  it('the fetch time is kept with the entry', async () => {
    const world = fleet()
    const fetch = () => rows
    await pages(world).get(['users', 'page_1'], { fetch })
    await world.clock.advance(1000)
    expect(await pages(world).read(['users', 'page_1'], { fetch })).toMatchObject({ from: 'backend', fetchedAt: EPOCH })
  })

  it('invalidate_prefix drops every page below the bare cache key, and no other table', async () => {
    const world = fleet()
    const cache = pages(world)
    for (const page of ['page_1', 'page_2', 'page_10']) await cache.set(['users', page], rows)
    await cache.set(['users2', 'page_1'], rows)
    await pages(world).invalidatePrefix('users')
    for (const page of ['page_1', 'page_2', 'page_10']) {
      expect(await pages(world).find(['users', page])).toBeUndefined()
    }
    expect(await pages(world).find(['users2', 'page_1'])).toEqual(rows)
  })

  it('invalidate_prefix accepts any prefix: none, a finer one, one that nobody has', async () => {
    const world = fleet()
    const cache = pages(world)
    await cache.set(['users', 'page_1', 'x'], rows)
    await cache.set(['users', 'page_2'], rows)
    await cache.invalidatePrefix('ghost')
    await cache.invalidatePrefix('users', 'page_1')
    expect(await pages(world).find(['users', 'page_1', 'x'])).toBeUndefined()
    expect(await pages(world).find(['users', 'page_2'])).toEqual(rows)
    await cache.invalidatePrefix()
    expect(await pages(world).find(['users', 'page_2'])).toBeUndefined()
  })

  it('NoCache: neither tier nor memory keeps anything, and one fetch serves all who ask at once', async () => {
    let fetches = 0
    const cache = new CacheRegistry({ maxEntries: 0 }).define<Rows, readonly string[]>({ type: 'page', ttl: '1m' })
    const fetch = async () => {
      fetches++
      return rows
    }
    const key = ['users', 'page_1']
    await Promise.all([cache.get(key, { fetch }), cache.get(key, { fetch })])
    expect(fetches).toBe(1)
    await cache.set(key, rows)
    expect(await cache.find(key)).toBeUndefined()
  })

  it('is safe to share across the readers, the writer and the consumer of live events', async () => {
    const world = fleet()
    const [reader, writer, consumer] = [pages(world), pages(world), pages(world)]
    const key = ['users', 'page_1']
    const live: Rows = [['9', { name: 'Zoe' }]]
    await Promise.all([
      reader.get(key, { fetch: () => rows }),
      writer.set(key, live),
      consumer.invalidatePrefix('users'),
      reader.find(key),
    ])
    const kept = await pages(world).find(key)
    expect([undefined, rows, live]).toContainEqual(kept)
    await consumer.invalidatePrefix('users')
    expect(await pages(world).find(key)).toBeUndefined()
  })
})
