/** Time, timers, async contexts and waitUntil around the calls of a tier. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { CacheRegistry } from 'evercurrent'
import { memoryBackend } from 'evercurrent/backend/memory'
import { describe, expect, it } from 'vitest'
import { probedBackend } from '../support/probed-backend.ts'
import { recordingClock } from '../support/recording-clock.ts'
import { settlement } from '../support/settlement.ts'
import { backendDeadline, fleet, outcome, settle, textCodec, ttl } from '../support/tiers.ts'

function alone(fetch: (key: string) => Promise<string> | string = () => 'v', options = {}) {
  const clock = recordingClock()
  const store = memoryBackend({ now: () => clock.wallNow() })
  const tier = probedBackend(() => store)
  const registry = new CacheRegistry({ clock, backend: tier, random: () => 0.5 })
  const cache = registry.define({ type: 'thing', ttl, codec: textCodec<string>(), fetch, ...options })
  return { clock, store, tier, registry, cache }
}

describe('L24 the async context', () => {
  const tenant = new AsyncLocalStorage<string>()

  it('of a fetch is that of its first reader, also after a look-up', async () => {
    const seen: (string | undefined)[] = []
    const { cache } = alone((key) => {
      seen.push(tenant.getStore())
      return key
    })
    await tenant.run('acme', () => cache.get('k'))
    expect(seen).toEqual(['acme'])
  })

  it('of two readers of one turn is each one’s own, although their look-ups go together', async () => {
    const seen: Record<string, string | undefined> = {}
    const { cache } = alone((key) => {
      seen[key] = tenant.getStore()
      return key
    })
    await Promise.all([
      tenant.run('acme', () => cache.get('a')),
      tenant.run('umbrella', () => cache.get('u')),
      cache.get('n'),
    ])
    expect(seen).toEqual({ a: 'acme', u: 'umbrella', n: undefined })
  })

  it('of a fetch after a look-up that hung is that of its first reader', async () => {
    const seen: (string | undefined)[] = []
    const { cache, tier, clock } = alone((key) => {
      seen.push(tenant.getStore())
      return key
    })
    tier.hang()
    const reading = tenant.run('acme', () => cache.get('k'))
    await clock.advance(backendDeadline)
    await reading
    expect(seen).toEqual(['acme'])
  })

  it('of a refresh behind a reader is nobody’s, in the tier and at the source', async () => {
    const seen: (string | undefined)[] = []
    const { cache, tier, clock } = alone((key) => {
      seen.push(tenant.getStore())
      return key
    })
    await cache.get('k')
    seen.length = 0
    tier.answer((proceed) => {
      seen.push(tenant.getStore())
      return proceed()
    })
    await clock.advance(ttl - 1000)
    await tenant.run('acme', () => cache.get('k'))
    await settle()
    expect(seen.length).toBeGreaterThanOrEqual(2)
    expect(new Set(seen)).toEqual(new Set([undefined]))
  })
})

describe('L20 what keeps a process alive', () => {
  it('is neither a look-up nor a write nor an open breaker', async () => {
    const { cache, tier, clock, registry } = alone()
    tier.hang()
    void outcome(cache.get('k'))
    void outcome(cache.set('j', 'v'))
    void outcome(cache.invalidate('i'))
    void outcome(cache.find('h'))
    await settle()
    expect(clock.holding()).toEqual([])
    await clock.advance(backendDeadline)
    expect(clock.holding()).toEqual([])
    for (let index = 0; index < 6; index++) {
      void outcome(cache.find(`${index}`))
      await clock.advance(backendDeadline)
    }
    expect(clock.holding()).toEqual([])
    await Promise.all([outcome(registry.dispose()), clock.advance(60_000)])
    expect(clock.timers.filter(({ state }) => state === 'waiting')).toEqual([])
  })

  it('no timer is left when all is answered', async () => {
    const { cache, clock, registry } = alone()
    await cache.get('k')
    await cache.set('j', 'v')
    await cache.find('i')
    await cache.invalidate('k')
    await registry.flush()
    await settle()
    expect(clock.timers.filter(({ state }) => state === 'waiting')).toEqual([])
  })
})

describe('L23 waitUntil', () => {
  it('gets a promise that ends although the tier hangs', async () => {
    const { cache, tier, clock } = alone()
    await cache.get('k')
    await clock.advance(ttl - 1000)
    tier.hang()
    const work: Promise<unknown>[] = []
    expect(await cache.get('k', { waitUntil: (promise) => work.push(promise) })).toBe('v')
    expect(work).toHaveLength(1)
    const ended = settlement(Promise.all(work))
    await clock.advance(60_000)
    expect(ended.state).toBe('fulfilled')
  })

  it('gets the fetch of a reader who left during the look-up', async () => {
    const { cache, tier, clock } = alone()
    tier.hang()
    const work: Promise<unknown>[] = []
    const reading = outcome(cache.get('k', { maxWait: 50, waitUntil: (promise) => work.push(promise) }))
    await clock.advance(50)
    expect(await reading).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect(work.length).toBeGreaterThanOrEqual(1)
    const ended = settlement(Promise.all(work))
    await clock.advance(60_000)
    expect(ended.state).toBe('fulfilled')
  })
})

describe('L3 sleep', () => {
  it('counts as age of what came from the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    await b.get('k')
    await clock.sleep(ttl)
    await clock.advance(1000)
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('counts for a process that looks after it', async () => {
    const { start, clock } = fleet()
    await start({ staleIfError: '1h' }).load('k', 'v')
    await clock.sleep(ttl)
    const b = start({ staleIfError: '1h' })
    expect((await b.get('k')).state).toBe('pending')
    expect(b.calls).toHaveLength(1)
  })

  it('during the look-up counts: what has run out meanwhile is not fresh', async () => {
    const { start, clock } = fleet()
    await start({ staleIfError: '1h' }).load('k', 'v')
    const b = start({ staleIfError: '1h' })
    const gate = b.tier.hold('get', 'after')
    const reading = await b.read('k')
    await clock.sleep(ttl)
    await gate.open()
    expect([reading.state, b.calls.length]).toEqual(['pending', 1])
  })
})

describe('a program without registries on the store', () => {
  it('on the default clock reads, writes and drops like any other', async () => {
    const store = memoryBackend()
    const make = () =>
      new CacheRegistry({ backend: store }).define({
        type: 'thing',
        ttl: '1m',
        codec: textCodec<string>(),
        fetch: (key: string) => `fetched ${key}`,
      })
    const [a, b] = [make(), make()]
    expect(await a.get('k')).toBe('fetched k')
    await settle()
    expect(await b.read('k')).toMatchObject({ from: 'backend' })
    await a.set('k', 'set')
    expect(await make().find('k')).toBe('set')
    expect(await a.invalidate('k')).toBe(true)
    expect(await make().find('k')).toBeUndefined()
  })
})

describe('options', () => {
  it.each([0, -1, Number.NaN, '5x', null, {}])('backendDeadline and writeDeadline %j are refused by name', (value) => {
    const backend = memoryBackend()
    for (const option of ['backendDeadline', 'writeDeadline']) {
      expect(() => new CacheRegistry({ backend, [option]: value } as never)).toThrow(option)
    }
  })

  it.each([7, 'redis', null, {}, { get() {} }])('a backend that is %j is refused', (backend) => {
    expect(() => new CacheRegistry({ backend } as never)).toThrow(/backend/)
  })

  it.each([7, null, {}, { encode() {} }])('a codec that is %j is refused', (codec) => {
    const registry = new CacheRegistry({ backend: memoryBackend() })
    expect(() => registry.define({ type: 'thing', ttl: '1m', codec, fetch: () => 1 } as never)).toThrow(/codec/)
  })

  it('the same type again with another codec is refused', () => {
    const registry = new CacheRegistry({ backend: memoryBackend() })
    const fetch = () => 'v'
    const define = (codec = textCodec<string>()) => registry.define({ type: 'thing', ttl: '1m', codec, fetch })
    const codec = textCodec<string>()
    expect(define(codec)).toBe(define(codec))
    expect(() => define()).toThrow(/other options/)
  })
})
