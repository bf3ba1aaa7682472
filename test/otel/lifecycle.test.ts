/** What instrument() begins and ends: once for each source and meter, whoever asks, and without harm to the cache. */
import { BackgroundCache } from 'evercurrent'
import { instrument, type MeterLike, type Observing } from 'evercurrent/otel'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed, outcome } from '../support/keyed.ts'
import { sdkMeter } from '../support/metrics.ts'

/** A meter with nothing but what is required, which remembers what it is told. */
function plainMeter() {
  const told: string[] = []
  const callbacks = new Map<string, (result: Observing) => void>()
  const create = (name: string) => ({
    add: (value: number) => told.push(`${name} ${value}`),
    record: (value: number) => told.push(`${name} ${value}`),
    addCallback(callback: (result: Observing) => void) {
      callbacks.set(name, callback)
    },
  })
  const meter: MeterLike = { createCounter: create, createHistogram: create, createObservableGauge: create }
  const observed = (name: string) => {
    const seen: number[] = []
    callbacks.get(name)?.({ observe: (value) => seen.push(value) })
    return seen
  }
  return { meter, told, observed }
}

describe('instrument()', () => {
  it('counts once what the same meter is asked to measure twice, until both have ended', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'schema' })
    const [first, second] = [instrument(registry, meter), instrument(registry, meter)]
    await load('a', 'v')
    await cache.get('a')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 1 })
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=schema': 1, 'read.result=miss type=schema': 1 })
    first()
    first()
    await load('b', 'v')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 2 })
    second()
    await load('c', 'v')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 2 })
  })

  it('measures with two meters what each of them is asked to', async () => {
    const [one, other] = [sdkMeter(), sdkMeter()]
    const { registry, load } = keyed({ type: 'schema' })
    const stop = instrument(registry, one.meter)
    instrument(registry, other.meter)
    await load('a', 'v')
    stop()
    await load('b', 'v')
    expect(await one.points('fetches')).toEqual({ 'fetch.reason=first type=schema': 1 })
    expect(await other.points('fetches')).toEqual({ 'fetch.reason=first type=schema': 2 })
  })

  it('sums sources that nothing tells apart, and keeps apart those that attributes do', async () => {
    const { meter, points } = sdkMeter()
    const make = () => new BackgroundCache({ ttl: '1m', fetch: () => 'v' })
    const [a, b, c] = [make(), make(), make()]
    const stop = instrument(a, meter)
    instrument(b, meter)
    instrument(c, meter, { attributes: { 'evercurrent.type': 'c' } })
    for (const cache of [a, b, b, c, c, c]) await cache.get()
    const expected = { 'read.result=miss': 2, 'read.result=hit': 1, 'read.result=miss type=c': 1 }
    expect(await points('reads')).toMatchObject(expected)
    expect(await points('fetches')).toEqual({ 'fetch.reason=first': 2, 'fetch.reason=first type=c': 1 })
    stop()
    await a.get()
    expect(await points('reads')).toMatchObject(expected)
  })

  it('leaves neither a listener nor a callback behind when it ends', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load, events } = keyed({ type: 'schema' })
    const stop = instrument(registry, meter)
    await load('a', 'v')
    await points('reads')
    stop()
    let asked = 0
    for (const name of ['stats', 'inspect'] as const) {
      const original = registry[name].bind(registry)
      Object.assign(registry, {
        [name]: () => {
          asked++
          return original()
        },
      })
    }
    await cache.get('a')
    await load('b', 'v')
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 1 })
    expect(await points('reads')).toMatchObject({ 'read.result=miss type=schema': 1, 'read.result=hit type=schema': 0 })
    expect(asked).toBe(0)
    expect(events.filter(({ kind }) => kind === 'listener-failed')).toEqual([])
  })

  it('takes back every callback that it gave to the meter, and gives each once', () => {
    const given: unknown[] = []
    const instrumentOf = () => ({
      add() {},
      record() {},
      addCallback: (callback: unknown) => given.push(callback),
      removeCallback: (callback: unknown) => given.splice(given.indexOf(callback), 1),
    })
    const meter: MeterLike = {
      createCounter: instrumentOf,
      createHistogram: instrumentOf,
      createObservableGauge: instrumentOf,
    }
    const [one, other] = [instrument(keyed().registry, meter), instrument(keyed().registry, meter)]
    expect(given).toHaveLength(5)
    one()
    expect(given).toHaveLength(5)
    other()
    expect(given).toEqual([])
  })

  it('counts on where it ended when it begins again, without what came between', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'schema' })
    const stop = instrument(registry, meter)
    await load('a', 'v')
    await cache.get('a')
    stop()
    for (let count = 0; count < 5; count++) await cache.get('a')
    instrument(registry, meter)
    await cache.get('a')
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=schema': 2, 'read.result=miss type=schema': 1 })
  })

  it('lets go of a source that is disposed: what it counted stays, what it held is gone', async () => {
    const { meter, points } = sdkMeter()
    const { cache, registry, load } = keyed({ type: 'schema' })
    const stop = instrument(registry, meter)
    await load('a', 'v')
    await cache.get('a')
    expect(await points('entry.count')).toEqual({ '': 1 })
    const flying = outcome(cache.get('b'))
    await flush()
    await registry.dispose()
    await flying
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=schema': 1, 'read.result=miss type=schema': 2 })
    expect(await points('fetch.discards')).toEqual({ 'discard.reason=disposed type=schema': 1 })
    expect(await points('entry.count')).toEqual({ '': 0 })
    expect(await points('value.age.max')).toEqual({ 'type=schema': 0 })
    stop()
    instrument(registry, meter)()
    expect(await points('fetches')).toEqual({ 'fetch.reason=first type=schema': 2 })
  })

  it('takes any meter of that shape, with gauges for what it lacks, and is silent once it has ended', async () => {
    const { meter, told, observed } = plainMeter()
    const cache = new BackgroundCache({ ttl: '1m', fetch: () => 'v' })
    const stop = instrument(cache, meter)
    await cache.get()
    await cache.get()
    expect(told).toEqual(['evercurrent.fetches 1', 'evercurrent.fetch.duration 0'])
    expect(observed('evercurrent.reads')).toEqual([1, 0, 1])
    stop()
    await cache.refresh()
    expect(told).toHaveLength(2)
    expect(observed('evercurrent.reads')).toEqual([])
  })
})

