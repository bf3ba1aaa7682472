/** Any doubt about what a tier gave is a miss and an event: never an exception, never a wrong value. */

import type { Codec, Stored } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { type Fleet, fleet, outcome, type Process, settle, textCodec } from '../support/tiers.ts'

const broken = new Error('broken')

/** What the store has for the key of this process’s last write. */
async function lastStored(process: Process<never>): Promise<{ key: string; stored: Omit<Stored, 'generation'> }> {
  const write = process.tier.calls.filter(({ operation }) => operation === 'set').at(-1)
  if (!write?.stored) throw new Error('nothing was written')
  return { key: write.key, stored: write.stored }
}

/** A store whose only value has been tampered with. */
async function tampered(change: (bytes: Uint8Array, world: Fleet) => Uint8Array, value = 'v'): Promise<Fleet> {
  const world = fleet()
  const a = world.start()
  await a.load('k', value)
  const { key, stored } = await lastStored(a as never)
  await world.store.set(key, { ...stored, bytes: change(stored.bytes, world) }, {})
  return world
}

const because = (process: Process<string>) =>
  process.events.flatMap((event) => (event.kind === 'stored-value-rejected' ? [event.because] : []))

/** The stored value must be a miss: the source is asked, and what it brings replaces it. */
async function isAMiss(world: Fleet, b = world.start()): Promise<string[]> {
  const reading = await b.read('k')
  expect([reading.state, b.calls.length]).toEqual(['pending', 1])
  expect(b.call().previous).toBeUndefined()
  await b.call().resolve('from the source')
  expect(reading.value).toMatchObject({ value: 'from the source', from: 'source' })
  await b.registry.flush()
  expect((await world.start().get('k')).value).toBe('from the source')
  return because(b)
}

describe('bytes that were changed', () => {
  it('truncated at every length', async () => {
    const world = fleet()
    const a = world.start()
    await a.load('k', 'v')
    const { key, stored } = await lastStored(a as never)
    for (let length = 0; length < stored.bytes.length; length++) {
      await world.store.set(key, { ...stored, bytes: stored.bytes.slice(0, length) }, {})
      const b = world.start()
      expect(await b.cache.find('k'), `${length} bytes`).toBeUndefined()
      expect(because(b), `${length} bytes`).toHaveLength(1)
      expect(['truncated', 'foreign', 'flipped']).toContain(because(b)[0])
    }
  })

  it('with any one bit flipped', async () => {
    const world = fleet()
    const a = world.start()
    await a.load('k', 'v')
    const { key, stored } = await lastStored(a as never)
    for (let bit = 0; bit < stored.bytes.length * 8; bit += 3) {
      const bytes = stored.bytes.slice()
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await world.store.set(key, { ...stored, bytes }, {})
      const b = world.start()
      expect(await b.cache.find('k'), `bit ${bit}`).toBeUndefined()
      expect(because(b), `bit ${bit}`).toHaveLength(1)
    }
  })

  it.each([
    ['empty', new Uint8Array()],
    ['text', new TextEncoder().encode('{"v":1}')],
    ['zeros', new Uint8Array(200)],
    ['noise', Uint8Array.from({ length: 300 }, (_, index) => (index * 89 + 7) & 255)],
  ])('foreign: %s', async (_, bytes) => {
    const seen = await isAMiss(await tampered(() => bytes))
    expect(['foreign', 'truncated']).toContain(seen[0])
  })

  it('with something appended', async () => {
    expect(await isAMiss(await tampered((bytes) => Uint8Array.from([...bytes, 0])))).toHaveLength(1)
  })

  it.each([undefined, null, 'text', 7, {}, [1, 2], new ArrayBuffer(8)])('that are %s', async (bytes) => {
    const { start } = fleet()
    const b = start()
    const stored = { bytes, generation: 'g', fetchedAt: 0, expiresAt: 0, keepUntil: 0 }
    b.tier.answer(() => ({ generation: 'g', stored }), 'get')
    const reading = await b.get('k')
    await b.call().resolve('v')
    expect(reading.value).toBe('v')
  })
})

