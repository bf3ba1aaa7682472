/** Nonsense is refused where it is given, with a RangeError or TypeError that names the option and the value received. */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'

useFakeTime()

type Loose = Record<string, unknown>

const make = (options: unknown) => new BackgroundCache<string>(options as never)
const good = { ttl: 1000, refreshWindow: 200, fetch: () => 'v' }

function setUp(options: Loose = {}) {
  const fetch = deferredFetch<string>()
  const cache = make({ ...good, fetch, ...options })
  return { cache, fetch }
}

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

function expectRefusal(error: unknown, ...parts: readonly string[]) {
  expect(error instanceof RangeError || error instanceof TypeError, `a ${String(error)}`).toBe(true)
  for (const part of parts) expect((error as Error).message).toContain(part)
}

describe('options of the constructor', () => {
  it.each([
    ['ttl', 0],
    ['ttl', -1],
    ['ttl', Number.NaN],
    ['ttl', Number.NEGATIVE_INFINITY],
    ['refreshWindow', -1],
    ['refreshWindow', Number.NaN],
    ['refreshWindow', 1000],
    ['refreshWindow', 1001],
    ['refreshWindow', Number.POSITIVE_INFINITY],
    ['jitter', -0.1],
    ['jitter', 1.5],
    ['jitter', Number.NaN],
    ['staleIfError', -1],
    ['staleIfError', Number.NaN],
    ['fetchTimeout', -1],
    ['fetchTimeout', Number.NaN],
    ['maxWait', -1],
    ['maxWait', Number.NaN],
  ])('options: %s %d is refused', (name, value) => {
    expectRefusal(
      thrownBy(() => make({ ...good, [name]: value })),
      name,
      String(value),
    )
  })

  it.each(
    ['ttl', 'refreshWindow', 'staleIfError', 'fetchTimeout', 'maxWait'].flatMap((name) =>
      ['', 's', '30', '30 seconds', '30sec', '30S', '10w', 'ms', 'abc', '-5s', '0x10s', 'NaNs'].map(
        (value) => [name, value] as const,
      ),
    ),
  )('options: %s "%s" is no duration', (name, value) => {
    expectRefusal(
      thrownBy(() => make({ ...good, [name]: value })),
      name,
      value,
    )
  })

  it.each<[string, unknown, string]>([
    ['ttl', '0s', '0s'],
    ['ttl', '0ms', '0ms'],
    ['ttl', null, 'null'],
    ['ttl', true, 'true'],
    ['ttl', {}, ''],
    ['ttl', [1000], ''],
    ['ttl', 10n, '10'],
    ['ttl', Symbol('long'), ''],
    ['ttl', new Date(START), ''],
    ['refreshWindow', null, 'null'],
    ['refreshWindow', {}, ''],
    ['jitter', '10%', '10%'],
    ['jitter', null, 'null'],
    ['staleIfError', null, 'null'],
    ['staleIfError', true, 'true'],
    ['fetchTimeout', null, 'null'],
    ['maxWait', false, 'false'],
    ['expiresAt', 4711, '4711'],
    ['expiresAt', null, 'null'],
    ['fetch', 'https://source', ''],
    ['fetch', 4711, '4711'],
    ['fetch', null, 'null'],
    ['fetch', {}, ''],
    ['equals', true, 'true'],
    ['isNewer', 1, '1'],
    ['classifyError', 'retry', 'retry'],
    ['retryAfter', 1000, '1000'],
    ['freeze', 'yes', 'yes'],
    ['name', 4711, '4711'],
    ['random', 0.5, '0.5'],
    ['waitUntil', true, 'true'],
    ['clock', Date, ''],
    ['clock', { now: () => 0 }, ''],
    ['clock', null, 'null'],
    ['schema', { parse: () => 'v' }, ''],
    ['schema', null, 'null'],
    ['backoff', true, 'true'],
    ['backoff', 1000, '1000'],
    ['backoff', '1s', '1s'],
    ['backoff', null, 'null'],
  ])('options: %s of another kind is refused (%#)', (name, value, received) => {
    expectRefusal(
      thrownBy(() => make({ ...good, [name]: value })),
      name,
      received,
    )
  })

  it.each([
    ['base', -1],
    ['base', Number.NaN],
    ['base', '1 second'],
    ['max', -1],
    ['max', Number.NaN],
    ['max', '1 minute'],
  ])('options: backoff.%s %s is refused', (name, value) => {
    expectRefusal(
      thrownBy(() => make({ ...good, backoff: { [name]: value } })),
      name,
      String(value),
    )
  })

  it.each([
    ['refreshWindw', { ...good, refreshWindw: 4711 }],
    ['TTL', { ...good, TTL: 4711 }],
    ['timeout', { ...good, timeout: 4711 }],
    ['toString', { ...good, toString: 4711 }],
    ['bse', { ...good, backoff: { bse: 4711 } }],
  ])('options: an unknown %s is refused', (name, options) => {
    expectRefusal(
      thrownBy(() => make(options)),
      name,
      '4711',
    )
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 1000],
    ['a string', '30s'],
    ['a function', () => 'v'],
  ])('options: %s instead of options is refused', (_, options) => {
    expectRefusal(thrownBy(() => make(options)))
  })

  it('options: ttl is required unless expiresAt is given', () => {
    expectRefusal(
      thrownBy(() => make({ fetch: () => 'v' })),
      'ttl',
    )
    expect(() => make({ fetch: () => 'v', expiresAt: () => undefined })).not.toThrow()
  })

  it('options: refreshWindow is compared with ttl across units', () => {
    expectRefusal(
      thrownBy(() => make({ fetch: () => 'v', ttl: '1m', refreshWindow: '60s' })),
      'refreshWindow',
      '60s',
    )
    expect(() => make({ fetch: () => 'v', ttl: '1m', refreshWindow: '59999ms' })).not.toThrow()
  })

  it.each<[string, Loose]>([
    ['the smallest', { ttl: 1 }],
    ['strings', { ttl: '1d', refreshWindow: '2h', staleIfError: '7d', fetchTimeout: '500ms', maxWait: '3s' }],
    ['no window', { ttl: 1000, refreshWindow: 0 }],
    ['the longest window', { ttl: 1000, refreshWindow: 999 }],
    ['a window without ttl', { expiresAt: () => undefined, refreshWindow: '5m' }],
    ['no timeout', { ttl: 1000, fetchTimeout: Number.POSITIVE_INFINITY }],
    ['no backoff', { ttl: 1000, backoff: false }],
    ['half a backoff', { ttl: 1000, backoff: { base: '2s' } }],
    ['the other half', { ttl: 1000, backoff: { max: '5m' } }],
    ['an empty backoff', { ttl: 1000, backoff: {} }],
    ['no jitter', { ttl: 1000, jitter: 0 }],
    ['no staleness', { ttl: 1000, staleIfError: 0 }],
    [
      'everything',
      {
        ttl: '1h',
        refreshWindow: '5m',
        jitter: 0.5,
        expiresAt: () => undefined,
        staleIfError: '1h',
        fetchTimeout: '10s',
        maxWait: '1s',
        backoff: { base: '1s', max: '1m' },
        equals: Object.is,
        isNewer: () => true,
        classifyError: () => 'retry',
        retryAfter: () => undefined,
        freeze: false,
        clock: { now: () => 0, wallNow: () => 0, after: () => () => {} },
        random: Math.random,
        name: 'everything',
        waitUntil: () => {},
      },
    ],
  ])('options: %s is accepted', (_, options) => {
    expect(() => make({ fetch: () => 'v', ...options })).not.toThrow()
  })

  it('options: nothing is fetched, and no callback called, by constructing', async () => {
    const callback = vi.fn()
    make({ ...good, fetch: callback, expiresAt: callback, random: callback, equals: callback, waitUntil: callback })
    await pass(10_000)
    expect(callback).not.toHaveBeenCalled()
  })

  it('options: what is changed in the object afterwards does not matter', async () => {
    const options = { ...good, fetch: () => 'before' }
    const cache = make(options)
    Object.assign(options, { ttl: Number.NaN, refreshWindow: 999, fetch: () => 'after' })
    expect(await cache.get()).toBe('before')
    await pass(799)
    expect(cache.tryGet()).toBe('before')
  })
})

