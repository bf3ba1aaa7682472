/** What inspect() and stats() tell: the third way of L11 not to be silent, and the words of L12 and L19. */
import { snapshots$, values$ } from 'evercurrent/rxjs'
import { describe, expect, it } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

describe('inspect()', () => {
  it('L11 tells of an empty cache', () => {
    const { cache } = emptyCache()
    expect(cache.inspect()).toMatchObject({
      status: 'empty',
      freshness: undefined,
      age: undefined,
      refreshAt: undefined,
      expiresAt: undefined,
      nextAttemptAt: undefined,
      lastError: undefined,
      waiting: 0,
      observers: 0,
    })
  })

  it('L11 tells of a value through its life', async () => {
    const { cache } = await cacheHolding<string>('one')
    const { fetchedAt = 0 } = cache.getSnapshot()
    const times = { refreshAt: fetchedAt + 40_000, expiresAt: fetchedAt + 60_000 }
    await pass(10_000)
    expect(cache.inspect()).toMatchObject({ status: 'current', freshness: 'fresh', age: 10_000, ...times })
    await pass(30_000)
    expect(cache.inspect()).toMatchObject({ freshness: 'aging', age: 40_000, ...times })
    await pass(20_000)
    expect(cache.inspect()).toMatchObject({ freshness: 'expired', age: 60_000, ...times })
    expect(cache.inspect()).not.toHaveProperty('value')
  })

  it('L11 counts who waits', async () => {
    const { cache, call } = emptyCache()
    const controller = new AbortController()
    for (const signal of [controller.signal, new AbortController().signal]) void settlement(cache.get({ signal }))
    void settlement(cache.get({ maxWait: '1s' }))
    void settlement(cache.get())
    await flush()
    expect(cache.inspect().waiting).toBe(4)
    controller.abort()
    await flush()
    expect(cache.inspect().waiting).toBe(3)
    await pass(1_000)
    expect(cache.inspect().waiting).toBe(2)
    call().resolve('one')
    await flush()
    expect(cache.inspect().waiting).toBe(0)
  })

  it('L11 counts who observes', async () => {
    const { cache } = await cacheHolding<string>('one')
    const base = cache.inspect().observers
    const offs = [cache.subscribe(() => {}), cache.subscribe(() => {})]
    expect(cache.inspect().observers).toBe(base + 2)
    for (const off of offs) off()
    expect(cache.inspect().observers).toBe(base)
  })

  it('L22 counts nobody once everybody has left', async () => {
    const { cache } = await cacheHolding<string>('one')
    const base = cache.inspect().observers
    const subscriptions = [values$(cache).subscribe(), snapshots$(cache).subscribe()]
    const values = cache.values()
    await values.next()
    expect(cache.inspect().observers).toBeGreaterThan(base)
    for (const subscription of subscriptions) subscription.unsubscribe()
    await values.return?.()
    expect(cache.inspect().observers).toBe(base)
  })

  it('L11 moves the generation with every mutation and with nothing else', async () => {
    const { cache } = await cacheHolding<string>('one')
    const { generation } = cache.inspect()
    await cache.get()
    cache.tryGet()
    expect(cache.invalidate({ ifValue: 'other' })).toBe(false)
    expect(cache.inspect().generation).toBe(generation)
    const generations = [generation]
    for (const act of [() => cache.set('two'), () => cache.expire(), () => cache.invalidate()]) {
      act()
      generations.push(cache.inspect().generation)
    }
    expect(new Set(generations).size).toBe(4)
    expect([...generations].sort((a, b) => a - b)).toEqual(generations)
  })

  it('L11 remembers the error of the last failure until a success', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    const error = new Error('down')
    const renewal = settlement(cache.refresh())
    await flush()
    call().reject(error)
    await flush()
    expect(renewal.error).toBe(error)
    expect(cache.inspect()).toMatchObject({ lastError: error, nextAttemptAt: Date.now() + 750 })
  })
})

describe('stats()', () => {
  it('L11 counts reads, fetches and what became of them', async () => {
    const { cache, call } = emptyCache({ staleIfError: '5m' })
    const reads = [settlement(cache.get()), settlement(cache.get())]
    await flush()
    call().resolve('one')
    await flush()
    expect(reads.map(({ value }) => value)).toEqual(['one', 'one'])
    expect(cache.stats?.()).toMatchObject({ hits: 0, misses: 2, fetches: 1, fetchFailures: 0, discarded: 0 })
    await cache.get()
    await cache.get()
    expect(cache.stats?.()).toMatchObject({ hits: 2, misses: 2, hitRatio: 0.5, missRatio: 0.5, backendHits: 0 })
    await pass(60_000)
    const stale = settlement(cache.get())
    await flush()
    call().reject(new Error('down'))
    await flush()
    expect(stale.value).toBe('one')
    expect(cache.stats?.()).toMatchObject({ fetches: 2, fetchFailures: 1, staleServed: 1 })
    await cache.get()
    expect(cache.stats?.()).toMatchObject({ fetches: 2, staleServed: 2 })
    void settlement(cache.refresh())
    await flush()
    cache.set('given')
    call().resolve('late')
    await flush()
    expect(cache.stats?.()).toMatchObject({ fetches: 3, fetchFailures: 1, discarded: 1 })
  })

  it('L11 starts from finite numbers', () => {
    const { cache } = emptyCache()
    const stats = cache.stats?.()
    for (const count of Object.values(stats ?? {})) expect(Number.isFinite(count)).toBe(true)
    expect(stats).toMatchObject({ hits: 0, misses: 0, fetches: 0, fetchFailures: 0, staleServed: 0, evictions: 0 })
  })

  it('L11 gives a picture that later reads do not change', async () => {
    const { cache } = await cacheHolding<string>('one')
    const before = cache.stats?.()
    const copy = { ...before }
    await cache.get()
    expect(before).toEqual(copy)
  })
})
