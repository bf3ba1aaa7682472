/** A listener that reads while a read is being answered finds the slot taken, not a second fetch. */

import { BackgroundCache } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { expect, it } from 'vitest'

it('L5 a read from a listener of served-stale joins the refresh that the stale read started', async () => {
  const clock = manualClock()
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache({ ttl: 1000, staleIfError: '1h', fetch, clock, random: () => 0 })
  const first = cache.get()
  await fetch.resolve('one')
  await first
  await clock.advance(1000)
  const failing = cache.get()
  await fetch.reject(new Error('down'))
  expect(await failing).toBe('one')
  await clock.advance(10_000)

  let heard: Promise<string> | undefined
  cache.on((event) => {
    if (event.kind === 'served-stale') heard ??= cache.refresh()
  })
  const stale = cache.get()
  expect(fetch.calls).toBe(3)
  await fetch.resolve('two')
  expect(fetch.calls).toBe(4)
  await fetch.resolve('three')
  expect([await stale, await heard, cache.peek()]).toEqual(['one', 'three', 'three'])
})