describe('bytes of something else', () => {
  it('of another key', async () => {
    const world = fleet()
    const a = world.start()
    await a.load('k', 'v')
    const { key } = await lastStored(a as never)
    await a.load('j', 'of j')
    const { stored } = await lastStored(a as never)
    await world.store.set(key, stored, {})
    expect(await isAMiss(world)).toEqual(['other-key'])
  })

  it('of another type', async () => {
    const world = fleet()
    const a = world.start()
    await a.load('k', 'v')
    const { key } = await lastStored(a as never)
    const other = world.start({ type: 'other' })
    await other.load('k', 'of other')
    const { stored } = await lastStored(other as never)
    await world.store.set(key, stored, {})
    expect(['other-key', 'other-type']).toContain((await isAMiss(world))[0])
  })

  it('of another version of the type, both ways', async () => {
    const world = fleet()
    await world.start({ version: 2 }).load('k', 'two')
    const one = world.start({ version: 1 })
    await one.load('k', 'one')
    expect(one.calls).toHaveLength(1)
    expect((await world.start({ version: 1 }).get('k')).value).toBe('one')
    const two = world.start({ version: 2 })
    expect(await two.cache.find('k')).not.toBe('one')
  })

  it('of another tenant', async () => {
    const world = fleet()
    const a = world.start({}, { namespace: 'acme' })
    await a.load('k', 'of acme')
    const { stored } = await lastStored(a as never)
    const b = world.start({}, { namespace: 'umbrella' })
    await b.load('k', 'of umbrella')
    const { key } = await lastStored(b as never)
    await world.store.set(key, stored, {})
    const c = world.start({}, { namespace: 'umbrella' })
    expect(await c.cache.find('k')).toBeUndefined()
    expect(because(c)).toEqual(['other-key'])
  })

  it('of a newer envelope', async () => {
    const world = await tampered((bytes) => Uint8Array.from(bytes, (byte, index) => (index === 4 ? byte + 1 : byte)))
    expect(await isAMiss(world)).toEqual(['newer-version'])
  })
})

describe('bytes from the future', () => {
  it('more than a second ahead are a miss', async () => {
    const world = fleet()
    const ahead = fleet()
    await ahead.clock.advance(1001)
    const a = ahead.start()
    await a.load('k', 'v')
    const { key, stored } = await lastStored(a as never)
    await world.store.set(key, stored, {})
    expect(await isAMiss(world)).toEqual(['future'])
  })

  it('a second ahead are taken, and count as fetched now', async () => {
    const world = fleet()
    const ahead = fleet()
    await ahead.clock.advance(1000)
    const a = ahead.start()
    await a.load('k', 'v')
    const { key, stored } = await lastStored(a as never)
    await world.store.set(key, stored, {})
    const b = world.start()
    expect((await b.get('k')).value).toBe('v')
    expect(b.cache.tryGet('k')).toBe('v')
  })

  it('of a clock that was set back are not younger for it', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.sleep(-500)
    expect((await start().get('k')).value).toBe('v')
    await clock.sleep(-5000)
    expect((await start().get('k')).state).toBe('pending')
  })
})

