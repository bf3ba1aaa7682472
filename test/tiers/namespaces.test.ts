/** Types, namespaces and prefixes in a store that registries share: each reaches what is its own and nothing else. */

import { CacheRegistry, type KeyedCache } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { type Fleet, fleet, textCodec } from '../support/tiers.ts'

/** A registry of its own with one type, whose keys are lists of parts. */
function tables({ store, clock }: Fleet, options: object = {}, type = 'table') {
  const registry = new CacheRegistry({ backend: store, clock, ...options })
  const cache: KeyedCache<readonly string[], string> = registry.define<string, readonly string[]>({
    type,
    ttl: '1m',
    codec: textCodec<string>(),
    fetch: () => 'fetched',
  })
  return { registry, cache }
}

const find = (world: Fleet, parts: readonly string[], options = {}, type = 'table') =>
  tables(world, options, type).cache.find(parts)

describe('a prefix', () => {
  it('hits whole parts: db1 is not db10', async () => {
    const world = fleet()
    const { cache } = tables(world)
    for (const database of ['db1', 'db10', 'db']) await cache.set([database, 'orders'], database)
    await cache.invalidatePrefix('db1')
    expect(await find(world, ['db1', 'orders'])).toBeUndefined()
    expect(await find(world, ['db10', 'orders'])).toBe('db10')
    expect(await find(world, ['db', 'orders'])).toBe('db')
  })

  it('hits the key that is exactly it, and all that are longer', async () => {
    const world = fleet()
    const { cache } = tables(world)
    for (const key of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['ab'], ['a', 'bc']]) await cache.set(key, key.join())
    await tables(world).cache.invalidatePrefix('a', 'b')
    expect(await find(world, ['a'])).toBe('a')
    expect(await find(world, ['a', 'b'])).toBeUndefined()
    expect(await find(world, ['a', 'b', 'c'])).toBeUndefined()
    expect(await find(world, ['a', 'bc'])).toBe('a,bc')
    expect(await find(world, ['ab'])).toBe('ab')
  })

  it('with odd characters is taken as it is', async () => {
    const world = fleet()
    const { cache } = tables(world)
    const odd = ['', '*', '%', '_', '[a-z]', 'a:b', 'k1:k', '\u0000', 'é', '\ud800', '\udfff', '😀', '{x}', 'A', 'a']
    for (const part of odd) await cache.set([part, 'x'], `of ${odd.indexOf(part)}`)
    for (const [index, part] of odd.entries()) expect(await find(world, [part, 'x']), part).toBe(`of ${index}`)
    await tables(world).cache.invalidatePrefix('*')
    await tables(world).cache.invalidatePrefix('A')
    for (const [index, part] of odd.entries()) {
      const dropped = part === '*' || part === 'A'
      expect(await find(world, [part, 'x']), part).toBe(dropped ? undefined : `of ${index}`)
    }
  })

  it('hits no other type', async () => {
    const world = fleet()
    await tables(world, {}, 'table').cache.set(['a'], '1')
    await tables(world, {}, 'tables').cache.set(['a'], '2')
    await tables(world, {}, 'tabl').cache.set(['a'], '3')
    await tables(world, {}, 'table').cache.clear()
    expect(await find(world, ['a'], {}, 'table')).toBeUndefined()
    expect(await find(world, ['a'], {}, 'tables')).toBe('2')
    expect(await find(world, ['a'], {}, 'tabl')).toBe('3')
  })
})

describe('keys in the tier', () => {
  it.each([
    [
      ['a', 'bc'],
      ['ab', 'c'],
    ],
    [['a'], ['a', '']],
    [['1'], ['1', '1']],
    [['\ud800'], ['\ud801']],
    [['\ud800'], ['\ufffd']],
    [['é'], ['e\u0301']],
    [['a:1'], ['a', '1']],
  ])('%j and %j are two', async (one, two) => {
    const world = fleet()
    const { cache } = tables(world)
    await cache.set(one, 'one')
    await cache.set(two, 'two')
    expect(await find(world, one)).toBe('one')
    expect(await find(world, two)).toBe('two')
  })

  it('are ASCII', async () => {
    const world = fleet()
    const asked: string[] = []
    const backend = {
      ...world.store,
      name: 'spy',
      get: (key: string) => {
        asked.push(key)
        return world.store.get(key)
      },
    }
    const { cache } = tables(world, { backend })
    await cache.find(['é', '\ud800', '😀', '\n'])
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/^[\x20-\x7e]+$/)
  })
})

