/** L22: a cache as the observable that other libraries find in it, and observers that have only some of their parts. */
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'

useFakeTime()

interface Interop {
  readonly '@@observable': () => Interop
  subscribe(observer: object): { unsubscribe(): void }
}

const observableOf = (cache: unknown): Interop => (cache as Interop)['@@observable']()

describe('the observable of a cache', () => {
  it('L22 is an observable wherever one is asked for', async () => {
    const { cache } = await cacheHolding<string>('held')
    const observable = observableOf(cache)
    expect(observable['@@observable']()).toBe(observable)
  })

  it('L22 needs no part of an observer', async () => {
    const { cache, events } = await cacheHolding<string>('held')
    const subscription = observableOf(cache).subscribe({})
    expect(cache.inspect().observers).toBe(1)
    cache.set('given')
    expect(events.map(({ kind }) => kind)).toEqual(['value-set'])
    subscription.unsubscribe()
    expect(cache.inspect().observers).toBe(0)
  })

  it('L22 of a disposed cache completes at once, for an observer that wants to know as for one that does not', () => {
    const { cache } = emptyCache()
    cache.dispose()
    const complete = vi.fn()
    observableOf(cache).subscribe({ complete }).unsubscribe()
    expect(complete).toHaveBeenCalledTimes(1)
    expect(() => observableOf(cache).subscribe({})).not.toThrow()
  })

  it.each([
    ['nothing', true, 1],
    ['the next value', false, 2],
  ])('L22 fetches %s for an observer that is closed after the first one: %s', async (_, closed, fetches) => {
    const { cache, fetch } = await cacheHolding<string>('held')
    await pass(45_000)
    const values: string[] = []
    const observer = { closed: false, next: (value: string) => (observer.closed = values.push(value) > 0 && closed) }
    const subscription = observableOf(cache).subscribe(observer)
    expect([values, fetch.calls.length]).toEqual([['held'], fetches])
    subscription.unsubscribe()
  })

  it('L22 tells a value again when there was none in between', async () => {
    const { cache } = await cacheHolding<string>('held')
    const values: unknown[] = []
    const subscription = observableOf(cache).subscribe({ next: (value: unknown) => values.push(value) })
    cache.set('held')
    cache.invalidate()
    cache.set('held')
    subscription.unsubscribe()
    cache.set('unheard')
    expect(values).toEqual(['held', 'held'])
  })
})
