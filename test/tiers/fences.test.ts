/** L6 with a tier: what happened to a key in one process defeats the fetches of all of them, in memory and in the tier. */

import { describe, expect, it } from 'vitest'
import { type Fleet, fleet, type Process, settle } from '../support/tiers.ts'

type Mutation = (process: Process<string>) => Promise<unknown>

const droppings: Readonly<Record<string, Mutation>> = {
  'invalidate()': ({ cache }) => cache.invalidate('k'),
  'entry().invalidate()': ({ cache }) => cache.entry('k').invalidate(),
  'invalidatePrefix(k)': ({ cache }) => cache.invalidatePrefix('k'),
  'invalidatePrefix()': ({ cache }) => cache.invalidatePrefix(),
  'clear()': ({ cache }) => cache.clear(),
  'registry.clear()': ({ registry }) => registry.clear(),
}
const writings: Readonly<Record<string, Mutation>> = {
  'set()': ({ cache }) => cache.set('k', 'new'),
  'entry().set()': ({ cache }) => cache.entry('k').set('new'),
}

interface Air {
  readonly world: Fleet
  /** who fetches */
  readonly b: Process<string>
  readonly waiting: Promise<string>
}

/** A fetch of 'k' on its way in process b, in a situation. */
const situations: Readonly<Record<string, () => Promise<Air>>> = {
  'a key that never existed': () => launch(fleet()),
  'a key that was in the tier and expired': async () => {
    const world = fleet()
    await world.start().load('k', 'before')
    await world.clock.advance(60_000)
    return launch(world)
  },
  'a refresh of a held value': async () => {
    const world = fleet()
    const b = world.start()
    await b.load('k', 'before')
    const waiting = b.cache.refresh('k')
    await settle()
    return { world, b, waiting }
  },
  'a refresh of a value that came from the tier': async () => {
    const world = fleet()
    await world.start().load('k', 'before')
    const b = world.start()
    await b.get('k')
    const waiting = b.cache.refresh('k')
    await settle()
    return { world, b, waiting }
  },
  'a key that the store evicted meanwhile': async () => {
    const world = fleet({ maxEntries: 1 })
    const b = world.start()
    await b.load('k', 'before')
    const waiting = b.cache.refresh('k')
    await settle()
    await world.start().load('other', 'x')
    return { world, b, waiting }
  },
  'a process that keeps one value': async () => {
    const air = await launch(fleet(), { maxEntries: 1 })
    await air.b.load('other', 'x')
    return air
  },
  'a process that keeps nothing': () => launch(fleet(), { maxEntries: 0 }),
  'a batch': async () => {
    const world = fleet()
    const b = world.start({ source: 'many' })
    const waiting = b.cache.getMany(['j', 'k']).then((map) => map.get('k') as string)
    await settle()
    await world.clock.advance(0)
    return { world, b, waiting }
  },
}

async function launch(world: Fleet, household = {}): Promise<Air> {
  const b = world.start({}, household)
  const waiting = b.cache.get('k')
  await settle()
  return { world, b, waiting }
}

const land = async (b: Process<string>, value: string) => {
  const batch = b.batches.at(-1)
  if (batch) await batch.resolve(batch.keys.map((key) => [key, value]))
  else await b.call('k').resolve(value)
  await b.registry.flush()
  await settle()
}

describe.each(Object.entries(situations))('L6 a fetch in the air of %s', (_, situation) => {
  it.each(Object.entries(droppings))('is kept nowhere after %s in the same process', async (_name, drop) => {
    const { world, b, waiting } = await situation()
    await drop(b)
    await land(b, 'late')
    expect(await waiting).toBe('late')
    expect(b.cache.peek('k')).toBeUndefined()
    expect(await world.start().cache.find('k')).toBeUndefined()
  })

  it.each(Object.entries(droppings))('is kept nowhere after %s in another process', async (_name, drop) => {
    const { world, b, waiting } = await situation()
    await drop(world.start())
    await land(b, 'late')
    expect(await waiting).toBe('late')
    expect(b.cache.peek('k')).toBeUndefined()
    expect(await b.cache.find('k')).toBeUndefined()
    expect(await world.start().cache.find('k')).toBeUndefined()
    if (_ === 'a process that keeps nothing') return
    expect(b.events).toContainEqual(expect.objectContaining({ kind: 'fetch-discarded', because: 'refused' }))
  })

  it.each(Object.entries(writings))('loses to %s in the same process', async (_name, write) => {
    const { world, b, waiting } = await situation()
    await write(b)
    await land(b, 'late')
    expect(await waiting).toBe('new')
    expect(await b.cache.find('k')).toBe('new')
    expect(await world.start().cache.find('k')).toBe('new')
  })

  it.each(Object.entries(writings))('loses to %s in another process', async (_name, write) => {
    const { world, b, waiting } = await situation()
    await write(world.start())
    await land(b, 'late')
    expect(await waiting).toBe('late')
    expect((await b.get('k')).value).toBe('new')
    expect(await world.start().cache.find('k')).toBe('new')
  })

  it('is kept nowhere when the store was wiped meanwhile', async () => {
    const { world, b, waiting } = await situation()
    world.wipe()
    await land(b, 'late')
    expect(await waiting).toBe('late')
    expect(b.cache.peek('k')).toBeUndefined()
    expect(await world.start().cache.find('k')).toBeUndefined()
  })

  it('is kept nowhere when another process dropped the key and then the store was wiped', async () => {
    const { world, b, waiting } = await situation()
    await world.start().cache.invalidate('k')
    world.wipe()
    await land(b, 'late')
    expect(await waiting).toBe('late')
    expect(await world.start().cache.find('k')).toBeUndefined()
  })

  it('is kept in the tier when nothing happened', async () => {
    const { world, b, waiting } = await situation()
    await land(b, 'late')
    expect(await waiting).toBe('late')
    const evicted = _ === 'a key that the store evicted meanwhile'
    expect(await world.start().cache.find('k')).toBe(evicted ? undefined : 'late')
  })
})

