/** L21: listeners may do anything, and each of them sees the same order. */
import type { CacheEvent, Snapshot } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

const failures = (events: readonly CacheEvent[]): unknown[] =>
  events.flatMap((event) => (event.kind === 'listener-failed' ? [event.error] : []))

describe('a listener', () => {
  it('L21 runs when everything already agrees', async () => {
    const { cache, call } = emptyCache()
    const seen: unknown[] = []
    cache.subscribe((snapshot) => {
      expect(cache.getSnapshot()).toBe(snapshot)
      if (snapshot.status === 'current') expect(cache.peek()).toBe(snapshot.value)
      seen.push([snapshot.status, snapshot.value])
    })
    cache.on(({ kind }) => {
      if (kind === 'value-set') expect(cache.tryGet()).toBe('two')
      if (kind === 'fetch-succeeded') expect(cache.tryGet()).toBe('one')
      if (kind === 'invalidated') expect(cache.peek()).toBeUndefined()
      if (kind === 'fetch-started') expect(cache.getSnapshot().status).toBe('refreshing')
      if (kind === 'fetch-failed') expect(cache.getSnapshot().failure).toBeDefined()
    })
    void settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    cache.set('two')
    cache.invalidate()
    void settlement(cache.get())
    await flush()
    call().reject(new Error('down'))
    await flush()
    expect(seen).toEqual([
      ['refreshing', undefined],
      ['current', 'one'],
      ['current', 'two'],
      ['empty', undefined],
      ['refreshing', undefined],
      ['empty', undefined],
    ])
  })

  it('L21 hears the events of a plain life in order', async () => {
    const { cache, call, events } = emptyCache({ name: 'one' })
    void settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    await pass(45_000)
    await cache.get()
    await flush()
    call().reject(new Error('down'))
    await flush()
    cache.set('two')
    cache.expire()
    cache.invalidate()
    expect(cache.seed('three')).toBe(true)
    cache.dispose()
    expect(events.map(({ kind }) => kind)).toEqual([
      'fetch-started',
      'fetch-succeeded',
      'fetch-started',
      'fetch-failed',
      'value-set',
      'expired',
      'invalidated',
      'value-seeded',
      'disposed',
    ])
    for (const { name, at } of events) {
      expect(name).toBe('one')
      expect(at).toBeGreaterThan(1_700_000_000_000)
    }
  })

  it('L21 may read, and gets what it was told of', async () => {
    const { cache, fetch } = emptyCache()
    const read: Promise<string>[] = []
    cache.on(({ kind }) => {
      if (kind === 'value-set') read.push(cache.get())
    })
    cache.set('one')
    await expect(Promise.all(read)).resolves.toEqual(['one'])
    expect(fetch.calls).toHaveLength(0)
  })

  it('L21 may start a fetch after an invalidation', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('one')
    const read: Promise<string>[] = []
    cache.on(({ kind }) => {
      if (kind === 'invalidated') read.push(cache.get())
    })
    expect(cache.invalidate()).toBe(true)
    await flush()
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await expect(Promise.all(read)).resolves.toEqual(['two'])
  })

  it('L21 may invalidate what it is told of', async () => {
    const { cache, call } = emptyCache()
    cache.on(({ kind }) => {
      if (kind === 'fetch-succeeded') cache.invalidate()
    })
    const read = settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    expect(read.value).toBe('one')
    expect(cache.peek()).toBeUndefined()
    expect(cache.getSnapshot().status).toBe('empty')
  })

  it('L21 may set another value as soon as a fetch starts', async () => {
    const { cache, call } = emptyCache()
    cache.on(({ kind }) => {
      if (kind === 'fetch-started') cache.set('given')
    })
    await expect(cache.get()).resolves.toBe('given')
    await flush()
    for (const { resolve } of [call(0)]) resolve('fetched')
    await flush()
    expect(cache.tryGet()).toBe('given')
  })

  it('L21 may refresh once more after a success', async () => {
    const { cache, fetch, call } = emptyCache()
    let again = true
    cache.on(({ kind }) => {
      if (kind !== 'fetch-succeeded' || !again) return
      again = false
      void settlement(cache.refresh())
    })
    const read = settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    expect(read.value).toBe('one')
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    expect(cache.tryGet()).toBe('two')
  })

  it('L21 may unsubscribe itself and others', () => {
    const { cache } = emptyCache()
    const heard: string[] = []
    const offs: (() => void)[] = []
    for (const name of ['a', 'b', 'c']) {
      offs.push(
        cache.subscribe(() => {
          heard.push(name)
          if (name === 'b') for (const off of offs.slice(0, 2)) off()
        }),
      )
    }
    cache.set('one')
    cache.set('two')
    expect(heard).toEqual(['a', 'b', 'c', 'c'])
  })

  it('L21 that another one unsubscribed hears no more, not even the news that is being told', () => {
    const { cache } = emptyCache()
    const heard: string[] = []
    cache.subscribe(() => offs.forEach((off) => void off()))
    cache.on(() => offs.forEach((off) => void off()))
    const offs = [cache.subscribe(() => void heard.push('snapshot')), cache.on(() => void heard.push('event'))]
    cache.set('one')
    cache.set('two')
    expect(heard).toEqual([])
  })

  it('L21 may subscribe others, who hear everything from then on', () => {
    const { cache } = emptyCache()
    const late: unknown[] = []
    let once = true
    cache.subscribe(() => {
      if (!once) return
      once = false
      cache.subscribe(({ value }) => {
        late.push(value)
      })
    })
    cache.set('one')
    cache.set('two')
    cache.set('three')
    expect(late.slice(-2)).toEqual(['two', 'three'])
  })

  it('L21 subscribed twice stays subscribed when one of the two ends', () => {
    const { cache } = emptyCache()
    let heard = 0
    const listener = () => {
      heard++
    }
    const off = cache.subscribe(listener)
    cache.subscribe(listener)
    off()
    off()
    cache.set('one')
    expect(heard).toBe(1)
  })

  it('L21 hears nothing once it has unsubscribed', async () => {
    const { cache } = emptyCache()
    const heard: unknown[] = []
    const offs = [cache.subscribe((snapshot) => void heard.push(snapshot)), cache.on((event) => void heard.push(event))]
    for (const off of offs) off()
    cache.set('one')
    cache.dispose()
    await flush()
    expect(heard).toEqual([])
  })
})

