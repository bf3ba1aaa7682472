/** Which keys are the same key: only those with the same parts, whatever the parts contain. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed } from '../support/keyed.ts'

const registryOf = (parts: readonly (string | readonly string[])[]) => {
  const registry = new CacheRegistry()
  const cache = registry.define<number, string | readonly string[]>({
    type: 't',
    ttl: '1m',
    key: (key) => key,
    fetch: () => -1,
  })
  return { registry, cache, parts }
}

const hostile: readonly (readonly string[])[] = [
  ['a', 'bc'],
  ['ab', 'c'],
  ['abc'],
  ['a', 'b', 'c'],
  ['', 'abc'],
  ['abc', ''],
  ['', 'abc', ''],
  [''],
  ['', ''],
  ['', '', ''],
  ['a\0bc'],
  ['a\0', 'bc'],
  ['a', '\0bc'],
  ['a\0b', 'c'],
  ['\0'],
  ['\0', '\0'],
  ['\0\0'],
  ['a:bc'],
  ['a:', 'bc'],
  ['a', ':bc'],
  ['1:a'],
  ['1', 'a'],
  ['1:a', '2:bc'],
  ['1:a2:bc'],
  ['11', '1'],
  ['1', '11'],
  ['111'],
  ['k1:a'],
  ['a/bc'],
  ['a', '/', 'bc'],
  ['a,bc'],
  ['a', ',', 'bc'],
  ['["a","bc"]'],
  ['a","bc'],
  ['a%00bc'],
  ['a%3Abc'],
  ['a\\u0000bc'],
  ['\ud800'],
  ['\ud801'],
  ['\udc00'],
  ['\ufffd'],
  ['\ud800\udc00'],
  ['\ud800', '\udc00'],
  ['\\ud800'],
  ['é'],
  ['e\u0301'],
  ['A'],
  ['a'],
  ['a '],
  [' a'],
  ['__proto__'],
  ['constructor'],
  ['toString', 'valueOf'],
  ['t', 'a'],
  ['t@0', 'a'],
  ['undefined'],
  ['null'],
  ['0'],
  ['00'],
  ['-0'],
]

describe('keys that differ', () => {
  it('hostile parts never collide: each holds its own value', async () => {
    const { cache } = registryOf(hostile)
    for (const [at, key] of hostile.entries()) await cache.set(key, at)
    expect(hostile.map((key) => cache.peek(key))).toEqual(hostile.map((_, at) => at))
    expect(cache.size).toBe(hostile.length)
  })

  it('hostile parts come back from keys() as they went in', async () => {
    const { cache } = registryOf(hostile)
    for (const [at, key] of hostile.entries()) await cache.set(key, at)
    expect([...cache.keys()].map((key) => JSON.stringify(key)).sort()).toEqual(
      hostile.map((key) => JSON.stringify(key)).sort(),
    )
  })

  it('hostile parts come back from inspect() and from entry().key', async () => {
    const { cache, registry } = registryOf(hostile)
    for (const [at, key] of hostile.entries()) await cache.set(key, at)
    const inspected = [...registry.inspect()].map(({ key }) => JSON.stringify(key)).sort()
    expect(inspected).toEqual(hostile.map((key) => JSON.stringify(key)).sort())
    for (const key of hostile) expect(cache.entry(key).key).toEqual(key)
  })

  it('invalidating one hostile key drops no other', async () => {
    for (const [dropped, gone] of hostile.entries()) {
      const { cache } = registryOf(hostile)
      for (const [at, key] of hostile.entries()) await cache.set(key, at)
      expect(await cache.invalidate(gone)).toBe(true)
      const left = hostile.filter((key) => cache.peek(key) !== undefined)
      expect(left).toEqual(hostile.filter((_, at) => at !== dropped))
    }
  })

  it('invalidatePrefix() with a hostile prefix drops exactly the keys that begin with its whole parts', async () => {
    for (const prefix of hostile) {
      const { cache } = registryOf(hostile)
      for (const [at, key] of hostile.entries()) await cache.set(key, at)
      const begins = (key: readonly string[]) => prefix.every((part, at) => key[at] === part)
      expect(await cache.invalidatePrefix(...prefix)).toBe(hostile.filter(begins).length)
      expect(hostile.filter((key) => cache.peek(key) !== undefined)).toEqual(hostile.filter((key) => !begins(key)))
    }
  })

  it('random parts of an alphabet of separators never collide', async () => {
    const alphabet = ['', '\0', '\x01', ':', '1', '2', 'a', '%', '/', '\\', '"', '\ud800', '\udc00']
    let state = 7
    const draw = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((state / 2_147_483_648) * below)
    }
    const keys = new Map<string, string[]>()
    for (let count = 0; count < 3000; count++) {
      const key = Array.from({ length: 1 + draw(3) }, () =>
        Array.from({ length: draw(4) }, () => alphabet[draw(alphabet.length)]).join(''),
      )
      keys.set(JSON.stringify(key), key)
    }
    const { cache } = registryOf([])
    const list = [...keys.values()]
    for (const [at, key] of list.entries()) await cache.set(key, at)
    expect(cache.size).toBe(list.length)
    expect(list.every((key, at) => cache.peek(key) === at)).toBe(true)
  })
})

describe('keys that are the same', () => {
  it("a string and the array of that one part are one key: 'a' and ['a']", async () => {
    const { cache } = registryOf([])
    await cache.set('a', 1)
    expect(cache.peek(['a'])).toBe(1)
    await cache.set(['a'], 2)
    expect(cache.peek('a')).toBe(2)
    expect(cache.size).toBe(1)
    expect([...cache.keys()]).toEqual([['a']])
    expect(cache.entry('a')).toBe(cache.entry(['a']))
  })

  it('two objects with the same parts are one key and share one fetch', async () => {
    const { cache, calls } = keyed<string, { db: string; table: string }>({ key: ({ db, table }) => [db, table] })
    const one = cache.get({ db: 'a', table: 'b' })
    const other = cache.get({ db: 'a', table: 'b' })
    await flush()
    expect(calls).toHaveLength(1)
    await calls[0]?.resolve('v')
    expect(await Promise.all([one, other])).toEqual(['v', 'v'])
  })

  it('the fetch gets the key that was asked for, not its parts', async () => {
    const { cache, calls } = keyed<string, { id: number; note: string }>({ key: ({ id }) => `${id}` })
    const key = { id: 1, note: 'kept' }
    void cache.get(key)
    await flush()
    expect(calls[0]?.key).toBe(key)
  })

  it('changing the array after the call moves no value', async () => {
    const { cache } = registryOf([])
    const key = ['a', 'b']
    await cache.set(key, 1)
    key[1] = 'c'
    expect(cache.peek(['a', 'b'])).toBe(1)
    expect(cache.peek(['a', 'c'])).toBeUndefined()
    expect([...cache.keys()]).toEqual([['a', 'b']])
  })

  it('changing the array that keys(), an entry or inspect() gave moves no value', async () => {
    const { cache, registry } = registryOf([])
    await cache.set(['a', 'b'], 1)
    const given = [[...cache.keys()][0], cache.entry(['a', 'b']).key, [...registry.inspect()][0]?.key]
    for (const parts of given) {
      try {
        ;(parts as string[])[0] = 'z'
      } catch {
        // frozen is fine
      }
    }
    expect(cache.peek(['a', 'b'])).toBe(1)
    expect(await cache.invalidatePrefix('a')).toBe(1)
    expect(cache.peek(['a', 'b'])).toBeUndefined()
  })
})

describe('prefixes', () => {
  const tables = [['db1', 'a'], ['db1', 'b'], ['db10', 'a'], ['db', '1a'], ['db1']]
  const filled = async () => {
    const { cache, registry } = registryOf([])
    for (const [at, key] of tables.entries()) await cache.set(key, at)
    return { cache, registry }
  }

  it("'db1' does not hit 'db10'", async () => {
    const { cache } = await filled()
    expect(await cache.invalidatePrefix('db1')).toBe(3)
    expect([...cache.keys()]).toEqual([
      ['db10', 'a'],
      ['db', '1a'],
    ])
  })

  it('a prefix of a part hits nothing', async () => {
    const { cache } = await filled()
    expect(await cache.invalidatePrefix('d')).toBe(0)
    expect(cache.size).toBe(5)
  })

  it('a whole key is a prefix of itself', async () => {
    const { cache } = await filled()
    expect(await cache.invalidatePrefix('db1', 'a')).toBe(1)
    expect(cache.size).toBe(4)
  })

  it('no parts hit everything', async () => {
    const { cache } = await filled()
    expect(await cache.invalidatePrefix()).toBe(5)
    expect(cache.size).toBe(0)
  })

  it('a prefix longer than the keys hits nothing', async () => {
    const { cache } = await filled()
    expect(await cache.invalidatePrefix('db1', 'a', 'x')).toBe(0)
    expect(cache.size).toBe(5)
  })

  it('an empty part is a part', async () => {
    const { cache } = registryOf([])
    await cache.set(['', 'a'], 1)
    await cache.set(['a', ''], 2)
    expect(await cache.invalidatePrefix('')).toBe(1)
    expect(cache.peek(['a', ''])).toBe(2)
  })

  it('of another type hits nothing', async () => {
    const registry = new CacheRegistry()
    const one = registry.define({ type: 't', ttl: 1000, fetch: (_: string) => 1 })
    const other = registry.define({ type: 'u', ttl: 1000, fetch: (_: string) => 1 })
    for (const cache of [one, other]) await cache.set('a', 5)
    expect(await one.invalidatePrefix('a')).toBe(1)
    expect([one.peek('a'), other.peek('a')]).toEqual([undefined, 5])
  })
})

describe('types', () => {
  it('two types never share a key', async () => {
    const registry = new CacheRegistry()
    const a = registry.define({ type: 'a', ttl: 1000, fetch: (_: string) => 'a' })
    const b = registry.define({ type: 'b', ttl: 1000, fetch: (_: string) => 'b' })
    expect([await a.get('k'), await b.get('k')]).toEqual(['a', 'b'])
    await a.set('k', 'changed')
    expect(b.peek('k')).toBe('b')
  })

  it("a type called 'a@1' is not version 1 of 'a'", async () => {
    const registry = new CacheRegistry()
    const a = registry.define({ type: 'a', version: 1, ttl: 1000, fetch: (_: string) => 'a' })
    let b: typeof a | undefined
    try {
      b = registry.define({ type: 'a@1', ttl: 1000, fetch: (_: string) => 'b' })
    } catch {
      return // refusing such a name is fine as well
    }
    await a.set('k', 'of a')
    expect(b.peek('k')).toBeUndefined()
  })

  it('a type whose name looks like a namespace keeps apart from it', async () => {
    const registry = new CacheRegistry()
    const fetch = (_: string) => 'v'
    const define = (type: string, within: CacheRegistry) => within.define({ type, ttl: 1000, fetch })
    const plain = define('x', registry)
    const spaced = define('x', registry.namespace('x'))
    const other = define('x', registry.namespace('x').namespace('x'))
    await plain.set('x', '0')
    await spaced.set('x', '1')
    await other.set('x', '2')
    expect([plain.peek('x'), spaced.peek('x'), other.peek('x')]).toEqual(['0', '1', '2'])
  })
})
