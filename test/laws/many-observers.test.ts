/** Ten thousand who observe one value: one timer, one fetch, and each is called once for a change. */
import { BackgroundCache } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { expect, it, vi } from 'vitest'
import { recordingClock } from '../support/recording-clock.ts'

const many = 10_000

it('L22: ten thousand subscribers to values$ share one timer and one fetch, and each hears of a value once', async () => {
  const clock = recordingClock()
  const fetch = vi.fn(async () => fetch.mock.calls.length)
  const cache = new BackgroundCache({ ttl: '30s', refreshWindow: '10s', clock, fetch })
  const heard: number[] = []
  const all = Array.from({ length: many }, () => values$(cache).subscribe((value) => heard.push(value)))
  await clock.advance(0)
  expect([heard.length, fetch.mock.calls.length, clock.holding().length]).toEqual([many, 1, 1])

  await clock.advance(20_000)
  expect([heard.length, fetch.mock.calls.length]).toEqual([2 * many, 2])
  expect(cache.inspect().observers).toBe(many)

  for (const each of all) each.unsubscribe()
  expect([cache.inspect().observers, clock.holding().length]).toEqual([0, 0])
  await clock.advance(60_000)
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('L21: a listener that ends another in the same news is the last that either hears of it', () => {
  const cache = new BackgroundCache<number>({ ttl: '1m' })
  const heard: string[] = []
  cache.subscribe(({ value }) => {
    heard.push(`first ${value}`)
    endSecond()
  })
  const endSecond = cache.subscribe(({ value }) => void heard.push(`second ${value}`))
  cache.set(1)
  cache.set(2)
  expect(heard).toEqual(['first 1', 'first 2'])
})

it('L21: who begins to listen while news is told hears the next, and not that one', () => {
  const cache = new BackgroundCache<number>({ ttl: '1m' })
  const heard: string[] = []
  const end = cache.subscribe(() => {
    end()
    cache.subscribe(({ value }) => void heard.push(`late ${value}`))
  })
  cache.set(1)
  cache.set(2)
  expect(heard).toEqual(['late 2'])
})
