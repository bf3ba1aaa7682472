/** A user's own test: time moves when told to, and fetches settle when told to. */
import { BackgroundCache } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'

export async function refreshesBehindReaders(): Promise<void> {
  const clock = manualClock({ startAt: Date.UTC(2030, 0, 1) })
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache({ ttl: '30s', clock, fetch, random: () => 0.5 })
  const first = cache.get()
  await fetch.resolve('a')
  const value: string = await first
  await clock.advance(26_000)
  const second: string = await cache.get()
  console.assert(value === second && fetch.calls === 2 && fetch.pending === 1)
  await fetch.reject(new Error('down'))
  await clock.sleep(60_000)
  // @ts-expect-error this fetch brings strings
  await fetch.resolve(1)
  // @ts-expect-error a clock moves by milliseconds
  await clock.advance('1m')
}