describe('a namespace', () => {
  it('is not a key: neither finds nor drops what looks like it', async () => {
    const world = fleet()
    const plain = tables(world)
    await plain.cache.set(['acme', 'x'], 'of a key')
    await plain.cache.namespace('acme').set(['x'], 'of a namespace')
    expect(await tables(world).cache.namespace('acme').find(['x'])).toBe('of a namespace')
    await tables(world).cache.invalidatePrefix('acme')
    expect(await find(world, ['acme', 'x'])).toBeUndefined()
    expect(await tables(world).cache.namespace('acme').find(['x'])).toBe('of a namespace')
  })

  it('of the registry’s options and of namespace() is the same', async () => {
    const world = fleet()
    await tables(world, { namespace: ['eu', 'acme'] }).cache.set(['x'], 'v')
    expect(await tables(world, { namespace: 'eu' }).cache.namespace('acme').find(['x'])).toBe('v')
    expect(await tables(world).cache.namespace('eu').namespace('acme').find(['x'])).toBe('v')
    expect(await tables(world).cache.namespace('acme').namespace('eu').find(['x'])).toBeUndefined()
  })

  it('cleared by its registry view loses every type in it and below, and no other', async () => {
    const world = fleet()
    const { registry, cache } = tables(world)
    await cache.set(['x'], 'root')
    await cache.namespace('acme').set(['x'], 'acme')
    await cache.namespace('acme').namespace('dev').set(['x'], 'acme dev')
    await cache.namespace('acme2').set(['x'], 'acme2')
    await tables(world, {}, 'other').cache.namespace('acme').set(['x'], 'other acme')
    await registry.namespace('acme').clear()
    const young = tables(world)
    expect(await young.cache.find(['x'])).toBe('root')
    expect(await young.cache.namespace('acme').find(['x'])).toBeUndefined()
    expect(await young.cache.namespace('acme').namespace('dev').find(['x'])).toBeUndefined()
    expect(await young.cache.namespace('acme2').find(['x'])).toBe('acme2')
    expect(await tables(world, {}, 'other').cache.namespace('acme').find(['x'])).toBeUndefined()
  })

  it('is not reached by clear() of the type in another one', async () => {
    const world = fleet()
    const { cache } = tables(world)
    await cache.set(['x'], 'root')
    await cache.namespace('acme').set(['x'], 'acme')
    await cache.clear()
    expect(await find(world, ['x'])).toBeUndefined()
    expect(await tables(world).cache.namespace('acme').find(['x'])).toBe('acme')
  })

  it('of another registry on the same store is not touched by clear() of this one', async () => {
    const world = fleet()
    await tables(world, { namespace: 'one' }).cache.set(['x'], '1')
    await tables(world, { namespace: 'two' }).cache.set(['x'], '2')
    await tables(world, { namespace: 'one' }).registry.clear()
    expect(await find(world, ['x'], { namespace: 'one' })).toBeUndefined()
    expect(await find(world, ['x'], { namespace: 'two' })).toBe('2')
  })

  it('of one tenant never answers another', async () => {
    const world = fleet()
    await tables(world).cache.namespace('acme').set(['x'], 'secret')
    expect(await tables(world).cache.namespace('umbrella').find(['x'])).toBeUndefined()
    expect(await find(world, ['x'])).toBeUndefined()
  })

  it('defeats a fetch in the air in it when it is cleared elsewhere', async () => {
    const world = fleet()
    let arrive: (value: string) => void = () => {}
    const { registry, cache } = tables(world)
    const fetch = () =>
      new Promise<string>((resolve) => {
        arrive = resolve
      })
    const reading = cache.namespace('acme').get(['x'], { fetch })
    await new Promise((resolve) => setImmediate(resolve))
    await tables(world).registry.namespace('acme').clear()
    arrive('late')
    expect(await reading).toBe('late')
    await registry.flush()
    expect(await tables(world).cache.namespace('acme').find(['x'])).toBeUndefined()
  })
})
