/** Random calls under eviction: whatever is dropped for room, a result from before a mutation never comes back. */

import { BatchError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome } from '../support/keyed.ts'

const names = ['a', 'b', 'c', 'd', 'e']

function generator(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Values are numbers that only grow: what a fetch launched before a mutation brings is below the floor of its key. */
async function walk(seed: number, source: 'one' | 'many' | 'both', maxEntries: number, maxBytes: number) {
  const draw = generator(seed)
  const world = keyed<number>({ source, sizeOf: (value) => 1 + (value % 3) }, { maxEntries, maxBytes })
  const { cache, registry, clock, calls, batches, events } = world
  let stamp = 0
  const floor = new Map(names.map((name) => [name, 0]))
  const raise = (name: string) => floor.set(name, ++stamp)
  const open: { readonly at: number; readonly settle: () => Promise<void> }[] = []
  let [seenCalls, seenBatches] = [0, 0]
  const ends = new Map<string, (() => void)[]>()
  const answers: Promise<unknown>[] = []
  /** What is brought is stamped with when it was asked for. */
  const collect = () => {
    for (const call of calls.slice(seenCalls)) {
      const at = ++stamp
      open.push({ at, settle: () => (draw(3) ? call.resolve(at) : call.reject('down')) })
    }
    for (const batch of batches.slice(seenBatches)) {
      const at = ++stamp
      const pairs = () => batch.keys.filter(() => draw(5)).map((key) => [key, at] as const)
      open.push({ at, settle: () => (draw(3) ? batch.resolve(pairs()) : batch.reject('down')) })
    }
    seenCalls = calls.length
    seenBatches = batches.length
  }
  for (let step = 0; step < 200; step++) {
    const name = names[draw(names.length)] as string
    const action = draw(18)
    if (action <= 3) answers.push(outcome(cache.get(name)))
    else if (action === 4) answers.push(outcome(cache.getMany(names.filter(() => draw(2)))))
    else if (action === 5) answers.push(outcome(cache.refresh(name)))
    else if (action === 6) {
      raise(name)
      await cache.set(name, stamp)
    } else if (action === 7) {
      raise(name)
      await cache.invalidate(name)
    } else if (action === 8) {
      for (const each of names) raise(each)
      await (draw(2) ? cache.clear() : registry.clear())
    } else if (action === 9) ends.set(name, [...(ends.get(name) ?? []), cache.entry(name).subscribe(() => {})])
    else if (action === 10) {
      for (const end of ends.get(name) ?? []) end()
      ends.delete(name)
    } else if (action === 11) await clock.advance([10, 1000, 45_000, 70_000][draw(4)] as number)
    else if (action === 12) {
      raise(name)
      await cache.invalidatePrefix(name)
    } else if (open.length) await open.splice(draw(open.length), 1)[0]?.settle()
    await flush()
    collect()

    // A fetch that lost the slot still holds its key, for those who wait for it.
    const inAir = [...registry.inspect()].filter(
      ({ status, observers, waiting }) => status === 'refreshing' || observers > 0 || waiting > 0,
    )
    const { entries, bytes = 0 } = registry.stats()
    expect([seed, step, entries <= maxEntries + inAir.length]).toEqual([seed, step, true])
    expect([seed, step, entries]).toEqual([seed, step, cache.size])
    expect([seed, step, [...cache.keys()].length]).toEqual([seed, step, cache.size])
    const sizes = [...cache.keys()].map(([key]) => cache.entry(key as string).getSnapshot().value as number)
    expect([seed, step, sizes.length]).toEqual([seed, step, sizes.filter((value) => typeof value === 'number').length])
    if (maxBytes < Infinity) {
      expect([seed, step, bytes]).toEqual([seed, step, sizes.reduce((sum, value) => sum + 1 + (value % 3), 0)])
    }
    for (const each of names) {
      const value = cache.peek(each) ?? Infinity
      expect([seed, step, each, value >= (floor.get(each) as number)]).toEqual([seed, step, each, true])
    }
  }
  for (const list of ends.values()) for (const end of list) end()
  for (const each of open) await each.settle()
  for (;;) {
    collect()
    const next = open.pop()
    if (!next) break
    await next.settle()
    await clock.advance(10)
  }
  await clock.advance(40_000)
  collect()
  for (const answer of answers) {
    const end = await answer
    expect(typeof end === 'number' || end === 'down' || end instanceof Map || end instanceof Error).toBe(true)
    if (end instanceof BatchError) expect(end.errors.size).toBeGreaterThan(0)
  }
  await flush()
  expect(registry.stats().entries).toBeLessThanOrEqual(maxEntries)
  expect(registry.stats().bytes ?? 0).toBeLessThanOrEqual(maxBytes)
  expect(events.filter(({ kind }) => kind === 'listener-failed')).toEqual([])
  expect([...registry.inspect()].filter(({ waiting, observers }) => waiting || observers)).toEqual([])
}

describe.each(['one', 'many', 'both'] as const)('under pressure, source %s', (source) => {
  it.each([
    [0, Infinity],
    [1, Infinity],
    [2, Infinity],
    [Infinity, 4],
    [3, 5],
  ])('maxEntries %d, maxBytes %d', async (maxEntries, maxBytes) => {
    const walks = Number(process.env['WALKS'] ?? 3)
    for (let seed = 1; seed <= walks; seed++) await walk(seed * 104_729, source, maxEntries, maxBytes)
  })
})