describe('L6 after a restart', () => {
  it('a fetch of the process that went away does not come back', async () => {
    const { start } = fleet()
    const old = start()
    const waiting = old.cache.get('k')
    await settle()
    const young = start()
    await young.cache.invalidate('k')
    await old.call().resolve('late')
    expect(await waiting).toBe('late')
    await settle()
    expect(await young.cache.find('k')).toBeUndefined()
    await young.load('k', 'newest')
    expect(await start().cache.find('k')).toBe('newest')
  })

  it('a late write loses also to what was loaded after the invalidation', async () => {
    const { start } = fleet()
    const [a, b] = [start(), start()]
    const waiting = b.cache.get('k')
    await settle()
    await a.cache.invalidate('k')
    await a.load('k', 'newest')
    await b.call().resolve('late')
    await waiting
    await settle()
    expect((await b.get('k')).value).toBe('newest')
    expect(await start().cache.find('k')).toBe('newest')
  })

  it('a look-up that is on its way when the key is dropped brings nothing back', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const waiting = b.cache.get('k')
    await settle()
    const dropped = b.cache.invalidate('k')
    await gate.open()
    for (const call of b.calls) await call.resolve('late')
    await dropped
    expect(await waiting).toMatch(/^(v|late)$/)
    await settle()
    expect(b.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('a look-up that is on its way when the key is set does not overwrite it', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const waiting = b.cache.get('k')
    await settle()
    const written = b.cache.set('k', 'new')
    await gate.open()
    await written
    expect(await waiting).toMatch(/^(v|new)$/)
    expect(b.cache.peek('k')).toBe('new')
    expect(await start().cache.find('k')).toBe('new')
  })
})

describe('a refused write', () => {
  const refused = async () => {
    const world = fleet()
    const b = world.start()
    const gate = b.tier.hold('set')
    const waiting = b.cache.get('k')
    await settle()
    await b.call().resolve('v')
    await world.start().cache.invalidate('k')
    return { world, b, gate, waiting }
  }

  it('enters memory at once, and leaves it when the tier says no', async () => {
    const { b, gate, waiting } = await refused()
    expect(await waiting).toBe('v')
    expect(b.cache.peek('k')).toBe('v')
    await gate.open()
    expect(b.cache.peek('k')).toBeUndefined()
    expect(b.kinds()).toContain('fetch-discarded')
  })

  it('does not take with it what came after', async () => {
    const { world, b, gate } = await refused()
    const refreshed = b.cache.refresh('k')
    await world.clock.advance(200)
    await b.call().resolve('w')
    expect(await refreshed).toBe('w')
    await gate.open()
    expect([undefined, 'w']).toContain(b.cache.peek('k'))
    expect([undefined, 'w']).toContain(await world.start().cache.find('k'))
  })

  it('is not shown to observers any more', async () => {
    const { b, gate } = await refused()
    const entry = b.cache.entry('k')
    const seen: string[] = []
    const end = entry.subscribe(({ status }) => seen.push(status))
    expect(entry.getSnapshot().value).toBe('v')
    await gate.open()
    expect(entry.getSnapshot().value).toBeUndefined()
    expect(seen.at(-1)).toBe('empty')
    end()
  })

  it('is followed by a fetch of the next reader', async () => {
    const { world, b, gate } = await refused()
    await gate.open()
    const reading = await b.read('k')
    expect(b.calls).toHaveLength(2)
    await b.call().resolve('w')
    expect(reading.value).toMatchObject({ value: 'w', from: 'source' })
    expect(await world.start().cache.find('k')).toBe('w')
  })

  it('starts no cool-down and is no failure', async () => {
    const { b, gate } = await refused()
    await gate.open()
    const [line] = b.registry.inspect()
    expect([line?.lastError, line?.nextAttemptAt]).toEqual([undefined, undefined])
    expect(b.kinds()).not.toContain('backend-failed')
    expect(b.registry.stats()).toMatchObject({ fetchFailures: 0, discarded: 1 })
  })
})
