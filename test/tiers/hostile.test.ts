/** L11 with a tier: whatever a backend does, reads end with what the source says, and no rejection stays unhandled. */

import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'
import { fleet, settle } from '../support/tiers.ts'
import { unhandledDuring } from '../support/unhandled.ts'

const down = new Error('down')
const lookup = { generation: 'g', stored: undefined }

/** Settles twice: first with a value, then with an error. */
const twice = {
  // biome-ignore lint/suspicious/noThenProperty: a thenable that breaks the rules of promises
  then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    resolve(lookup)
    reject(down)
  },
}
const throwingThen = {
  // biome-ignore lint/suspicious/noThenProperty: a thenable that breaks the rules of promises
  get then(): never {
    throw down
  },
}

const behaviours: Readonly<Record<string, (proceed: () => unknown) => unknown>> = {
  'throws at once': () => {
    throw down
  },
  'throws undefined at once': () => {
    throw undefined
  },
  'throws 0 at once': () => {
    throw 0
  },
  rejects: () => Promise.reject(down),
  'rejects with undefined': () => Promise.reject(undefined),
  'never settles': () => new Promise(() => {}),
  'gives undefined': () => undefined,
  'gives null': () => Promise.resolve(null),
  'gives a number': () => 7,
  'gives a text': () => 'text',
  'gives an empty object': () => ({}),
  'gives an empty list': () => [],
  'gives a look-up without a generation': () => ({ stored: undefined }),
  'gives a generation that is no text': () => ({ generation: 7, stored: undefined }),
  'gives stored without bytes': () => ({ generation: 'g', stored: {} }),
  'gives stored that is null': () => ({ generation: 'g', stored: null }),
  'gives bytes that are not bytes': () => ({ generation: 'g', stored: { bytes: 'x', generation: 'g' } }),
  'gives what throws when it is looked at': () => ({
    get generation(): string {
      throw down
    },
    get stored(): undefined {
      throw down
    },
  }),
  'settles twice': () => twice,
  'gives a thenable that throws': () => throwingThen,
  'does it, then rejects': async (proceed) => {
    await proceed()
    throw down
  },
}

describe.each(Object.entries(behaviours))('a backend that %s', (_, how) => {
  it('costs no reader his value, and leaves no rejection behind', async () => {
    const seen = await unhandledDuring(async () => {
      const { start, clock } = fleet()
      const a = start({ source: 'both', staleIfError: '1m' })
      a.tier.answer(how)
      const reading = settlement(a.cache.get('k'))
      await clock.advance(1000)
      for (const call of a.calls) await call.resolve('v')
      for (const batch of a.batches) await batch.resolve(batch.keys.map((key) => [key, 'v']))
      await clock.advance(1000)
      expect(reading.value).toBe('v')
      const many = settlement(a.cache.getMany(['x', 'y']))
      await clock.advance(1000)
      for (const call of a.calls) await call.resolve('v')
      for (const batch of a.batches) await batch.resolve(batch.keys.map((key) => [key, 'v']))
      await clock.advance(1000)
      expect(many.value?.size).toBe(2)
      const others = [
        settlement(a.cache.set('k', 'w')),
        settlement(a.cache.find('z')),
        settlement(a.cache.expire('x')),
        settlement(a.cache.invalidate('k')),
        settlement(a.cache.invalidatePrefix('x')),
        settlement(a.cache.entry('y').set('w')),
        settlement(a.cache.clear()),
        settlement(a.registry.clear()),
      ]
      await clock.advance(60_000)
      expect(others.map(({ state }) => state)).not.toContain('pending')
      for (const { state, error } of others) if (state === 'rejected') expect(error).toBeInstanceOf(Error)
      const flushed = settlement(a.registry.flush())
      await clock.advance(60_000)
      expect(flushed.state).toBe('fulfilled')
      const refreshed = settlement(a.cache.refresh('k'))
      await clock.advance(1000)
      for (const call of a.calls) await call.resolve('last')
      for (const batch of a.batches) await batch.resolve(batch.keys.map((key) => [key, 'last']))
      await clock.advance(1000)
      expect(refreshed.value).toBe('last')
      const disposed = settlement(a.registry.dispose())
      await clock.advance(60_000)
      expect(disposed.state).toBe('fulfilled')
    })
    expect(seen).toEqual([])
  })

  it('and nobody waits for what he started: nothing is unhandled either', async () => {
    const seen = await unhandledDuring(async () => {
      const { start, clock } = fleet()
      const a = start({ fetchTimeout: 1000 })
      a.tier.answer(how)
      const end = a.cache.entry('k').keepFresh()
      await clock.advance(5000)
      for (const call of a.calls) await call.reject(down)
      a.cache.seed('j', 'seed')
      await clock.advance(50_000)
      void a.cache.get('j').catch(() => {})
      await clock.advance(5000)
      for (const call of a.calls) await call.resolve('v')
      end()
      void a.registry.dispose()
      await clock.advance(20_000)
    })
    expect(seen).toEqual([])
  })

  it('is whole again when it is healed', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.answer(how)
    for (let index = 0; index < 7; index++) {
      const reading = settlement(a.cache.get(`k${index}`))
      await clock.advance(6000)
      for (const call of a.calls) await call.resolve('v')
      await settle()
      expect(reading.value).toBe('v')
    }
    a.tier.heal()
    await clock.advance(60_000)
    await a.cache.find('probe').catch(() => {})
    await a.load('after', 'w')
    await a.registry.flush()
    expect(await start().cache.find('after')).toBe('w')
  })
})

describe('a generation the backend made up', () => {
  it('of any text is handed back as it came', async () => {
    const { start } = fleet()
    const a = start()
    const odd = '\u0000 é" \ud800'
    a.tier.answer(() => ({ generation: odd, stored: undefined }), 'get')
    a.tier.answer(() => 'next', 'set')
    await a.load('k', 'v')
    expect(a.tier.calls.at(-1)?.ifGeneration).toBe(odd)
  })

  it('that is empty is a generation', async () => {
    const { start } = fleet()
    const a = start()
    a.tier.answer(() => ({ generation: '', stored: undefined }), 'get')
    a.tier.answer(() => '', 'set')
    await a.load('k', 'v')
    expect(a.tier.calls.at(-1)?.ifGeneration).toBe('')
    expect(a.cache.peek('k')).toBe('v')
  })
})

describe('a look-up that failed gave no generation', () => {
  it('so what was fetched is not written without a condition', async () => {
    const { start } = fleet()
    const a = start()
    a.tier.fail(down, 'get')
    await a.load('k', 'v')
    await a.registry.flush()
    const writes = a.tier.calls.filter(({ operation }) => operation === 'set')
    expect(writes.every(({ ifGeneration }) => ifGeneration !== undefined)).toBe(true)
    expect(a.cache.peek('k')).toBe('v')
  })

  it('and an invalidation in another process during that fetch is not undone', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'old')
    const a = start()
    a.tier.hang('get')
    const reading = await a.get('k')
    await clock.advance(200)
    a.tier.heal()
    await start().cache.invalidate('k')
    await a.call().resolve('late')
    expect(reading.value).toBe('late')
    await a.registry.flush()
    expect(await start().cache.find('k')).toBeUndefined()
  })
})
