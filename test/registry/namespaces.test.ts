/** What views of a registry share (budget, counters, types) and what they never share: keys, values, fetches. */

import { CacheRegistry, type KeyedCache } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome, ttl } from '../support/keyed.ts'

const fetch = (key: string) => `fetched ${key}`
const define = (registry: CacheRegistry, type = 't') => registry.define({ type, ttl: '1m', fetch })

describe('keys of namespaces', () => {
  it('the same key in two namespaces and in none is three keys', async () => {
    const { cache } = keyed()
    const [a, b] = [cache.namespace('a'), cache.namespace('b')]
    await cache.set('k', '0')
    await a.set('k', 'A')
    await b.set('k', 'B')
    expect([cache.peek('k'), a.peek('k'), b.peek('k')]).toEqual(['0', 'A', 'B'])
  })

  it('a namespace never looks like a key part', async () => {
    const { cache } = keyed<string, string | readonly string[]>({ key: (key) => key })
    const a = cache.namespace('a')
    await a.set('b', 'inside')
    expect(cache.peek(['a', 'b'])).toBeUndefined()
    await cache.set(['a', 'b'], 'outside')
    expect(a.peek('b')).toBe('inside')
    expect(await cache.invalidatePrefix('a')).toBe(1)
    expect(a.peek('b')).toBe('inside')
  })

  it("namespaces are whole names: 'a' then 'bc' is not 'ab' then 'c'", async () => {
    const { cache } = keyed()
    const paths = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['abc'],
      ['a\0', 'bc'],
      ['a', '\0bc'],
      ['a:bc'],
      ['1:a', 'bc'],
      ['\ud800'],
      ['\ud801'],
    ]
    const views = paths.map((path) => path.reduce((view, name) => view.namespace(name), cache))
    for (const [at, view] of views.entries()) await view.set('k', String(at))
    expect(views.map((view) => view.peek('k'))).toEqual(paths.map((_, at) => String(at)))
  })

  it('two views of one namespace are one: of the cache, and of the registry', async () => {
    const registry = new CacheRegistry()
    const cache = define(registry)
    const viewed = cache.namespace('a')
    const again = cache.namespace('a')
    const defined = define(registry.namespace('a'))
    await viewed.set('k', 'v')
    expect([again.peek('k'), defined.peek('k')]).toEqual(['v', 'v'])
    expect(viewed.entry('k')).toBe(defined.entry('k'))
    expect(cache.peek('k')).toBeUndefined()
  })

  it('the namespace option of the registry begins every key', async () => {
    const registry = new CacheRegistry({ namespace: ['app', 'eu'] })
    const cache = define(registry)
    await cache.set('k', 'v')
    expect(cache.peek('k')).toBe('v')
    expect([...cache.keys()]).toEqual([['k']])
    expect(registry.stats().entries).toBe(1)
  })

  it('an event and inspect() name the key of the type', async () => {
    const { cache, events, registry } = keyed()
    await cache.namespace('a').set('k', 'v')
    expect(events.filter(({ kind }) => kind === 'value-set')).toMatchObject([{ type: 'thing' }])
    expect(events[0]?.key?.at(-1)).toBe('k')
    expect([...registry.inspect()]).toHaveLength(1)
  })
})

describe('fetches of namespaces', () => {
  it('two tenants never share a fetch', async () => {
    const { cache, calls } = keyed()
    const a = cache.namespace('a').get('k')
    const b = cache.namespace('b').get('k')
    await flush()
    expect(calls).toHaveLength(2)
    await calls[1]?.resolve('B')
    await calls[0]?.resolve('A')
    expect(await Promise.all([a, b])).toEqual(['A', 'B'])
  })

  it('two tenants are never mixed in one batch', async () => {
    const { cache, batches } = keyed({ source: 'many' })
    const a = cache.namespace('a').getMany(['k', 'l'])
    const b = cache.namespace('b').getMany(['k', 'm'])
    await flush()
    expect(batches.map(({ keys }) => keys)).toEqual([
      ['k', 'l'],
      ['k', 'm'],
    ])
    await batches[1]?.resolve([
      ['k', 'B'],
      ['m', 'B'],
    ])
    await batches[0]?.resolve([
      ['k', 'A'],
      ['l', 'A'],
    ])
    expect([...(await a).values(), ...(await b).values()]).toEqual(['A', 'A', 'B', 'B'])
  })

  it('two tenants whose keys come due together are refreshed by two batches', async () => {
    const { cache, batches, clock } = keyed({ source: 'many' })
    const tenants = ['a', 'b'].map((name) => cache.namespace(name))
    for (const tenant of tenants) await tenant.set('k', 'old')
    const ends = tenants.map((tenant) => tenant.entry('k').keepFresh())
    await clock.advance(ttl)
    expect(batches.map(({ keys }) => keys)).toEqual([['k'], ['k']])
    await batches[1]?.resolve([['k', 'B']])
    expect(tenants.map((tenant) => tenant.peek('k'))).toEqual([undefined, 'B'])
    await batches[0]?.resolve([['k', 'A']])
    expect(tenants.map((tenant) => tenant.peek('k'))).toEqual(['A', 'B'])
    for (const end of ends) end()
  })

  it('two tenants read in one turn behind aging values: two batches', async () => {
    const { cache, batches, clock } = keyed({ source: 'many' })
    const tenants = ['a', 'b'].map((name) => cache.namespace(name))
    for (const tenant of tenants) await tenant.set('k', 'old')
    await clock.advance(ttl - 10_000)
    await Promise.all(tenants.map((tenant) => tenant.get('k')))
    await clock.advance(1000)
    expect(batches.map(({ keys }) => keys)).toEqual([['k'], ['k']])
  })
})

