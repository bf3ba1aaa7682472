/** What is measured of a registry and of a cache of one value, as the real OpenTelemetry SDK exports it. */
import type { Histogram } from '@opentelemetry/sdk-metrics'
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { instrument } from 'evercurrent/otel'
import { manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome } from '../support/keyed.ts'
import { sdkMeter } from '../support/metrics.ts'

const down = new Error('down')

describe('instrument() of a registry', () => {
  it('counts fetches by type and reason', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, clock, load, call } = keyed({ type: 'schema' })
    instrument(registry, meter)
    await load('a', 'v')
    await load('b', 'v')
    await registry.define({ type: 'config', ttl: '1m', fetch: () => 1 }).get('a')
    await clock.advance(45_000)
    await cache.get('a')
    await call('a').resolve('w')
    expect(await points('fetches')).toEqual({
      'fetch.reason=first type=config': 1,
      'fetch.reason=first type=schema': 2,
      'fetch.reason=aging type=schema': 1,
    })
  })

  it('records how long a fetch took, in seconds, apart when it failed', async () => {
    const { meter, read } = sdkMeter()
    const { cache, registry, clock, call } = keyed({ type: 'schema', fetchTimeout: '2s' })
    instrument(registry, meter)
    const first = cache.get('a')
    await flush()
    await clock.advance(1500)
    await call('a').resolve('v')
    await first
    const second = outcome(cache.get('b'))
    await clock.advance(2000)
    await second
    const duration = (await read()).get('evercurrent.fetch.duration')
    const recorded = duration?.points.map(({ attributes, value }) => {
      const { count, sum, buckets } = value as Histogram
      const bucket = buckets.counts.indexOf(1)
      return { attributes, count, sum, between: [buckets.boundaries[bucket - 1], buckets.boundaries[bucket]] }
    })
    expect(recorded).toEqual([
      { attributes: { 'evercurrent.type': 'schema' }, count: 1, sum: 1.5, between: [1, 2.5] },
      {
        attributes: { 'evercurrent.type': 'schema', 'error.type': 'FETCH_TIMEOUT' },
        count: 1,
        sum: 2,
        between: [1, 2.5],
      },
    ])
  })

  it('counts failures by class, and by what failed where that is known', async () => {
    const { meter, points } = sdkMeter()
    const classifyError = (error: unknown) =>
      ((error as Error).message === 'no' ? 'fatal' : 'retry') as 'fatal' | 'retry'
    const { cache, registry, call } = keyed({ type: 'schema', classifyError })
    instrument(registry, meter)
    for (const [key, message] of Object.entries({ a: 'down', b: 'no', c: 'down' })) {
      const read = outcome(cache.get(key))
      await flush()
      await call(key).reject(Object.assign(new Error(message), { name: 'a name with a secret' }))
      await read
    }
    const read = outcome(cache.get('d'))
    await flush()
    await call('d').resolve(undefined as never)
    await read
    expect(await points('fetch.failures')).toEqual({
      'error.type=INVALID_VALUE failure.class=retry type=schema': 1,
      'error.type=_OTHER failure.class=fatal type=schema': 1,
      'error.type=_OTHER failure.class=retry type=schema': 2,
    })
  })

  it('counts a value that was rejected twice as a failure, but as no fetch that took no time', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'token' })
    instrument(registry, meter)
    for (const value of ['t1', 't2']) {
      await load('a', value)
      await cache.invalidate('a', { ifValue: value })
    }
    expect(await points('fetch.failures')).toEqual({
      'error.type=VALUE_REJECTED failure.class=retry type=token': 1,
    })
    expect(await points('fetch.duration')).toEqual({ 'type=token': 2 })
  })

  it('counts what was discarded, evicted, served stale and slower than its ttl', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, clock, call, load } = keyed({ type: 'schema', staleIfError: '5m' }, { maxEntries: 2 })
    instrument(registry, meter)
    const overtaken = cache.get('a')
    await flush()
    await cache.set('a', 'mine')
    await overtaken
    await load('b', 'v')
    await load('c', 'v')
    const slow = cache.get('d')
    await flush()
    await clock.advance(25_000)
    await clock.advance(4_000)
    await call('d').resolve('v')
    await slow
    expect(await points('fetch.discards')).toEqual({ 'discard.reason=set type=schema': 1 })
    expect(await points('evictions')).toEqual({ 'type=schema': 2 })
    expect(await points('fetch.slower_than_ttl')).toEqual({})
    await clock.advance(90_000)
    const stale = cache.get('d')
    await flush()
    await call('d').reject(down)
    await stale
    await cache.get('d')
    expect(await points('stale_reads')).toEqual({ 'type=schema': 2 })

    const brief = registry.define({
      type: 'brief',
      ttl: '1s',
      fetch: () => new Promise<string>((resolve) => clock.after(1500, () => resolve('v'))),
    })
    const late = brief.get('a')
    await clock.advance(1500)
    await late
    expect(await points('fetch.slower_than_ttl')).toEqual({ 'type=brief': 1 })
  })

  it('counts reads when the meter is read, by what answered them', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'schema' })
    await load('a', 'v')
    instrument(registry, meter)
    expect(await points('reads')).toEqual({
      'read.result=backend_hit type=schema': 0,
      'read.result=hit type=schema': 0,
      'read.result=miss type=schema': 0,
    })
    await load('b', 'v')
    for (let count = 0; count < 3; count++) await cache.get('a')
    expect(await points('reads')).toEqual({
      'read.result=backend_hit type=schema': 0,
      'read.result=hit type=schema': 3,
      'read.result=miss type=schema': 1,
    })
  })

  it('counts on after clear(), which resets the counters of the registry', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'schema' })
    instrument(registry, meter)
    await load('a', 'v')
    for (let count = 0; count < 3; count++) await cache.get('a')
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=schema': 3, 'read.result=miss type=schema': 1 })
    await registry.clear()
    await load('a', 'v')
    for (let count = 0; count < 2; count++) await cache.get('a')
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=schema': 5, 'read.result=miss type=schema': 2 })
  })

  it('tells how many values are held, and what they take where that is counted', async () => {
    const { meter, points } = sdkMeter()
    const registry = new CacheRegistry({ maxBytes: 1000 })
    const texts = registry.define<string>({ type: 'text', ttl: '1m', sizeOf: (text) => text.length })
    instrument(registry, meter)
    await texts.set('a', 'abc')
    await texts.set('b', 'abcde')
    expect(await points('entry.count')).toEqual({ '': 2 })
    expect(await points('memory.usage')).toEqual({ '': 8 })
    await texts.invalidate('a')
    expect(await points('entry.count')).toEqual({ '': 1 })
    expect(await points('memory.usage')).toEqual({ '': 5 })
    const unsized = sdkMeter()
    instrument(keyed().registry, unsized.meter)
    expect(await unsized.points('memory.usage')).toEqual({})
  })

  it('tells the age of the oldest value of a type, in seconds, and 0 where there is none any more', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, clock, load } = keyed({ type: 'schema' })
    instrument(registry, meter)
    expect(await points('value.age.max')).toEqual({})
    await load('a', 'v')
    await clock.advance(10_000)
    await load('b', 'v')
    await registry.define<number>({ type: 'config', ttl: '1h' }).set('a', 1)
    await clock.advance(1500)
    expect(await points('value.age.max')).toEqual({ 'type=config': 1.5, 'type=schema': 11.5 })
    await clock.advance(50_000)
    expect(await points('value.age.max')).toEqual({ 'type=config': 51.5, 'type=schema': 61.5 })
    await cache.invalidate('a')
    expect(await points('value.age.max')).toEqual({ 'type=config': 51.5, 'type=schema': 51.5 })
    await cache.invalidate('b')
    expect(await points('value.age.max')).toEqual({ 'type=config': 51.5, 'type=schema': 0 })
  })

  it('looks at no more values at a time than it may, and knows the oldest once it has seen all', async () => {
    const { meter, points } = sdkMeter()
    const { registry, clock, load } = keyed({ type: 'schema' })
    instrument(registry, meter, { maxInspected: 2 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await load(key, 'v')
      await clock.advance(1000)
    }
    expect(await points('value.age.max')).toEqual({})
    expect(await points('value.age.max')).toEqual({})
    expect(await points('value.age.max')).toEqual({ 'type=schema': 5 })
    await clock.advance(5000)
    expect(await points('value.age.max')).toEqual({ 'type=schema': 5 })
    expect(await points('value.age.max')).toEqual({ 'type=schema': 5 })
    expect(await points('value.age.max')).toEqual({ 'type=schema': 10 })
    const none = sdkMeter()
    instrument(registry, none.meter, { maxInspected: 0 })
    expect(await none.points('value.age.max')).toEqual({})
  })

  it('has no key, value or error text in anything, and a namespace only if it is asked for', async () => {
    const { meter, read, points } = sdkMeter()
    const { cache, registry, call } = keyed({ type: 'schema' })
    instrument(registry, meter)
    const other = sdkMeter()
    instrument(registry, other.meter, { namespaces: true })
    const tenant = cache.namespace('secret-tenant').namespace('eu')
    for (const settle of ['resolve', 'reject'] as const) {
      const reading = outcome(tenant.get(`secret-key-${settle}`))
      await flush()
      await (settle === 'resolve' ? call().resolve('secret-value') : call().reject(new Error('secret-text')))
      await reading
    }
    const told = JSON.stringify([...(await read())])
    expect(told).toContain('schema')
    expect(told).not.toContain('secret')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 2 })
    expect(await other.points('fetches')).toEqual({ 'fetch.reason=first namespace=secret-tenant/eu type=schema': 2 })
  })

  it('leaves a hit what it was: no event, no call of the meter', async () => {
    const { registry, cache, load } = keyed()
    await load('a', 'v')
    const calls: string[] = []
    const instrumentOf = (name: string) => ({
      add: () => calls.push(name),
      record: () => calls.push(name),
      addCallback() {},
    })
    const create = (name: string) => instrumentOf(name)
    instrument(registry, { createCounter: create, createHistogram: create, createObservableGauge: create })
    const shared = cache.get('a')
    for (let count = 0; count < 100; count++) expect(cache.get('a')).toBe(shared)
    await shared
    expect(calls).toEqual([])
  })
})

