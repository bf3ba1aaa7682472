/** Handles that do not keep the registry, and what is freed once nobody holds something. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CacheRegistry, type KeyedCache, type WeakKeyedCache } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { type KeyedOptions, keyed, outcome } from '../support/keyed.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Kept on purpose: a watcher that is collected itself tells nothing. */
const watchers: FinalizationRegistry<unknown>[] = []
function watcher(gone: (what: unknown) => void): FinalizationRegistry<unknown> {
  const watch = new FinalizationRegistry(gone)
  watchers.push(watch)
  return watch
}

/** Collects until it is true; finalizers run in tasks of their own. */
async function collectedUntil(isTrue: () => boolean): Promise<boolean> {
  for (let round = 0; round < 50 && !isTrue(); round++) {
    // What was looked at lives until the end of its turn.
    await macrotask()
    gc()
    await macrotask()
  }
  return isTrue()
}

const down = new Error('down')

describe('a weak handle while the registry lives', () => {
  it('finds, sets and gets as the cache does', async () => {
    const { cache } = keyed()
    const weak = cache.weak()
    const fetch = vi.fn(() => 'fetched')
    expect(await weak.find('k')).toBeUndefined()
    expect(await weak.get('k', { fetch })).toBe('fetched')
    expect(await weak.get('k', { fetch })).toBe('fetched')
    expect(fetch).toHaveBeenCalledOnce()
    expect(await weak.set('k', 'set')).toBe(true)
    expect([await weak.find('k'), cache.peek('k')]).toEqual(['set', 'set'])
  })

  it('its fetch gets the key, a context and what is held', async () => {
    const { cache, clock } = keyed()
    await cache.set('k', 'old')
    await clock.advance(100_000)
    const fetch = vi.fn(() => 'new')
    await cache.weak().get('k', { fetch })
    expect(fetch).toHaveBeenCalledWith(
      'k',
      expect.objectContaining({ reason: 'expired' }),
      expect.objectContaining({ value: 'old' }),
    )
  })

  it('of a namespace is of that namespace', async () => {
    const { cache } = keyed()
    const weak = cache.namespace('n').weak()
    await weak.set('k', 'v')
    expect([cache.peek('k'), cache.namespace('n').peek('k')]).toEqual([undefined, 'v'])
  })

  it('shares a flight with the cache', async () => {
    const { cache, calls, call } = keyed()
    const first = cache.get('k')
    await flush()
    const second = cache.weak().get('k', { fetch: () => 'not needed' })
    await call('k').resolve('v')
    expect(await Promise.all([first, second])).toEqual(['v', 'v'])
    expect(calls).toHaveLength(1)
  })

  it('a nonsense set() rejects, and is not taken for a registry that is gone', async () => {
    const { cache } = keyed()
    expect(await outcome(cache.weak().set('k', undefined as never))).toBeInstanceOf(TypeError)
    expect(await outcome(cache.weak().set(7 as never, 'v'))).toBeInstanceOf(TypeError)
  })
})