describe('arguments of get() and read()', () => {
  it.each(['get', 'read'] as const)(
    'arguments: %s() refuses what is neither a function nor options',
    async (method) => {
      const { cache, fetch } = setUp()
      for (const argument of [4711, 'https://source', true, null, Symbol('x')]) {
        const settled = await attempt(() => cache[method](argument as never))
        expect(settled.state).toBe('rejected')
        expectRefusal(settled.error)
      }
      expect(fetch.calls).toHaveLength(0)
    },
  )

  it.each([
    ['maxWait', -1],
    ['maxWait', Number.NaN],
    ['maxWait', '1 second'],
    ['maxWait', null],
    ['signal', 4711],
    ['signal', null],
    ['waitUntil', 4711],
    ['waitUntil', null],
    ['fetch', 4711],
    ['fetch', 'https://source'],
    ['maxwait', 4711],
    ['timeout', 4711],
    ['ifOlderThan', 4711],
  ])('arguments: get({ %s: %s }) is refused, in every state', async (name, value) => {
    for (const state of ['empty', 'fresh', 'refreshing', 'cooling']) {
      const { cache, fetch } = setUp()
      if (state === 'fresh') cache.set('held')
      if (state === 'refreshing') void attempt(() => cache.get())
      if (state === 'cooling') void attempt(() => cache.get(() => Promise.reject(new Error('down'))))
      await flush()
      const count = fetch.calls.length
      const settled = await attempt(() => cache.get({ [name]: value } as never))
      expect([state, settled.state]).toEqual([state, 'rejected'])
      expectRefusal(settled.error, name, String(value))
      expect(fetch.calls).toHaveLength(count)
    }
  })

  it('arguments: get() takes nothing, a function, or options', async () => {
    const { cache } = setUp({ fetch: () => 'own' })
    expect(await cache.get()).toBe('own')
    expect(await cache.get({})).toBe('own')
    cache.invalidate()
    expect(await cache.get(() => 'given')).toBe('given')
    cache.invalidate()
    const signal = new AbortController().signal
    expect(await cache.get({ fetch: () => 'again', maxWait: '1s', signal, waitUntil: () => {} })).toBe('again')
  })

  it.each(['get', 'read', 'refresh'] as const)(
    'arguments: %s() needs a fetch function where the cache has none',
    async (method) => {
      const cache = make({ ttl: 1000 })
      for (const args of [[], [{}]]) {
        const settled = await attempt(() => (cache[method] as (...args: unknown[]) => unknown)(...args))
        expect(settled.state).toBe('rejected')
        expect(settled.error).toBeInstanceOf(TypeError)
        expect((settled.error as Error).message).toContain('fetch')
      }
      expect(await cache[method](() => 'v')).toSatisfy(
        (v: unknown) => v === 'v' || (v as { value: string }).value === 'v',
      )
      cache.invalidate()
      expect((await attempt(() => cache[method]())).error).toBeInstanceOf(TypeError)
    },
  )

  it('arguments: a cache without a fetch has no keepFresh()', () => {
    const cache = make({ ttl: 1000 }) as { keepFresh?: () => void }
    expect(() => (cache.keepFresh as () => void)()).toThrow(TypeError)
  })
})

