/** What is simulated: evercurrent's own code, and abstract models of the policies that other caches have. */

import { BackgroundCache, type Clock, type PolicyOptions } from 'evercurrent'
import { randomFrom } from './random.ts'

/** A value says when the source gave it. */
export type Load = () => Promise<number>

export interface Model {
  /** what is abstracted: the document says it */
  readonly what: string
  start(load: Load, clock: Clock): () => Promise<number>
}

const minute = 60_000
export const ttl = minute
const due = 48_000

/** One load for all who ask while it is in the air. */
const shared = (load: Load, arrive: (value: number) => void) => {
  let inTheAir: Promise<number> | undefined
  return () => {
    inTheAir ??= load()
      .then((value) => {
        arrive(value)
        return value
      })
      .finally(() => {
        inTheAir = undefined
      })
    return inTheAir
  }
}

/** A held value is given until it is `served` old; from `fresh` on, a read starts a load behind it. */
const policy =
  (fresh: number, served: number): Model['start'] =>
  (load, clock) => {
    let [held, since] = [Number.NaN, -Infinity]
    const refresh = shared(load, (value) => {
      held = value
      since = clock.now()
    })
    return async () => {
      const age = clock.now() - since
      if (age >= served) return refresh()
      if (age >= fresh) refresh().catch(() => {})
      return held
    }
  }

const evercurrent = (options: PolicyOptions<number>, isKept = false): Model['start'] => {
  return (load, clock) => {
    const cache = new BackgroundCache({ ttl, ...options, clock, random: randomFrom(99), fetch: load })
    if (isKept) cache.keepFresh()
    return () => cache.get()
  }
}

const staleIfError = 10 * minute

export const models: Readonly<Record<string, Model>> = {
  'plain TTL': {
    what: 'an expired value is loaded while its readers wait (cacheable, p-memoize, `fetchQuery`)',
    start: policy(ttl, ttl),
  },
  'TTL and window, no back-off': {
    what: 'a load behind the readers in the last fifth, none is served after the TTL (cache-manager, layered-loader)',
    start: policy(due, ttl),
  },
  'stale while revalidate, unbounded': {
    what: 'an expired value is served and loaded anew behind the reader (lru-cache with `allowStale`, `ensureQueryData`)',
    start: policy(due, Infinity),
  },
  'stale while revalidate for 10 min': {
    what: 'the same, until a value expired ten minutes ago (cachified `swr`, bentocache `grace`, async-cache-dedupe `stale`)',
    start: policy(ttl, ttl + staleIfError),
  },
  evercurrent: {
    what: '`ttl` 1 min, `staleIfError` 10 min, the rest its defaults',
    start: evercurrent({ staleIfError }),
  },
  'evercurrent, keepFresh()': { what: 'the same, on a timer', start: evercurrent({ staleIfError }, true) },
}

/** What a default is chosen among. */
export const variants: Readonly<Record<string, Model['start']>> = {
  'window 5 %': evercurrent({ staleIfError, refreshWindow: 3000 }),
  'window 10 %': evercurrent({ staleIfError, refreshWindow: 6000 }),
  'window 20 %': evercurrent({ staleIfError, refreshWindow: 12_000 }),
  'window 33 %': evercurrent({ staleIfError, refreshWindow: 20_000 }),
  'window 50 %': evercurrent({ staleIfError, refreshWindow: 30_000 }),
}