describe('instrument() of a cache of one value', () => {
  it('measures what there is of one, under the attributes it is given', async () => {
    const { meter, points } = sdkMeter()
    const clock = manualClock()
    let isDown = false
    const fetch = async () => {
      if (isDown) throw down
      return 'v'
    }
    const cache = new BackgroundCache({ ttl: '30s', staleIfError: '5m', clock, fetch })
    instrument(cache, meter, { attributes: { 'evercurrent.type': 'settings' } })
    await cache.get()
    await cache.get()
    await clock.advance(31_000)
    isDown = true
    await cache.get()
    await cache.get()
    expect(await points('reads')).toEqual({
      'read.result=backend_hit type=settings': 0,
      'read.result=hit type=settings': 2,
      'read.result=miss type=settings': 2,
    })
    expect(await points('fetches')).toEqual({
      'fetch.reason=first type=settings': 1,
      'fetch.reason=expired type=settings': 1,
    })
    expect(await points('fetch.failures')).toEqual({ 'error.type=_OTHER failure.class=retry type=settings': 1 })
    expect(await points('stale_reads')).toEqual({ 'type=settings': 2 })
    expect(await points('value.age.max')).toEqual({ 'type=settings': 31 })
    expect(await points('entry.count')).toEqual({})
  })

  it('measures an entry of a registry, which counts no reads', async () => {
    const { meter, points } = sdkMeter()
    const { cache, load } = keyed({ type: 'schema' })
    const stop = instrument(cache.entry('a'), meter)
    await load('a', 'v')
    await load('b', 'v')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 1 })
    expect(await points('value.age.max')).toEqual({ '': 0 })
    expect(await points('reads')).toEqual({})
    stop()
  })
})