describe('clearing namespaces', () => {
  const three = async () => {
    const world = keyed()
    const a = world.cache.namespace('a')
    const ab = a.namespace('b')
    for (const view of [world.cache, a, ab]) await view.set('k', 'v')
    return { ...world, a, ab }
  }

  it('clear() of a namespaced registry drops what is in it and below, nothing beside it', async () => {
    const { registry, cache, a, ab } = await three()
    await registry.namespace('a').clear()
    expect([cache.peek('k'), a.peek('k'), ab.peek('k')]).toEqual(['v', undefined, undefined])
    expect(registry.stats().entries).toBe(1)
  })

  it("clear() of namespace 'a' spares namespace 'ab'", async () => {
    const { registry, cache } = await three()
    const other = cache.namespace('ab')
    await other.set('k', 'v')
    await registry.namespace('a').clear()
    expect(other.peek('k')).toBe('v')
  })

  it('clear() of the registry drops everything', async () => {
    const { registry, cache, a, ab } = await three()
    await registry.clear()
    expect([cache.peek('k'), a.peek('k'), ab.peek('k')]).toEqual([undefined, undefined, undefined])
    expect(registry.stats().entries).toBe(0)
  })

  it("a cache's clear() drops its type in its namespace", async () => {
    const { cache, a } = await three()
    await a.clear()
    expect([cache.peek('k'), a.peek('k')]).toEqual(['v', undefined])
  })

  it('invalidatePrefix() stays in its namespace', async () => {
    const { cache, a, ab } = await three()
    expect(await a.invalidatePrefix('k')).toBe(1)
    expect([cache.peek('k'), a.peek('k'), ab.peek('k')]).toEqual(['v', undefined, 'v'])
  })

  it('clear() of a namespace reaches fetches in the air: what they bring is not kept', async () => {
    const { cache, calls, registry } = keyed()
    const a = cache.namespace('a')
    const [inside, outside] = [a.get('k'), cache.get('k')]
    await flush()
    await registry.namespace('a').clear()
    await calls[0]?.resolve('old')
    await calls[1]?.resolve('kept')
    expect(await Promise.all([inside, outside])).toEqual(['old', 'kept'])
    expect([a.peek('k'), cache.peek('k')]).toEqual([undefined, 'kept'])
  })

  it('inspect() of a namespaced registry tells only of its keys', async () => {
    const { registry } = await three()
    expect([...registry.namespace('a').inspect()]).toHaveLength(2)
    expect([...registry.namespace('a').namespace('b').inspect()]).toHaveLength(1)
    expect([...registry.namespace('b').inspect()]).toHaveLength(0)
  })
})

describe('what views share', () => {
  it('one budget: a namespace evicts what another holds', async () => {
    const { cache } = keyed({}, { maxEntries: 2 })
    const [a, b] = [cache.namespace('a'), cache.namespace('b')]
    await a.set('1', 'v')
    await b.set('1', 'v')
    await a.set('2', 'v')
    expect([a.peek('1'), b.peek('1'), a.peek('2')]).toEqual([undefined, 'v', 'v'])
  })

  it('one budget: a type evicts what another holds', async () => {
    const registry = new CacheRegistry({ maxEntries: 1 })
    const [a, b] = [define(registry, 'a'), define(registry, 'b')]
    await a.set('k', 'v')
    await b.set('k', 'v')
    expect([a.peek('k'), b.peek('k')]).toEqual([undefined, 'v'])
  })

  it('one set of counters, seen from every view', async () => {
    const { cache, registry, load } = keyed()
    await load('k', 'v')
    await cache.get('k')
    const view = cache.namespace('a')
    await view.set('k', 'v')
    await view.get('k')
    expect(registry.stats()).toMatchObject({ hits: 2, misses: 1, writes: 1, fetches: 1, entries: 2 })
    expect(registry.namespace('a').stats()).toEqual(registry.stats())
  })

  it('size and keys() are of the view', async () => {
    const { cache } = keyed()
    const a = cache.namespace('a')
    await cache.set('1', 'v')
    await a.set('2', 'v')
    await a.set('3', 'v')
    expect([cache.size, a.size]).toEqual([1, 2])
    expect([[...cache.keys()], [...a.keys()]]).toEqual([[['1']], [['2'], ['3']]])
  })

  it('listeners of the root hear of every namespace', async () => {
    const { cache, kinds } = keyed()
    await cache.namespace('a').namespace('b').set('k', 'v')
    expect(kinds()).toEqual(['value-set'])
  })

  it('dispose() of the root ends every view', async () => {
    const { cache, registry } = keyed()
    const a: KeyedCache<string, string> = cache.namespace('a')
    await a.set('k', 'v')
    await registry.dispose()
    expect(a.peek('k')).toBeUndefined()
    expect(await outcome(a.get('k'))).toMatchObject({ code: 'DISPOSED' })
    expect(await outcome(cache.namespace('new').get('k'))).toMatchObject({ code: 'DISPOSED' })
  })

  it('clear() at the root of a registry with a namespace option resets the counters', async () => {
    const registry = new CacheRegistry({ namespace: 'app' })
    const cache = define(registry)
    await cache.get('k')
    await registry.clear()
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 0, fetches: 0 })
  })

  it('views are cheap: ten thousand empty namespaces add no entry', () => {
    const { cache, registry } = keyed()
    for (let at = 0; at < 10_000; at++) cache.namespace(`tenant ${at}`).peek('k')
    expect(registry.stats().entries).toBe(0)
    expect([...registry.inspect()]).toEqual([])
  })
})
