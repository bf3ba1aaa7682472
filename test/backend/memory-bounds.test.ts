/** memoryBackend remembers a bounded number of what is gone, and refuses what it has forgotten. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryBackend } from 'evercurrent/backend/memory'
import { expect, it } from 'vitest'
import { storedAt } from '../support/tier.ts'

const FORGOTTEN_AFTER = 10_000
const DAY = 86_400_000

it('a deletion is remembered over 9,999 others, and what it defeated is refused after more of them too', async () => {
  const backend = memoryBackend()
  const before = (await backend.get('k')).generation
  await backend.delete('k', {})
  const after = (await backend.get('k')).generation
  for (let other = 1; other < FORGOTTEN_AFTER; other++) await backend.delete(`other ${other}`, {})
  expect(await backend.set('k', storedAt(0), { ifGeneration: before })).toBeUndefined()
  await backend.delete('one more', {})
  expect(await backend.set('k', storedAt(0), { ifGeneration: before })).toBeUndefined()
  expect(await backend.set('k', storedAt(0), { ifGeneration: after })).toEqual(expect.any(String))
})

it('a miss from before all that is remembered is refused, and the next one is not', async () => {
  const backend = memoryBackend()
  const { generation } = await backend.get('k')
  for (let other = 0; other < FORGOTTEN_AFTER; other++) await backend.delete(`other ${other}`, {})
  const remembered = (await backend.get('k')).generation
  for (let other = 0; other < 10; other++) await backend.delete(`more ${other}`, {})
  expect(await backend.set('k', storedAt(0), { ifGeneration: generation })).toBeUndefined()
  expect(await backend.set('k', storedAt(0), { ifGeneration: remembered })).toEqual(expect.any(String))
})

it('64 deleted prefixes are told apart; of older ones no writer from before is accepted, of any key', async () => {
  const backend = memoryBackend()
  const generationOf = async (key: string) => (await backend.get(key)).generation
  const [free, first, second] = [await generationOf('free'), await generationOf('p0/k'), await generationOf('other')]
  for (let prefix = 0; prefix < 64; prefix++) await backend.deletePrefix(`p${prefix}/`)
  expect(await backend.set('free', storedAt(0), { ifGeneration: free })).toEqual(expect.any(String))
  expect(await backend.set('p0/k', storedAt(0), { ifGeneration: first })).toBeUndefined()
  await backend.deletePrefix('one more')
  expect(await backend.set('p0/k', storedAt(0), { ifGeneration: first })).toBeUndefined()
  expect(await backend.set('other', storedAt(0), { ifGeneration: second })).toBeUndefined()
  expect(await backend.set('other', storedAt(0), { ifGeneration: await generationOf('other') })).toEqual(
    expect.any(String),
  )
})

it('a prefix deleted again and again, with those below it, is one of them', async () => {
  const backend = memoryBackend()
  const { generation } = await backend.get('free')
  for (let round = 0; round < 200; round++) {
    await backend.deletePrefix(`p/${round}/`)
    await backend.deletePrefix('p/')
  }
  expect(await backend.set('free', storedAt(0), { ifGeneration: generation })).toEqual(expect.any(String))
})

it('a value that is held outlives all forgetting, and so does its generation', async () => {
  const backend = memoryBackend()
  const held = await backend.set('k', storedAt(Date.now()), {})
  for (let other = 0; other < FORGOTTEN_AFTER + 10; other++) await backend.delete(`other ${other}`, {})
  for (let prefix = 0; prefix < 70; prefix++) await backend.deletePrefix(`p${prefix}`)
  expect((await backend.get('k')).generation).toBe(held)
  expect(await backend.set('k', storedAt(0), { ifGeneration: held ?? '' })).toEqual(expect.any(String))
})

it('a tombstone is forgotten after 24 h, and what it defeated is refused all the same', async () => {
  let time = 0
  const backend = memoryBackend({ now: () => time })
  const before = (await backend.get('k')).generation
  const elsewhere = (await backend.get('elsewhere')).generation
  await backend.delete('k', {})
  time += DAY - 1
  await backend.delete('other', {})
  expect(await backend.set('elsewhere', storedAt(time), { ifGeneration: elsewhere })).toEqual(expect.any(String))
  const late = (await backend.get('late')).generation
  time += 1
  await backend.delete('other', {})
  expect(await backend.set('k', storedAt(time), { ifGeneration: before })).toBeUndefined()
  expect(await backend.set('late', storedAt(time), { ifGeneration: late })).toEqual(expect.any(String))
  expect(await backend.set('never', storedAt(time), { ifGeneration: before })).toBeUndefined()
})

it('another store, or the same one made anew, refuses the generations of this one', async () => {
  const [one, other] = [memoryBackend(), memoryBackend()]
  const held = await one.set('k', storedAt(0), {})
  await other.set('k', storedAt(0), {})
  expect(await other.set('k', storedAt(0), { ifGeneration: held ?? '' })).toBeUndefined()
  const { generation } = await one.get('absent')
  expect(await other.set('absent', storedAt(0), { ifGeneration: generation })).toBeUndefined()
})

it('a million misses leave nothing behind', async () => {
  const backend = memoryBackend()
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let miss = 0; miss < 1000; miss++) await backend.get(`warm ${miss}`)
  collect()
  const before = process.memoryUsage().heapUsed
  const batch = 1000
  for (let from = 0; from < 1_000_000; from += batch) {
    await backend.getMany(Array.from({ length: batch }, (_, at) => `absent ${from + at}`))
  }
  collect()
  const grown = process.memoryUsage().heapUsed - before
  // A record of each would be 100 MB.
  expect(grown).toBeLessThan(10_000_000)
  expect(await backend.size()).toEqual({ entries: 0, bytes: 0 })
})
