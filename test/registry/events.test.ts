/** L22 events$ of a registry: it hears of every key, causes nothing, and ends with the registry. */

import type { CacheEvent } from 'evercurrent'
import { events$ } from 'evercurrent/rxjs'
import type { Observable } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { flush } from '../support/flush.ts'
import { keyed } from '../support/keyed.ts'

/** Subscribes and notes everything. */
const log = (source: Observable<CacheEvent>) => {
  const events: CacheEvent[] = []
  const ends: string[] = []
  const subscription = source.subscribe({
    next: (event) => events.push(event),
    error: (error: unknown) => ends.push(`error ${error}`),
    complete: () => ends.push('complete'),
  })
  return { events, ends, unsubscribe: () => subscription.unsubscribe() }
}

describe('events$ of a registry', () => {
  it('tells what every key tells, in one order, until it is unsubscribed', async () => {
    const { registry, cache, events, load } = keyed()
    const heard = log(events$(registry))
    await load('a', '1')
    await cache.namespace('n').set('b', '2')
    await cache.invalidate('a')
    expect(heard.events.map(({ kind, key }) => [kind, key?.[0]])).toEqual([
      ['fetch-started', 'a'],
      ['fetch-succeeded', 'a'],
      ['value-set', 'b'],
      ['invalidated', 'a'],
    ])
    expect(heard.events).toEqual(events)
    heard.unsubscribe()
    await cache.set('c', '3')
    expect(heard.events).toHaveLength(4)
    expect(heard.ends).toEqual([])
  })

  it('only observes: no fetch, no timer, no key in use', async () => {
    const { registry, cache, calls, clock } = keyed({}, { maxEntries: 1 })
    const timers = vi.spyOn(clock, 'after')
    const heard = log(events$(registry))
    await clock.advance(600_000)
    expect(calls).toEqual([])
    expect(timers).not.toHaveBeenCalled()
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    expect(cache.peek('a')).toBeUndefined()
    heard.unsubscribe()
  })

  it('completes on dispose(), after the last of the keys that end with it', async () => {
    const { registry, cache } = keyed()
    const heard = log(events$(registry))
    const reads = ['a', 'b'].map((key) => cache.get(key).catch(() => {}))
    await flush()
    await registry.dispose()
    await Promise.all(reads)
    expect(heard.events.filter(({ kind }) => kind === 'disposed').map(({ key }) => key)).toEqual([
      ['a'],
      ['b'],
      undefined,
    ])
    expect(heard.ends).toEqual(['complete'])
  })

  it('completes at once for who comes after dispose(), or while it is told', async () => {
    const { registry } = keyed()
    const amidst: string[][] = []
    registry.on(() => amidst.push(log(events$(registry)).ends))
    expect(registry.disposed).toBe(false)
    await registry.dispose()
    expect(amidst).toEqual([['complete']])
    expect(registry.disposed).toBe(true)
    expect(log(events$(registry))).toMatchObject({ events: [], ends: ['complete'] })
    expect(log(events$(registry.namespace('n'))).ends).toEqual(['complete'])
  })

  it('a view of a namespace hears of all keys, and ends with the registry', async () => {
    const { registry, cache } = keyed()
    const heard = log(events$(registry.namespace('n')))
    await cache.set('a', 'v')
    expect(heard.events).toHaveLength(1)
    await registry.dispose()
    expect(heard.ends).toEqual(['complete'])
  })
})

describe('events$ of an entry', () => {
  it('tells of its key alone, and completes with the registry', async () => {
    const { registry, cache } = keyed()
    const heard = log(events$(cache.entry('a')))
    await cache.set('a', 'v')
    await cache.set('b', 'v')
    await registry.dispose()
    expect(heard.events.map(({ kind }) => kind)).toEqual(['value-set', 'disposed'])
    expect(heard.ends).toEqual(['complete'])
    expect(log(events$(cache.entry('a'))).ends).toEqual(['complete'])
  })
})