describe('a weak handle after dispose()', () => {
  const gone = async (options: KeyedOptions<string> = {}) => {
    const { cache, registry } = keyed(options)
    await cache.set('k', 'v')
    const weak = cache.weak()
    await registry.dispose()
    return weak
  }

  it('find gives nothing, set says no, get fetches each time without caching', async () => {
    const weak = await gone()
    expect([await weak.find('k'), await weak.set('k', 'w')]).toEqual([undefined, false])
    const fetch = vi.fn((key: string) => `fetched ${key}`)
    expect([await weak.get('k', { fetch }), await weak.get('k', { fetch })]).toEqual(['fetched k', 'fetched k'])
    expect(fetch).toHaveBeenCalledTimes(2)
    expect(fetch).toHaveBeenLastCalledWith('k', expect.objectContaining({ reason: 'first' }), undefined)
  })

  it('get() rejects with the error of the fetch, the same object', async () => {
    const weak = await gone()
    const throwing = () => {
      throw down
    }
    expect(await outcome(weak.get('k', { fetch: throwing }))).toBe(down)
    expect(await outcome(weak.get('k', { fetch: () => Promise.reject(down) }))).toBe(down)
  })

  it('L18 undefined is no value there either, and a schema still judges', async () => {
    expect(await outcome((await gone()).get('k', { fetch: () => undefined as never }))).toMatchObject({
      code: 'INVALID_VALUE',
    })
    const validate = (value: unknown) => (value === 'v' ? { value } : { issues: [{ message: 'no' }] })
    const weak = await gone({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
    expect(await outcome(weak.get('k', { fetch: () => 'bad' }))).toMatchObject({ code: 'INVALID_VALUE' })
  })

  it('notModified() throws, since nothing is held', async () => {
    const weak = await gone()
    expect(await outcome(weak.get('k', { fetch: (_, context) => context.notModified() }))).toBeInstanceOf(TypeError)
  })

  it('a signal still detaches the reader', async () => {
    const weak = await gone()
    const fetch = vi.fn(() => 'v')
    expect(await outcome(weak.get('k', { fetch, signal: AbortSignal.abort(down) }))).toBe(down)
    expect(fetch).not.toHaveBeenCalled()
    const leaving = new AbortController()
    const reader = outcome(weak.get('k', { signal: leaving.signal, fetch: () => new Promise<string>(() => {}) }))
    await flush()
    leaving.abort(down)
    expect(await reader).toBe(down)
  })

  it('taken from a cache whose registry is gone already behaves the same', async () => {
    const { cache, registry } = keyed()
    await registry.dispose()
    const weak = cache.weak()
    expect([await weak.find('k'), await weak.set('k', 'w')]).toEqual([undefined, false])
    expect(await weak.get('k', { fetch: () => 'v' })).toBe('v')
  })
})

describe('collection', () => {
  it('a weak handle lets a forgotten registry be collected, and degrades', async () => {
    const gone = vi.fn()
    const watch = watcher(gone)
    const weak = await (async () => {
      const { cache, registry } = keyed()
      await cache.set('k', 'v')
      watch.register(registry, 'registry')
      return cache.weak()
    })()
    expect(await weak.find('k')).toBe('v')
    expect(await collectedUntil(() => gone.mock.calls.length > 0)).toBe(true)
    // The registry object is a view; what it held goes with the last view.
    let found: string | undefined = 'v'
    for (let round = 0; round < 50 && found !== undefined; round++) {
      gc()
      await macrotask()
      found = await weak.find('k')
    }
    expect(found).toBeUndefined()
    expect(await weak.set('k', 'w')).toBe(false)
    expect(await weak.get('k', { fetch: () => 'fetched' })).toBe('fetched')
  })

  it('what the fetch and the listeners close over does not keep it', async () => {
    const made = await (async () => {
      const registry = new CacheRegistry()
      const fetch = () => `${registry.stats().entries}`
      const cache = registry.define<string>({ type: 't', ttl: '1h', fetch, equals: Object.is, sizeOf: () => 1 })
      registry.on(() => void cache.peek('k'))
      await cache.get('k')
      return { weak: cache.weak(), registry: new WeakRef(registry) }
    })()
    expect(await collectedUntil(() => made.registry.deref() === undefined)).toBe(true)
    expect(await made.weak.find('k')).toBeUndefined()
  })

  it('a forgotten registry lets its values be collected', async () => {
    const gone = vi.fn()
    const watch = watcher(gone)
    let weak: WeakKeyedCache<string, object> | undefined
    await (async () => {
      const registry = new CacheRegistry()
      const cache = registry.define<object>({ type: 't', ttl: '1h', fetch: () => ({}) })
      const value = { big: new Array(1000) }
      watch.register(value, 'value')
      await cache.set('k', value)
      await cache.get('other')
      weak = cache.weak()
    })()
    expect(await collectedUntil(() => gone.mock.calls.length > 0)).toBe(true)
    expect(await weak?.find('k')).toBeUndefined()
  })

  it.each(['invalidate', 'evict', 'replace', 'clear'] as const)('a value is free after %s', async (how) => {
    const gone = vi.fn()
    const watch = watcher(gone)
    const { cache, registry } = keyed<object>({}, { maxEntries: 1 })
    await (async () => {
      const value = { secret: 1 }
      watch.register(value, 'value')
      await cache.set('k', value)
      await cache.get('k')
      cache.entry('k').getSnapshot()
    })()
    if (how === 'invalidate') await cache.invalidate('k')
    if (how === 'evict') await cache.set('other', {})
    if (how === 'replace') await cache.set('k', {})
    if (how === 'clear') await registry.clear()
    expect(await collectedUntil(() => gone.mock.calls.length > 0)).toBe(true)
    expect(registry.stats().entries).toBe(how === 'evict' || how === 'replace' ? 1 : 0)
  })

  it('a handle that is held nowhere is collected, and its key stays', async () => {
    const gone = vi.fn()
    const watch = watcher(gone)
    const { cache } = keyed()
    await (async () => {
      const entry = cache.entry('k')
      watch.register(entry, 'entry')
      await entry.set('v')
      entry.subscribe(() => {})()
      entry.getSnapshot()
    })()
    expect(await collectedUntil(() => gone.mock.calls.length > 0)).toBe(true)
    expect(cache.peek('k')).toBe('v')
    expect(cache.entry('k').getSnapshot()).toMatchObject({ status: 'current', value: 'v' })
  })

  it('ten thousand handles that are held nowhere leave nothing behind', async () => {
    const { cache, registry } = keyed()
    const gone = vi.fn()
    const watch = watcher(gone)
    for (let at = 0; at < 10_000; at++) {
      const entry = cache.entry(`k${at}`)
      entry.getSnapshot()
      if (at % 1000 === 0) watch.register(entry, at)
      // Weak references live until the turn ends.
      if (at % 100 === 0) await macrotask()
    }
    expect(await collectedUntil(() => gone.mock.calls.length === 10)).toBe(true)
    expect([...registry.inspect()]).toEqual([])
  })

  it('an observed handle that is held nowhere else goes on telling', async () => {
    const { cache } = keyed()
    const heard: unknown[] = []
    const end = cache.entry('k').subscribe(({ value }) => heard.push(value))
    for (let round = 0; round < 5; round++) {
      gc()
      await macrotask()
    }
    await cache.set('k', 'v')
    expect(heard).toEqual(['v'])
    expect(cache.entry('k').inspect().observers).toBe(1)
    end()
  })

  it('an observed handle is the same object as long as it is observed', async () => {
    const { cache } = keyed()
    const seen = new WeakSet<object>()
    const end = (() => {
      const entry = cache.entry('k')
      seen.add(entry)
      return entry.subscribe(() => {})
    })()
    for (let round = 0; round < 5; round++) {
      gc()
      await macrotask()
    }
    expect(seen.has(cache.entry('k'))).toBe(true)
    end()
  })
})

describe('namespaces that nobody uses any more', () => {
  /** Uses many namespaces, one after the other, and keeps none. */
  const visit = async (cache: KeyedCache<string, string>, from: number, count: number) => {
    for (let at = from; at < from + count; at++) {
      const view = cache.namespace(`session ${at}`)
      await view.set('k', 'v')
      await view.invalidate('k')
      // Weak references live until the turn ends.
      if (at % 250 === 0) await macrotask()
      if (at % 5000 === 0) gc()
    }
    gc()
  }
  const heap = () => {
    gc()
    return process.memoryUsage().heapUsed
  }

  it('take no memory, however many there were', async () => {
    const registry = new CacheRegistry()
    const cache = registry.define<string>({ type: 't', ttl: '1h', fetch: () => 'v' })
    await visit(cache, 0, 5000)
    const before = heap()
    await visit(cache, 5000, 20_000)
    // Forty megabytes, if they stayed.
    expect(heap() - before).toBeLessThan(15_000_000)
    expect(registry.stats().entries).toBe(0)
  })

  it('leave those alone that hold a value, are held, or are reached by a weak handle', async () => {
    const { cache, registry } = keyed()
    const held = cache.namespace('held')
    const weak = cache.namespace('weak').weak()
    await cache.namespace('full').set('k', 'kept')
    const heard: unknown[] = []
    const end = cache
      .namespace('observed')
      .entry('k')
      .subscribe(({ value }) => heard.push(value))
    await visit(cache, 0, 2000)

    expect(cache.namespace('held')).toBe(held)
    expect(await weak.set('k', 'v')).toBe(true)
    expect(cache.namespace('weak').peek('k')).toBe('v')
    expect(cache.namespace('full').peek('k')).toBe('kept')
    await cache.namespace('observed').set('k', 'seen')
    expect(heard).toEqual(['seen'])
    end()
    await registry.namespace('full').clear()
    expect(cache.namespace('full').peek('k')).toBeUndefined()
  })

  it('remember a failure for as long as it counts', async () => {
    const { cache, call, calls } = keyed()
    const read = outcome(cache.namespace('down').get('k'))
    await flush()
    await call('k').reject(down)
    expect(await read).toBe(down)
    await visit(cache, 0, 2000)
    expect(await outcome(cache.namespace('down').get('k'))).toBe(down)
    expect(calls).toHaveLength(1)
  })

  it('give their place to others, whose values are evicted as ever', async () => {
    const { cache, registry, events } = keyed({}, { maxEntries: 10 })
    await visit(cache, 0, 2000)
    const views = Array.from({ length: 30 }, (_, at) => cache.namespace(`tenant ${at}`))
    for (const view of views) await view.set('k', 'v')
    expect(views.map((view) => view.size)).toEqual(views.map((_, at) => (at < 20 ? 0 : 1)))
    expect(registry.stats().entries).toBe(10)
    const evicted = events.filter(({ kind }) => kind === 'evicted').map(({ namespace }) => namespace?.[0])
    expect(evicted).toEqual(views.slice(0, 20).map((_, at) => `tenant ${at}`))
  })
})
