/** The cases about keys and prefixes: every character counts as itself, in either. */

import { ascii, check, same, shown } from './contract-case.ts'
import type { Probe } from './probe.ts'

/** Keys that a database, an object or a careless comparison takes for one another. */
const lookalikes = [
  'a',
  'A',
  ' a',
  'a ',
  'a\0',
  '\0a',
  'a\0b',
  '1',
  '01',
  '1.0',
  '1e0',
  'null',
  'undefined',
  "a'b",
  'a"b',
]
const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']

/** Whether the count is right, if it is known at all. */
const checkCount = (count: number | undefined, expected: number, prefix: string) =>
  count === undefined || same(count, expected, `What deletePrefix(${shown(prefix)}) says it dropped`)

export const keyCases: Record<string, (probe: Probe) => Promise<void>> = {
  async 'keys with every ASCII character are told apart'({ put, holds, misses, backend }) {
    const keys = [...ascii, ...ascii.map((character) => `k${character}x`)]
    for (const key of keys) await put(key, `value of ${key}`)
    for (const key of keys) await holds(key, `value of ${key}`, 'Among keys with every ASCII character')
    for (const key of keys) {
      same((await backend.delete(key, {})).existed, true, `existed of ${shown(key)}`)
      await misses(key, 'After delete()')
    }
  },

  async 'keys that look alike, or like something built in, are told apart'({ put, holds, misses }) {
    const keys = [...lookalikes, ...inherited, 'k'.repeat(1000), `${'k'.repeat(999)}j`]
    for (const key of keys) await misses(key, 'Before it was written')
    for (const key of keys) await put(key, `value of ${key}`)
    for (const key of keys) await holds(key, `value of ${key}`, 'Among keys that look alike')
  },

  async 'deletePrefix() drops what begins with it, and nothing else'({ put, backend, holds, misses }) {
    const dropped = ['db1', 'db1/', 'db1/a', 'db10']
    const kept = ['db', 'd', 'db2', 'db0', 'DB1', 'xdb1', ' db1']
    for (const key of [...dropped, ...kept]) await put(key, 'a')
    checkCount(await backend.deletePrefix('db1'), dropped.length, 'db1')
    for (const key of dropped) await misses(key, "After deletePrefix('db1')")
    for (const key of kept) await holds(key, 'a', "After deletePrefix('db1')")
    checkCount(await backend.deletePrefix('db1'), 0, 'db1')
  },

  async 'deletePrefix() takes every ASCII character of a prefix for itself'({ put, backend, holds, misses }) {
    const family = (character: string) => [`p${character}`, `p${character}1`, `p${character}${character}z`]
    for (const character of ascii) for (const key of family(character)) await put(key, 'a')
    for (const character of ascii) {
      const prefix = `p${character}`
      for (const key of family(character)) await holds(key, 'a', `Before deletePrefix(${shown(prefix)})`)
      checkCount(await backend.deletePrefix(prefix), 3, prefix)
      for (const key of family(character)) await misses(key, `After deletePrefix(${shown(prefix)})`)
    }
  },

  async 'deletePrefix() with an empty prefix drops everything, and outdates all that was read'(probe) {
    const { put, backend, misses, generation, refuses } = probe
    const keys = [...ascii, 'a long one']
    const held: string[] = []
    for (const key of keys) held.push(await put(key, 'a'))
    const miss = await generation('never there')
    checkCount(await backend.deletePrefix(''), keys.length, '')
    for (const key of keys) await misses(key, "After deletePrefix('')")
    await refuses('never there', miss, 'everything was deleted since')
    for (const [at, key] of keys.entries()) await refuses(key, held[at] ?? '', 'everything was deleted since')
    await probe.accepts('k', 'a', await generation('k'), 'nothing happened since the miss')
  },

  async 'deletePrefix() defeats late writes of what it dropped'({ put, backend, refuses, generation, accepts }) {
    const held = await put('db/k', 'a')
    await backend.deletePrefix('db/')
    await refuses('db/k', held, 'its prefix was deleted since')
    await accepts('db/k', 'b', await generation('db/k'), 'nothing happened since the miss')
  },

  async 'deletePrefix() defeats late writes of keys that never existed'({ backend, generation, refuses, accepts }) {
    for (const character of ['/', ...ascii]) {
      const prefix = `db${character}`
      const late = [`${prefix}new`, prefix]
      const misses = [await generation(late[0] ?? ''), await generation(prefix)]
      checkCount(await backend.deletePrefix(prefix), 0, prefix)
      for (const [at, key] of late.entries()) {
        await refuses(key, misses[at] ?? '', `its prefix ${shown(prefix)} was deleted since the miss`)
      }
      await accepts(prefix, 'a', await generation(prefix), 'nothing happened since the miss')
      await backend.deletePrefix(prefix)
    }
  },

  async 'deletePrefix() defeats late writes of keys that were deleted before'({ put, backend, refuses }) {
    await put('db/k', 'a')
    const { generation } = await backend.delete('db/k', {})
    await backend.deletePrefix('db/')
    await refuses('db/k', generation, 'its prefix was deleted since')
  },

  async 'every deletePrefix() defeats what was read before it, however many there are'(probe) {
    const rounds = 100
    const before: (readonly [string, string])[] = []
    for (let round = 0; round < rounds; round++) {
      const key = `db${round}/k`
      before.push([key, await probe.generation(key)])
      await probe.backend.deletePrefix(`db${round}/`)
    }
    for (const [key, miss] of before) await probe.refuses(key, miss, 'its prefix was deleted since the miss')
    await probe.accepts('db0/k', 'a', await probe.generation('db0/k'), 'nothing happened since the miss')
  },

  async 'deletePrefix() of another prefix leaves values alone, and the writers of their keys'({
    put,
    backend,
    accepts,
  }) {
    const held = await put('db2/k', 'a')
    for (const other of ['db1/', 'db2/k1', 'DB2', '%', '_', '*']) await backend.deletePrefix(other)
    await accepts('db2/k', 'b', held, 'only other prefixes were deleted since')
  },

  async 'a value written after deletePrefix() stays'({ backend, put, holds, generation, accepts }) {
    await backend.deletePrefix('db/')
    await put('db/k', 'a')
    await holds('db/k', 'a', 'Written after deletePrefix()')
    await accepts('db/k', 'b', await generation('db/k'), 'nothing happened since it was read')
  },

  async 'getMany(), if there is one, answers in order, with duplicates and misses'({ backend, put, accepts }) {
    if (!backend.getMany) return
    const generation = await put('a', 'of a')
    await put('__proto__', 'of proto')
    const asked = ['absent', 'a', '__proto__', 'a', 'other', 'absent']
    const found = await backend.getMany(asked)
    same(found.length, asked.length, 'How many look-ups getMany() gave')
    const texts = found.map(({ stored }) => stored && new TextDecoder().decode(stored.bytes))
    same(String(texts), String([undefined, 'of a', 'of proto', 'of a', undefined, undefined]), 'What getMany() gave')
    same(found[1]?.generation, generation, 'The generation getMany() gave')
    const miss = found[0]?.generation
    check(typeof miss === 'string', 'getMany() gave no generation for a miss')
    await accepts('absent', 'b', miss, 'nothing happened since getMany() missed it')
    same((await backend.getMany([])).length, 0, 'How many look-ups getMany([]) gave')
  },
}