describe('a meter that throws', () => {
  const broken = () => {
    throw new Error('broken meter')
  }

  it('while it counts is reported to the other listeners, and costs no reader anything', async () => {
    const { meter } = plainMeter()
    const { cache, registry, events, load } = keyed()
    const counting = { ...meter, createCounter: () => ({ add: broken }), createHistogram: () => ({ record: broken }) }
    instrument(registry, counting)
    await load('a', 'v')
    await expect(cache.get('a')).resolves.toBe('v')
    expect(events.map(({ kind }) => kind)).toEqual([
      'fetch-started',
      'listener-failed',
      'fetch-succeeded',
      'listener-failed',
    ])
  })

  it('while it is read costs no reader anything, and loses no count', async () => {
    const { meter, points } = sdkMeter()
    const { registry, cache, load } = keyed()
    let isBroken = true
    const reading: MeterLike = {
      createCounter: (...given) => meter.createCounter(...given),
      createHistogram: (...given) => meter.createHistogram(...given),
      createObservableGauge(name, options) {
        const gauge = meter.createObservableGauge(name, options)
        return {
          addCallback: (callback) =>
            gauge.addCallback((result) =>
              callback({ observe: (value, attributes) => (isBroken ? broken() : result.observe(value, attributes)) }),
            ),
        }
      },
    }
    instrument(registry, reading)
    await load('a', 'v')
    await expect(points('reads')).rejects.toThrow(AggregateError)
    await expect(cache.get('a')).resolves.toBe('v')
    isBroken = false
    expect(await points('reads')).toMatchObject({ 'read.result=hit type=thing': 1, 'read.result=miss type=thing': 1 })
  })

  it('when it is asked for an instrument makes instrument() throw that, and nothing is measured', async () => {
    const { meter, told } = plainMeter()
    const { registry, load, events } = keyed()
    expect(() => instrument(registry, { ...meter, createObservableGauge: broken })).toThrow('broken meter')
    await load('a', 'v')
    expect(told).toEqual([])
    expect(events.map(({ kind }) => kind)).toEqual(['fetch-started', 'fetch-succeeded'])
  })

  it('when it is given a callback makes instrument() throw that, and nothing is measured', async () => {
    const { meter, told } = plainMeter()
    const { registry, load } = keyed()
    const gauge = () => ({ addCallback: broken })
    expect(() => instrument(registry, { ...meter, createObservableGauge: gauge })).toThrow('broken meter')
    await load('a', 'v')
    expect(told).toEqual([])
  })
})

describe('a wrong argument of instrument()', () => {
  const { meter } = plainMeter()
  const cache = new BackgroundCache({ ttl: '1m', fetch: () => 'v' })

  it.each([
    [[undefined, meter], 'Cannot use the source of instrument(): expected a registry or a cache: received undefined'],
    [[cache, undefined], 'Cannot use the meter of instrument(): expected a Meter: received undefined'],
    [[cache, {}], 'Cannot use the meter of instrument(): expected a Meter: received object'],
    [[cache, meter, { names: true }], 'Cannot use names: expected one of attributes, namespaces, maxInspected'],
    [[cache, meter, { attributes: { a: 1 } }], 'Cannot use attributes: expected an object of strings: received object'],
    [[cache, meter, { attributes: 'a' }], "Cannot use attributes: expected an object of strings: received 'a'"],
    [[cache, meter, { maxInspected: -1 }], 'Cannot use maxInspected: expected a number of at least 0: received -1'],
    [[cache, meter, { maxInspected: NaN }], 'Cannot use maxInspected: expected a number of at least 0: received NaN'],
    [[cache, meter, { namespaces: 1 }], 'Cannot use namespaces: expected a boolean: received 1'],
  ])('%# is refused by name', (given, message) => {
    expect(() => Reflect.apply(instrument, undefined, given)).toThrow(message)
  })
})
