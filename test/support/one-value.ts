/** A cache of one value over a deferred fetch: empty, or already holding something. */
import { BackgroundCache, type CacheEvent, type PolicyOptions, type Surroundings } from 'evercurrent'
import { expect } from 'vitest'
import { type DeferredCall, type DeferredFetch, deferredFetch } from './deferred-fetch.ts'
import { flush } from './flush.ts'

/** A value is fresh for 40 s, then ages for 20 s; every cool-down is three quarters of its full length. */
const defaults = { ttl: 60_000, refreshWindow: 20_000, random: () => 0.5 } as const

export type Options<V> = PolicyOptions<V> & Surroundings

export interface OneValue<V> {
  readonly cache: BackgroundCache<V>
  readonly fetch: DeferredFetch<V>
  readonly events: CacheEvent[]
  /** the fetch with that number, from 0; without a number, the newest */
  call(index?: number): DeferredCall<V>
}

export function emptyCache<V = string>(options: Options<V> = {}): OneValue<V> {
  const fetch = deferredFetch<V>()
  const Plain = BackgroundCache as unknown as new (options: object) => BackgroundCache<V>
  const cache = new Plain({ ...defaults, ...options, fetch })
  const events: CacheEvent[] = []
  cache.on((event) => {
    events.push(event)
  })
  const call = (index = fetch.calls.length - 1): DeferredCall<V> => {
    const found = fetch.calls[index]
    if (found === undefined) throw new Error(`there is no fetch ${index}: ${fetch.calls.length} were started`)
    return found
  }
  return { cache, fetch, events, call }
}

export async function cacheHolding<V = string>(value: V, options: Options<V> = {}): Promise<OneValue<V>> {
  const made = emptyCache<V>(options)
  const first = made.cache.get()
  await flush()
  made.call().resolve(value)
  await first
  made.events.length = 0
  return made
}

/** Starts a refresh behind a reader, lets it fail, and returns what the cache remembers of it. */
export const failBehind = async <V>({ cache, fetch, call }: OneValue<V>, error: unknown) => {
  const before = fetch.calls.length
  await cache.get()
  await flush()
  expect(fetch.calls.length).toBe(before + 1)
  call().reject(error)
  await flush()
  return cache.getSnapshot().failure
}