describe('arguments of the mutations', () => {
  it.each([
    ['ifOlderThan', -1],
    ['ifOlderThan', Number.NaN],
    ['ifOlderThan', '1 second'],
    ['ifOlderThan', null],
    ['fetch', 4711],
    ['ifolderthan', 4711],
    ['maxWait', 4711],
  ])('arguments: refresh({ %s: %s }) is refused', async (name, value) => {
    const { cache, fetch } = setUp()
    const settled = await attempt(() => cache.refresh({ [name]: value } as never))
    expect(settled.state).toBe('rejected')
    expectRefusal(settled.error, name, String(value))
    expect(fetch.calls).toHaveLength(0)
  })

  it.each([4711, 'https://source', true, null])('arguments: refresh(%s) is refused', async (argument) => {
    const { cache, fetch } = setUp()
    const settled = await attempt(() => cache.refresh(argument as never))
    expect(settled.state).toBe('rejected')
    expectRefusal(settled.error)
    expect(fetch.calls).toHaveLength(0)
  })

  it.each([
    ['fetchedAt', Number.NaN, 'NaN'],
    ['fetchedAt', new Date(Number.NaN), ''],
    ['fetchedAt', '2026-01-01', '2026-01-01'],
    ['fetchedAt', null, 'null'],
    ['expiresAt', Number.NaN, 'NaN'],
    ['expiresAt', new Date(Number.NaN), ''],
    ['expiresAt', '2026-01-01', '2026-01-01'],
    ['fetchedat', 4711, '4711'],
    ['ttl', 4711, '4711'],
  ])('arguments: seed(value, { %s }) of nonsense is refused and changes nothing (%#)', (name, value, received) => {
    const { cache } = setUp()
    const before = cache.getSnapshot()
    expectRefusal(
      thrownBy(() => cache.seed('seeded', { [name]: value } as never)),
      name,
      received,
    )
    expect(cache.getSnapshot()).toBe(before)
  })

  it.each([
    ['expiresAt', Number.NaN, 'NaN'],
    ['expiresAt', new Date(Number.NaN), ''],
    ['expiresAt', '1h', '1h'],
    ['expiresAt', null, 'null'],
    ['expiresat', 4711, '4711'],
    ['fetchedAt', 4711, '4711'],
  ])('arguments: set(value, { %s }) of nonsense is refused and changes nothing (%#)', (name, value, received) => {
    const { cache } = setUp()
    cache.set('held')
    const before = { snapshot: cache.getSnapshot(), generation: cache.inspect().generation }
    expectRefusal(
      thrownBy(() => cache.set('written', { [name]: value } as never)),
      name,
      received,
    )
    expect([cache.getSnapshot(), cache.inspect().generation]).toEqual([before.snapshot, before.generation])
    expect(cache.tryGet()).toBe('held')
  })

  it('arguments: invalidate() with a misspelt condition throws instead of dropping the value', () => {
    const { cache } = setUp()
    cache.set('held')
    const condition = { ifvalue: 'other' }
    expectRefusal(
      thrownBy(() => cache.invalidate(condition as never)),
      'ifvalue',
    )
    expect(cache.tryGet()).toBe('held')
  })

  it.each(['held', 4711, null, true])('arguments: invalidate(%s) throws instead of dropping the value', (condition) => {
    const { cache } = setUp()
    cache.set('held')
    expectRefusal(thrownBy(() => cache.invalidate(condition as never)))
    expect(cache.tryGet()).toBe('held')
  })

  it.each(['subscribe', 'on'] as const)('arguments: %s() takes a function', (method) => {
    const { cache } = setUp()
    for (const listener of [undefined, null, 4711, {}, 'x']) {
      expectRefusal(thrownBy(() => cache[method](listener as never)))
    }
  })
})
