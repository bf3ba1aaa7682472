/** What traceChannels() publishes to real diagnostics channels, what it never does, and that it costs nothing unheard. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { BackgroundCache, type CacheEvent } from 'evercurrent'
import { type FetchTrace, traceChannels } from 'evercurrent/otel'
import { manualClock } from 'evercurrent/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { EPOCH, keyed, outcome } from '../support/keyed.ts'
import { fakeSource } from '../support/metrics.ts'

const fetches = tracingChannel<string, FetchTrace>('evercurrent:fetch')
const events = channel('evercurrent:event')
const steps = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

const cleanUps: (() => unknown)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp()
  vi.restoreAllMocks()
})
const tracing = (source: Parameters<typeof traceChannels>[0]) => {
  const stop = traceChannels(source)
  cleanUps.push(stop)
  return stop
}
/** Subscribes to every step of a fetch; what was seen, with what was known at that moment. */
function subscriber() {
  const seen: { readonly step: string; readonly trace: FetchTrace; readonly told: FetchTrace }[] = []
  const handlers = Object.fromEntries(
    steps.map((step) => [step, (message: FetchTrace) => seen.push({ step, trace: message, told: { ...message } })]),
  )
  fetches.subscribe(handlers as never)
  const leave = () => fetches.unsubscribe(handlers as never)
  cleanUps.push(leave)
  return { seen, leave, steps: () => seen.map(({ step }) => step) }
}

describe('the tracing channel evercurrent:fetch', () => {
  it('tells of one fetch from start to end with one object, and with its times', async () => {
    const { cache, registry, clock, call } = keyed({ type: 'schema' }, { name: 'catalog' })
    tracing(registry)
    const { seen, steps } = subscriber()
    const reading = cache.namespace('acme').get('orders')
    await flush()
    expect(steps()).toEqual(['start', 'end'])
    await clock.advance(250)
    await call().resolve('v')
    await reading
    expect(steps()).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(new Set(seen.map(({ trace }) => trace)).size).toBe(1)
    const started = {
      name: 'catalog',
      type: 'schema',
      namespace: ['acme'],
      key: ['orders'],
      reason: 'first',
      startedAt: EPOCH,
    }
    expect(seen[0]?.told).toEqual(started)
    expect(seen[3]?.told).toEqual({ ...started, endedAt: EPOCH + 250, changed: true })
  })

  it('tells of a failure before the end, with its error', async () => {
    const { cache, registry, call } = keyed()
    tracing(registry)
    const { seen, steps } = subscriber()
    const down = new Error('down')
    const reading = outcome(cache.get('a'))
    await flush()
    await call('a').reject(down)
    expect(await reading).toBe(down)
    expect(steps()).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(seen[2]?.told).toMatchObject({ error: down, class: 'retry' })
    expect(seen[2]?.told).not.toHaveProperty('changed')
  })

  it('ends a fetch that lost its place where it lost it, and follows the one after it', async () => {
    const { cache, registry, clock, calls } = keyed()
    tracing(registry)
    const { seen } = subscriber()
    const first = outcome(cache.get('a'))
    await flush()
    await clock.advance(100)
    await cache.invalidate('a')
    const second = cache.get('a')
    await flush()
    await clock.advance(100)
    await calls[0]?.resolve('old')
    await first
    await calls[1]?.resolve('new')
    await second
    const ended = seen.filter(({ step }) => step === 'asyncEnd').map(({ told }) => told)
    expect(ended).toEqual([
      expect.objectContaining({ startedAt: EPOCH, endedAt: EPOCH + 100, discarded: 'invalidated' }),
      expect.objectContaining({ startedAt: EPOCH + 100, endedAt: EPOCH + 200, changed: true }),
    ])
  })

  it('does not take the late end of one that timed out for the end of the next', async () => {
    const { cache, registry, clock, calls } = keyed({ fetchTimeout: '1s' })
    tracing(registry)
    const { steps, seen } = subscriber()
    const first = outcome(cache.get('a'))
    await clock.advance(1000)
    await first
    const second = cache.refresh('a')
    await flush()
    await calls[0]?.resolve('late')
    expect(steps()).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd', 'start', 'end'])
    await calls[1]?.resolve('v')
    await second
    expect(seen.at(-1)?.told).toMatchObject({ changed: true })
  })

  it('keeps the fetches of different keys, types and namespaces apart', async () => {
    const { cache, registry, calls } = keyed({ type: 'schema' })
    tracing(registry)
    const { seen } = subscriber()
    const reads = [cache.get('a'), cache.get('b'), cache.namespace('acme').get('a')]
    await flush()
    for (const each of [...calls].reverse()) await each.resolve('v')
    await Promise.all(reads)
    const keysOf = (wanted: string) =>
      seen.filter(({ step }) => step === wanted).map(({ trace }) => [trace.namespace ?? [], trace.key].join('/'))
    expect(keysOf('start')).toEqual(['/a', '/b', 'acme/a'])
    expect(keysOf('asyncEnd')).toEqual(['acme/a', '/b', '/a'])
  })

  it('tells nothing of a fetch whose start it did not tell', async () => {
    const { cache, registry, call } = keyed()
    tracing(registry)
    const reading = cache.get('a')
    await flush()
    const { seen } = subscriber()
    await call('a').resolve('v')
    await reading
    expect(seen).toEqual([])
  })

  it('works for a cache of one value, which has no key', async () => {
    const cache = new BackgroundCache({ ttl: '1m', name: 'settings', clock: manualClock(), fetch: () => 'v' })
    tracing(cache)
    const { seen } = subscriber()
    await cache.get()
    expect(seen[0]?.told).toEqual({
      name: 'settings',
      type: undefined,
      namespace: undefined,
      key: undefined,
      reason: 'first',
      startedAt: 0,
    })
    expect(seen).toHaveLength(4)
  })
})

