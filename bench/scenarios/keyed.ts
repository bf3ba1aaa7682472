/** Reads of fresh values among many keys, by Zipf's law as applications ask and each as often as any other, and what each entry weighs. */

import { CacheRegistry, type RegistryOptions } from 'evercurrent'
import type { Contender as Peer } from '../compare/contender.ts'
import { timeAwaitedReads } from '../reads.ts'
import type { Contender, Round, Scenario } from '../scenario.ts'

const ttl = 3_600_000
const value = 'orders as they are'

/** Parsed, so that each is one flat string: what is put together becomes flat when it is looked up, and weighs less then. */
const keysOf = (count: number): string[] =>
  JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => `tenant-${i % 97}-table-${i}`)))

/** Popular keys lie anywhere in memory: a stride that is prime to every count spreads the ranks. */
const spread = (keys: readonly string[], rank: number) => keys[(rank * 7_919) % keys.length] as string

function randomNumbers(): () => number {
  let seed = 42
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}

const asked = 2 ** 20

/** A million keys to ask for, Zipf's law with exponent 1: the n-th most popular is asked for a 1/n as often. */
function zipf(keys: readonly string[]): readonly string[] {
  const cumulated = new Float64Array(keys.length)
  let sum = 0
  for (let rank = 0; rank < keys.length; rank++) cumulated[rank] = sum += 1 / (rank + 1)
  const random = randomNumbers()
  return Array.from({ length: asked }, () => {
    const wanted = random() * sum
    let [low, high] = [0, keys.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulated[middle] as number) < wanted) low = middle + 1
      else high = middle
    }
    return spread(keys, low)
  })
}

function uniform(keys: readonly string[]): readonly string[] {
  const random = randomNumbers()
  return Array.from({ length: asked }, () => spread(keys, Math.floor(random() * keys.length)))
}

type Read = (key: string) => unknown

/** Nanoseconds of a read, in both orders. */
const reads = (keys: readonly string[], read: Read): Round => {
  const inOrder = (order: readonly string[]) => {
    let at = 0
    return timeAwaitedReads(() => {
      at = (at + 1) & (asked - 1)
      return read(order[at] as string)
    }, value as unknown)
  }
  const rounds = [inOrder(zipf(keys)), inOrder(uniform(keys))]
  return async (budgetMs) => {
    const figures: number[] = []
    for (const round of rounds) figures.push(...[await round(budgetMs / 2)].flat())
    return figures
  }
}

const refuse = (): string => {
  throw new Error('A fresh value was fetched again')
}

const fillRegistry = async (keys: readonly string[], options: RegistryOptions = {}): Promise<Read> => {
  const tables = new CacheRegistry({ maxEntries: keys.length, ...options }).define({
    type: 'table',
    ttl,
    fetch: refuse,
    sizeOf: () => 100,
  })
  for (const key of keys) await tables.set(key, value)
  return (key) => tables.get(key)
}

const fillFloor = (keys: readonly string[]): Read => {
  const cells = new Map(keys.map((key) => [key, { until: performance.now() + ttl, promise: Promise.resolve(value) }]))
  const stale = Promise.resolve(undefined)
  return (key) => {
    const cell = cells.get(key)
    return cell && performance.now() < cell.until ? cell.promise : stale
  }
}

const wish = { due: ttl - 60_000, ttl, stale: ttl }

/** Filled by reads, each of which is answered at once. */
const fillPeer = async (peer: Peer, keys: readonly string[]): Promise<Read | string> => {
  const keyed = await peer.startMany?.(async () => value, wish, keys.length)
  if (!keyed) return 'it holds one value'
  return (key) => keyed.read(key)
}

const used = () => {
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

type Fill = (keys: readonly string[]) => Read | string | Promise<Read | string>

/** Every key is read once: what an entry weighs then, without the key itself. */
async function weigh(keys: readonly string[], fill: Fill) {
  const before = used()
  const read = await fill(keys)
  if (typeof read === 'string') return read
  for (const key of keys) if ((await read(key)) !== value) throw new Error('A read did not give the value')
  return { read, bytes: (used() - before) / keys.length }
}

const among =
  (count: number, fill: Fill): Contender =>
  async () => {
    const keys = keysOf(count)
    const weighed = await weigh(keys, fill)
    if (typeof weighed === 'string') return weighed
    const round = reads(keys, weighed.read)
    return async (budgetMs) => [...[await round(budgetMs)].flat(), weighed.bytes]
  }

const keyed = (count: number, bar?: number): Scenario => ({
  title: `Warm awaited read, ${count.toLocaleString('en')} keys`,
  unit: 'ns',
  columns: [
    ['by Zipf’s law', 'ns'],
    ['uniform', 'ns'],
    ['an entry', 'B'],
  ],
  contenders: {
    'floor: Map + clock read + await of a stored promise': among(count, fillFloor),
    'await tables.get(key)': among(count, fillRegistry),
  },
  rival: (peer) => among(count, (keys) => fillPeer(peer, keys))(),
  flags: ['--expose-gc'],
  isHeavy: count > 1000,
  ...(bar && { bars: { 'await tables.get(key)': { times: bar } } }),
})

const million = 1_000_000

export const keyed1e3 = keyed(1000, 1 / 0.95)
export const keyed1e5 = keyed(100_000)
export const keyed1e6 = keyed(million)

/** With eviction order and sizes on. */
const weight = (fill: Fill): Contender => {
  return async () => {
    const weighed = await weigh(keysOf(million), fill)
    return typeof weighed === 'string' ? weighed : async () => weighed.bytes
  }
}

export const entryWeight: Scenario = {
  title: 'Memory of an entry among a million, with eviction order and sizes on',
  unit: 'B',
  flags: ['--expose-gc'],
  isHeavy: true,
  // 90 bytes, where the floor takes 85.
  bars: { 'registry.define()': { above: 5 } },
  contenders: {
    'floor: Map of { value, until }': weight((keys) => {
      const cells = new Map(keys.map((key) => [key, { value, until: performance.now() + ttl }]))
      return async (key) => cells.get(key)?.value
    }),
    'registry.define()': weight((keys) => fillRegistry(keys, { maxBytes: 2 ** 40 })),
  },
}