describe('a codec', () => {
  const failing = (half: 'encode' | 'decode', error: unknown, late: boolean): Codec<string> => ({
    ...textCodec<string>(),
    [half]: () => {
      if (late) return Promise.reject(error)
      throw error
    },
  })
  const ways = [
    ['throws', broken, false],
    ['rejects', broken, true],
    ['throws undefined', undefined, false],
    ['rejects with undefined', undefined, true],
  ] as const

  it.each(ways)('whose decode %s makes it a miss and an event', async (_, error, late) => {
    const world = fleet()
    await world.start().load('k', 'v')
    const b = world.start({ codec: failing('decode', error, late) })
    const reading = await b.read('k')
    await b.call().resolve('w')
    expect(reading.value).toMatchObject({ value: 'w', from: 'source' })
    expect(because(b)).toEqual(['schema'])
    expect((await world.start().get('k')).value).toBe('w')
  })

  it.each(ways)('whose encode %s gives the reader its value, drops the write and tells it', async (_, error, late) => {
    const world = fleet()
    const b = world.start({ codec: failing('encode', error, late) })
    const reading = await b.get('k')
    await b.call().resolve('v')
    expect(reading.value).toBe('v')
    await b.registry.flush()
    expect(b.tier.count('set')).toBe(0)
    expect(b.cache.peek('k')).toBe('v')
    expect(b.kinds().some((kind) => kind === 'backend-failed' || kind === 'listener-failed')).toBe(true)
  })

  it.each(ways)('whose encode %s makes set() reject, and memory is as it was', async (_, error, late) => {
    const world = fleet()
    let bad = false
    const good = textCodec<string>()
    const codec = {
      ...good,
      encode: (value: string, context: { key: string }) =>
        bad ? failing('encode', error, late).encode(value, context) : good.encode(value, context),
    }
    const b = world.start({ codec })
    await b.load('k', 'old')
    bad = true
    const end = await outcome(
      b.cache.set('k', 'new').then(
        () => 'was set',
        () => 'rejected',
      ),
    )
    expect(end).toBe('rejected')
    expect(b.cache.peek('k')).toBe('old')
    bad = false
    await b.cache.set('k', 'newest')
    expect(await world.start().cache.find('k')).toBe('newest')
  })

  it.each([undefined, 'text', 7, null])('whose encode gives %s harms no reader', async (garbage) => {
    const world = fleet()
    const b = world.start({ codec: { ...textCodec<string>(), encode: () => garbage as never } })
    const reading = await b.get('k')
    await b.call().resolve('v')
    expect(reading.value).toBe('v')
    expect(
      await outcome(
        b.cache.set('k', 'new').then(
          () => 'was set',
          () => 'rejected',
        ),
      ),
    ).toBe('rejected')
    expect(b.cache.peek('k')).toBe('v')
  })

  it('L18 whose decode gives undefined makes it a miss', async () => {
    const world = fleet()
    await world.start().load('k', 'v')
    const b = world.start({ codec: { ...textCodec<string>(), decode: () => undefined as never } })
    const reading = await b.get('k')
    await b.call().resolve('w')
    expect(reading.value).toBe('w')
    expect(because(b)).toEqual(['schema'])
  })

  it('may be asynchronous, and gets the key under which the bytes lie', async () => {
    const keys: string[] = []
    const good = textCodec<string>()
    const codec: Codec<string> = {
      async encode(value, { key }) {
        keys.push(key)
        return good.encode(value, { key })
      },
      async decode(bytes, { key }) {
        keys.push(key)
        return good.decode(bytes, { key })
      },
    }
    const world = fleet()
    const a = world.start({ codec })
    await a.load('k', 'v')
    expect((await world.start({ codec }).get('k')).value).toBe('v')
    const { key } = await lastStored(a as never)
    expect(keys).toEqual([key, key])
  })

  it('gets the bytes it wrote, and cannot change what is stored', async () => {
    const world = fleet()
    await world.start().load('k', 'v')
    const good = textCodec<string>()
    const codec: Codec<string> = {
      ...good,
      decode: (bytes, context) => {
        const value = good.decode(bytes, context)
        bytes.fill(0)
        return value
      },
    }
    expect((await world.start({ codec }).get('k')).value).toBe('v')
    expect((await world.start().get('k')).value).toBe('v')
  })

  it('is not needed for what only memory keeps: without one the backend is never called', async () => {
    const world = fleet()
    const a = world.start({ codec: undefined })
    await a.load('k', 'v')
    await a.cache.set('k', 'w')
    await a.cache.find('j')
    const many = a.cache.getMany(['k', 'j'])
    await settle()
    await a.call('j').resolve('x')
    await many
    await a.cache.invalidate('k')
    await a.cache.invalidatePrefix('k')
    await a.cache.clear()
    await a.registry.flush()
    expect(a.tier.count()).toBe(0)
    expect(await outcome(a.cache.set('k', 'w'))).toBeUndefined()
  })
})

describe('L19 privacy', () => {
  it('neither events nor errors of tier trouble contain the value', async () => {
    const secret = 'hunter2'
    const world = await tampered((bytes) => bytes.slice(0, -1), secret)
    const b = world.start()
    await b.get('k')
    await b.call().resolve(secret)
    b.tier.fail(broken)
    const error = await outcome(b.cache.set('k', secret))
    const { inspect } = await import('node:util')
    expect(
      inspect([b.events, error, [...b.registry.inspect()], b.registry, b.cache, b.cache.entry('k')], {
        depth: 9,
        showHidden: true,
      }),
    ).not.toContain(secret)
  })
})