describe('a failing listener', () => {
  it.each([
    ['an error', new Error('broken')],
    ['undefined', undefined],
    ['zero', 0],
  ])('L21 of snapshots harms nobody and is reported: it throws %s', (_, error) => {
    const { cache, events } = emptyCache()
    const heard: unknown[] = []
    cache.subscribe(() => {
      throw error
    })
    cache.subscribe(({ value }) => {
      heard.push(value)
    })
    cache.set('one')
    cache.set('two')
    expect(cache.tryGet()).toBe('two')
    expect(heard).toEqual(['one', 'two'])
    expect(failures(events)).toEqual([error, error])
  })

  it('L21 of snapshots that rejects harms nobody and is reported', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, events } = emptyCache()
      const error = new Error('broken later')
      cache.subscribe(async () => {
        await flush()
        throw error
      })
      cache.set('one')
      await pass(0)
      expect(cache.tryGet()).toBe('one')
      expect(failures(events)).toEqual([error])
    })
    expect(unhandled).toEqual([])
  })

  it('L21 of events is reported to the others and not to itself', () => {
    const { cache, events } = emptyCache()
    const own: string[] = []
    const error = new Error('broken')
    cache.on(({ kind }) => {
      own.push(kind)
      if (kind === 'value-set') throw error
    })
    const after: string[] = []
    cache.on(({ kind }) => {
      after.push(kind)
    })
    cache.set('one')
    expect(own).toEqual(['value-set'])
    expect(after).toEqual(['value-set', 'listener-failed'])
    expect(failures(events)).toEqual([error])
  })

  it('L21 of events that rejects is reported to the others and not to itself', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, events } = emptyCache()
      const own: string[] = []
      const error = new Error('broken later')
      cache.on(async ({ kind }) => {
        own.push(kind)
        await flush()
        throw error
      })
      cache.set('one')
      await pass(0)
      expect(own).toEqual(['value-set'])
      expect(failures(events)).toEqual([error])
    })
    expect(unhandled).toEqual([])
  })

  it('L21 that returns a hostile thenable harms nobody', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache } = emptyCache()
      cache.subscribe((() => ({
        // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is the point
        get then() {
          throw new Error('unreadable')
        },
      })) as never)
      cache.set('one')
      await pass(0)
      expect(cache.tryGet()).toBe('one')
    })
    expect(unhandled).toEqual([])
  })

  it('L21 that fails to hear of a failure is reported too, to whoever has not failed', () => {
    const { cache } = emptyCache()
    const [first, second] = [new Error('broken'), new Error('broken by that')]
    cache.on(({ kind }) => {
      if (kind === 'value-set') throw first
    })
    cache.on((event) => {
      if (event.kind === 'listener-failed' && event.error === first) throw second
    })
    const heard: CacheEvent[] = []
    cache.on((event) => {
      heard.push(event)
    })
    cache.set('one')
    expect(failures(heard)).toEqual([first, second])
  })

  it.each([2, 3, 5, 12])('L21 meeting others that fail too comes to an end soon: %d of them', (count) => {
    const { cache } = emptyCache()
    const enough = 5_000
    let heard = 0
    for (let index = 0; index < count; index++) {
      cache.on(() => {
        if (++heard > enough) return
        throw new Error(`broken ${index}`)
      })
    }
    cache.set('one')
    expect(heard).toBeLessThan(enough)
    expect(cache.tryGet()).toBe('one')
  })

  it.each([3, 12])('L21 meeting others that reject too comes to an end soon: %d of them', async (count) => {
    const unhandled = await unhandledDuring(async () => {
      const { cache } = emptyCache()
      const enough = 5_000
      let heard = 0
      for (let index = 0; index < count; index++) {
        cache.on(async () => {
          if (++heard < enough) throw new Error(`broken ${index}`)
        })
      }
      cache.set('one')
      for (let turn = 0; turn < 20; turn++) await pass(0)
      expect(heard).toBeLessThan(enough)
      expect(cache.tryGet()).toBe('one')
    })
    expect(unhandled).toEqual([])
  })

  it('L21 still leaves a later event to be heard by everybody', () => {
    const { cache, events } = emptyCache()
    let heard = 0
    for (let index = 0; index < 2; index++) {
      cache.on(({ kind }) => {
        if (kind === 'value-set') heard++
        throw new Error('broken')
      })
    }
    cache.set('one')
    cache.set('two')
    expect(heard).toBe(4)
    expect(events.filter(({ kind }) => kind === 'value-set')).toHaveLength(2)
  })

  it('L21 does not reach the caller, whatever he calls', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      const broken = () => {
        throw new Error('broken')
      }
      cache.subscribe(broken)
      cache.on(broken)
      const read = settlement(cache.get())
      await flush()
      call().resolve('one')
      await flush()
      expect(read.value).toBe('one')
      cache.set('two')
      cache.expire()
      expect(cache.invalidate()).toBe(true)
      expect(cache.seed('three')).toBe(true)
      await expect(cache.get()).resolves.toBe('three')
      cache.keepFresh()()
      cache.dispose()
    })
    expect(unhandled).toEqual([])
  })
})

