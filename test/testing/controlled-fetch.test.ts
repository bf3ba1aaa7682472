/** controlledFetch: a fetch that a test answers. */
import { BackgroundCache } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'

const made = () => {
  const clock = manualClock()
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache<string>({ ttl: '30s', clock, fetch, random: () => 0.5 })
  return { clock, fetch, cache }
}

describe('controlledFetch', () => {
  it('starts with nothing called and nothing pending', () => {
    const fetch = controlledFetch<string>()
    expect([fetch.calls, fetch.pending]).toEqual([0, 0])
  })

  it('answers the call in the air, and everybody has heard when it is done', async () => {
    const { fetch, cache } = made()
    const reads = [settlement(cache.get()), settlement(cache.get())]
    expect([fetch.calls, fetch.pending]).toEqual([1, 1])
    await fetch.resolve('a')
    expect(reads.map(({ value }) => value)).toEqual(['a', 'a'])
    expect([fetch.calls, fetch.pending]).toEqual([1, 0])
    expect(cache.tryGet()).toBe('a')
  })

  it('fails the call in the air with just that', async () => {
    const { fetch, cache } = made()
    const read = settlement(cache.get())
    const error = new Error('down')
    await fetch.reject(error)
    expect(read.error).toBe(error)
    expect(fetch.pending).toBe(0)
    expect(cache.getSnapshot().failure?.error).toBe(error)
  })

  it('counts every call', async () => {
    const { clock, fetch, cache } = made()
    void settlement(cache.get())
    await fetch.resolve('a')
    await clock.advance(26_000)
    await expect(cache.get()).resolves.toBe('a')
    expect([fetch.calls, fetch.pending]).toEqual([2, 1])
    await fetch.resolve('b')
    expect(cache.tryGet()).toBe('b')
    expect([fetch.calls, fetch.pending]).toEqual([2, 0])
  })

  it('may be answered with null', async () => {
    const fetch = controlledFetch<string | null>()
    const cache = new BackgroundCache<string | null>({ ttl: '30s', fetch, clock: manualClock() })
    const read = settlement(cache.get())
    await fetch.resolve(null)
    expect(read).toMatchObject({ state: 'fulfilled', value: null })
  })

  it('fits where a fetch of one call goes', async () => {
    const { cache } = made()
    const other = controlledFetch<string>()
    const read = settlement(cache.get(other))
    await other.resolve('other')
    expect(read.value).toBe('other')
  })

  it('is independent of the next one', async () => {
    const [one, two] = [made(), made()]
    void settlement(one.cache.get())
    expect([one.fetch.calls, two.fetch.calls]).toEqual([1, 0])
    await one.fetch.resolve('a')
    expect(one.cache.tryGet()).toBe('a')
  })
})