describe('a subscriber to the start of a fetch', () => {
  it('runs in the async context of the read that waits for it, and in nobody’s for a refresh behind a read', async () => {
    const request = new AsyncLocalStorage<string>()
    const { cache, registry, clock, call } = keyed()
    tracing(registry)
    const contexts: unknown[] = []
    const hear = () => contexts.push(request.getStore())
    fetches.start.subscribe(hear)
    cleanUps.push(() => fetches.start.unsubscribe(hear))
    const first = request.run('r1', () => cache.get('a'))
    await flush()
    await call('a').resolve('v')
    await first
    await clock.advance(45_000)
    await request.run('r2', () => cache.get('a'))
    expect(contexts).toEqual(['r1', undefined])
  })

  it('hears of it after the fetch function was called', async () => {
    const order: string[] = []
    const fetch = () => {
      order.push('fetch')
      return 'v'
    }
    const cache = new BackgroundCache({ ttl: '1m', clock: manualClock(), fetch })
    tracing(cache)
    const hear = () => order.push('start')
    fetches.start.subscribe(hear)
    cleanUps.push(() => fetches.start.unsubscribe(hear))
    await cache.get()
    expect(order).toEqual(['fetch', 'start'])
  })
})

describe('the channel evercurrent:event', () => {
  it('has every event, as on() tells it', async () => {
    const { registry, load, events: told } = keyed()
    tracing(registry)
    const seen: unknown[] = []
    const hear = (message: unknown) => seen.push(message)
    events.subscribe(hear)
    cleanUps.push(() => events.unsubscribe(hear))
    await load('a', 'v')
    expect(seen).toEqual(told)
    expect(seen).toHaveLength(2)
  })
})

describe('traceChannels()', () => {
  it('publishes no value, on any channel, whatever happens to it', async () => {
    const { cache, registry, call, clock } = keyed({ staleIfError: '5m' })
    tracing(registry)
    const { seen } = subscriber()
    const heard: unknown[] = []
    const hear = (message: unknown) => heard.push(message)
    events.subscribe(hear)
    cleanUps.push(() => events.unsubscribe(hear))
    const secret = (count: number) => `hunter2-${count}`
    const first = cache.get('a')
    await flush()
    await call('a').resolve(secret(1))
    await first
    await cache.set('a', secret(2))
    cache.seed('b', secret(3))
    await cache.invalidate('a', { ifValue: secret(2) })
    await cache.set('a', secret(4))
    await clock.advance(61_000)
    const stale = cache.get('a')
    await flush()
    await call('a').reject(new Error('down'))
    expect(await stale).toBe(secret(4))
    const refreshed = outcome(cache.refresh('a'))
    await flush()
    await cache.set('a', secret(5))
    await refreshed
    await registry.dispose()
    expect(seen.length).toBeGreaterThan(8)
    expect(heard.length).toBeGreaterThan(10)
    expect(inspect([seen, heard], { depth: Infinity, showHidden: true })).not.toContain('hunter2')
  })

  it('publishes nothing, and looks at nothing but the kind of an event, while nobody subscribes', () => {
    const publish = vi.spyOn(Object.getPrototypeOf(channel('evercurrent:event')), 'publish')
    const { source } = fakeSource()
    let tell!: (event: CacheEvent) => void
    const on = (listener: typeof tell) => {
      tell = listener
      return () => {}
    }
    tracing({ ...source, on })
    const read = new Set<PropertyKey>()
    const get = (target: object, name: PropertyKey) => read.add(name) && Reflect.get(target, name)
    const watched = (event: object) => new Proxy(event, { get }) as CacheEvent
    for (const kind of ['fetch-started', 'fetch-succeeded', 'fetch-failed', 'served-stale']) tell(watched({ kind }))
    expect([...read]).toEqual(['kind'])
    expect(publish).not.toHaveBeenCalled()
  })

  it('publishes once what two parts of a program trace, until both have ended', async () => {
    const { registry, load } = keyed()
    const [one, other] = [tracing(registry), tracing(registry)]
    const { steps } = subscriber()
    await load('a', 'v')
    expect(steps()).toHaveLength(4)
    one()
    await load('b', 'v')
    expect(steps()).toHaveLength(8)
    other()
    await load('c', 'v')
    expect(steps()).toHaveLength(8)
  })

  it('forgets a fetch when it is over, though the subscriber has left meanwhile', async () => {
    const { cache, registry, call } = keyed()
    tracing(registry)
    const gone = subscriber()
    const reading = cache.get('a')
    await flush()
    gone.leave()
    await call('a').resolve('v')
    await reading
    expect(gone.steps()).toEqual(['start', 'end'])
    const { steps } = subscriber()
    const again = cache.refresh('a')
    await flush()
    await call('a').resolve('w')
    await again
    expect(steps()).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  })

  it('does nothing, and listens to nothing, where there are no diagnostics channels', () => {
    const { source, listeners } = fakeSource()
    for (const platform of [undefined, {}, { getBuiltinModule: () => undefined }]) {
      vi.stubGlobal('process', platform)
      const stop = traceChannels(source)
      vi.unstubAllGlobals()
      expect(listeners.size).toBe(0)
      expect(stop()).toBeUndefined()
    }
  })

  it('refuses what is no source', () => {
    expect(() => Reflect.apply(traceChannels, undefined, [{}])).toThrow(
      'Cannot use the source of traceChannels(): expected a registry or a cache: received object',
    )
  })
})
