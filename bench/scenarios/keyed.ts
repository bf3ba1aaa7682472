/** Reads of fresh values among many keys, in the skewed order in which applications ask, and what each entry weighs. */

import { CacheRegistry } from 'evercurrent'
import { timeAwaitedReads } from '../reads.ts'
import { manyLru } from '../rivals/lru-cache.ts'
import type { Contender, Scenario } from '../scenario.ts'

const ttl = 3_600_000
const value = { id: 1, name: 'orders' }

/** Parsed, so that each is one flat string: what is put together becomes flat when it is looked up, and weighs less then. */
const keysOf = (count: number): string[] =>
  JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => `tenant-${i % 97}-table-${i}`)))

/** A million keys to ask for, Zipf's law with exponent 1: the n-th most popular is asked for a 1/n as often. */
function askedFor(keys: readonly string[]): readonly string[] {
  const cumulated = new Float64Array(keys.length)
  let sum = 0
  for (let rank = 0; rank < keys.length; rank++) cumulated[rank] = sum += 1 / (rank + 1)
  // Popular keys lie anywhere in memory: a stride that is prime to every count spreads the ranks.
  const at = (rank: number) => keys[(rank * 7_919) % keys.length] as string
  let seed = 42
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  return Array.from({ length: 2 ** 20 }, () => {
    const wanted = random() * sum
    let [low, high] = [0, keys.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulated[middle] as number) < wanted) low = middle + 1
      else high = middle
    }
    return at(low)
  })
}

type Read = (key: string) => Promise<typeof value | undefined>

const reads = (keys: readonly string[], read: Read) => {
  const asked = askedFor(keys)
  let at = 0
  return timeAwaitedReads(() => {
    at = (at + 1) & (asked.length - 1)
    return read(asked[at] as string)
  }, value)
}

const registryOf = async (keys: readonly string[]) => {
  const tables = new CacheRegistry({ maxEntries: keys.length, maxBytes: 2 ** 40 }).define({
    type: 'table',
    ttl,
    fetch: (): typeof value => {
      throw new Error('A fresh value was fetched again')
    },
    sizeOf: () => 100,
  })
  for (const key of keys) await tables.set(key, value)
  return tables
}

const floor =
  (count: number): Contender =>
  () => {
    const keys = keysOf(count)
    const cells = new Map(keys.map((key) => [key, { until: performance.now() + ttl, promise: Promise.resolve(value) }]))
    const stale = Promise.resolve(undefined)
    return reads(keys, (key) => {
      const cell = cells.get(key)
      return cell && performance.now() < cell.until ? cell.promise : stale
    })
  }

const registry =
  (count: number): Contender =>
  async () => {
    const keys = keysOf(count)
    const tables = await registryOf(keys)
    return reads(keys, (key) => tables.get(key))
  }

const lru =
  (count: number): Contender =>
  async () => {
    const keys = keysOf(count)
    const cache = await manyLru<typeof value>(count, ttl)
    for (const key of keys) cache.set(key, value)
    return reads(keys, (key) => cache.fetch(key))
  }

const keyed = (count: number, bar?: number): Scenario => ({
  title: `Warm awaited read, ${count.toLocaleString('en')} keys`,
  unit: 'ns',
  contenders: {
    'floor: Map + clock read + await of a stored promise': floor(count),
    'await tables.get(key)': registry(count),
  },
  rivals: { 'lru-cache: await cache.fetch(key)': lru(count) },
  ...(bar && { bars: { 'await tables.get(key)': { times: bar } } }),
})

const used = () => {
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** After every key has been read once, with eviction order and sizes on. The keys themselves are not counted. */
const weight = (fill: (keys: readonly string[]) => Promise<Read>): Contender => {
  return () => async () => {
    const keys = keysOf(million)
    const before = used()
    const read = await fill(keys)
    for (const key of keys) if ((await read(key)) !== value) throw new Error('A read did not give the value')
    const figure = (used() - before) / million
    // It may not be collected before it was measured.
    if ((await read(keys[0] as string)) !== value) throw new Error('Keys were lost')
    return figure
  }
}

const million = 1_000_000

export const keyed1e3 = keyed(1000, 1 / 0.9)
export const keyed1e5 = keyed(100_000)
export const keyed1e6 = keyed(million)

export const entryWeight: Scenario = {
  title: 'Memory of an entry among a million, beyond its key',
  unit: 'B',
  flags: ['--expose-gc'],
  // 90 bytes, where the floor takes 85.
  bars: { 'registry.define()': { above: 5 } },
  contenders: {
    'floor: Map of { value, until }': weight(async (keys) => {
      const cells = new Map(keys.map((key) => [key, { value, until: performance.now() + ttl }]))
      return async (key) => cells.get(key)?.value
    }),
    'registry.define()': weight(async (keys) => {
      const tables = await registryOf(keys)
      return (key) => tables.get(key)
    }),
  },
  rivals: {
    'lru-cache': weight(async (keys) => {
      const cache = await manyLru<typeof value>(keys.length, ttl)
      for (const key of keys) cache.set(key, value)
      return (key) => cache.fetch(key)
    }),
  },
}