describe('one order', () => {
  it('L21 of snapshots, although the first listener sets another value', () => {
    const { cache } = emptyCache<number>()
    const heard: Record<'before' | 'after', unknown[]> = { before: [], after: [] }
    cache.subscribe(({ value }) => {
      heard.before.push(value)
      if (value === 1) cache.set(2)
      if (value === 2) cache.set(3)
    })
    cache.subscribe(({ value }) => {
      heard.after.push(value)
    })
    cache.set(1)
    expect(heard.before).toEqual([1, 2, 3])
    expect(heard.after).toEqual([1, 2, 3])
    expect(cache.tryGet()).toBe(3)
  })

  it('L21 of events, although listeners cause further ones', () => {
    const { cache, events } = emptyCache<number>()
    const heard: string[][] = [[], [], []]
    heard.forEach((list, index) => {
      cache.on(({ kind }) => {
        list.push(kind)
        if (index === 0 && kind === 'value-set') cache.invalidate()
        if (index === 1 && kind === 'invalidated') cache.expire()
        if (index === 2 && kind === 'invalidated' && list.length < 5) cache.seed(7)
      })
    })
    cache.set(1)
    expect(heard[0]?.slice(0, 2)).toEqual(['value-set', 'invalidated'])
    expect(heard[1]).toEqual(heard[0])
    expect(heard[2]).toEqual(heard[0])
    expect(events.map(({ kind }) => kind)).toEqual(heard[0])
  })

  it('L21 across snapshots and events: a change made by one kind is heard later by both', () => {
    const { cache } = emptyCache<number>()
    const log: string[] = []
    cache.on((event) => {
      if (event.kind !== 'value-set') return
      log.push('event')
      if (log.length === 1) cache.set(2)
    })
    const values: unknown[] = []
    cache.subscribe(({ value }) => {
      values.push(value)
    })
    cache.set(1)
    expect(values.at(-1)).toBe(2)
    expect(log).toEqual(['event', 'event'])
    expect(values).toEqual([...new Set(values)])
    expect([...values].sort()).toEqual(values)
  })

  it('L21 of snapshots, although a listener disposes of the cache', async () => {
    const { cache } = emptyCache<number>()
    const heard: string[][] = [[], []]
    heard.forEach((list, index) => {
      cache.subscribe(({ status }) => {
        list.push(status)
        if (index === 0 && status === 'current') cache.dispose()
      })
    })
    await attempt(() => cache.set(1))
    expect(heard[0]?.at(-1)).toBe('disposed')
    expect(heard[1]?.at(-1)).toBe('disposed')
    expect(heard[1]).toEqual(heard[0])
  })

  it('L21 of a listener that fails and one that changes things', () => {
    const { cache, events } = emptyCache<number>()
    const heard: unknown[] = []
    cache.subscribe(({ value }) => {
      if (value === 1) cache.set(2)
      throw new Error('broken')
    })
    cache.subscribe(({ value }) => {
      heard.push(value)
    })
    cache.set(1)
    expect(heard).toEqual([1, 2])
    expect(failures(events)).toHaveLength(2)
  })

  it('L21 of readers and listeners: whoever is told has the value already', async () => {
    const { cache, call } = emptyCache()
    const log: string[] = []
    cache.subscribe((snapshot: Snapshot<string>) => {
      if (snapshot.status === 'current') log.push(`heard ${cache.tryGet()}`)
    })
    const read = cache.get().then((value) => log.push(`read ${value} with ${cache.tryGet()}`))
    await flush()
    call().resolve('one')
    await read
    expect([...log].sort()).toEqual(['heard one', 'read one with one'])
  })
})
