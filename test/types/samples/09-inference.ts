/** V comes from the fetch, whatever of its arguments it takes. */
import { BackgroundCache, type CacheOptions, type Observed, type PerCallCache, type Reading } from 'evercurrent'

type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Is<A, B>): void

const one = new BackgroundCache({ ttl: '1m', fetch: async () => 1 })
same<typeof one, BackgroundCache<number>>(true)
same<typeof one, BackgroundCache<string>>(false)

const fromContext = new BackgroundCache({
  ttl: '1m',
  fetch: async ({ signal }) => (signal.aborted ? { state: 'stopped' } : { state: 'done' }),
})
same<typeof fromContext, BackgroundCache<{ state: string }>>(true)

const renewed = new BackgroundCache({
  ttl: 1,
  fetch: async ({ notModified, reason }) => (reason === 'first' ? { a: 1 } : reason === 'aging' ? null : notModified()),
})
same<typeof renewed, BackgroundCache<{ a: number } | null>>(true)

const fromPrevious = new BackgroundCache<number>({
  ttl: 1,
  fetch: (_, previous) => (previous ? previous.value + previous.fetchedAt - previous.expiresAt : 0),
})
same<typeof fromPrevious, BackgroundCache<number>>(true)

// Options in a variable of their own: a duration is a literal.
const policy = { ttl: '30s', refreshWindow: '5s', backoff: { max: '10s' } } as const
const spread = new BackgroundCache({ ...policy, fetch: () => 'a' })
same<typeof spread, BackgroundCache<string>>(true)
const options: CacheOptions<number> = { ttl: '30s', isNewer: (next, held) => next > held }
const typed = new BackgroundCache({ ...options, fetch: () => 1 })
same<typeof typed, BackgroundCache<number>>(true)

const synchronous = new BackgroundCache({ ttl: 1, fetch: () => 'a' })
same<Awaited<ReturnType<typeof synchronous.get>>, string>(true)

const perCall = new BackgroundCache<number>({ ttl: 1 })
same<typeof perCall, PerCallCache<number>>(true)

class Client {
  readonly cache = new BackgroundCache({ ttl: 1, fetch: () => this.load() })
  async load(): Promise<{ id: string }> {
    return { id: '1' }
  }
}
same<Client['cache'], BackgroundCache<{ id: string }>>(true)

/** A narrow cache can be observed as a wide one, and a cache with a fetch used as one without. */
export const wide: Observed<{ a: number }> = new BackgroundCache({ ttl: 1, fetch: async () => ({ a: 1, b: 2 }) })
export const asPerCall: PerCallCache<number> = one

export async function reading(): Promise<Reading<number>> {
  const { value, fetchedAt, expiresAt, from, stale } = await one.read()
  same<typeof from, 'memory' | 'backend' | 'source'>(true)
  return { value, fetchedAt, expiresAt, from, stale }
}

const snapshot = one.getSnapshot()
if (snapshot.status === 'current') {
  same<typeof snapshot.value, number>(true)
  same<typeof snapshot.expiresAt, number>(true)
}
if (snapshot.status === 'empty') same<typeof snapshot.value, undefined>(true)
const { value, fetchedAt, failure } = snapshot
same<typeof value, number | undefined>(true)
same<typeof fetchedAt, number | undefined>(true)
export const attempts: number | undefined = failure?.attempts

export function scoped(): number | undefined {
  using cache = new BackgroundCache({ ttl: '1m', fetch: async () => 1 })
  return cache.peek()
}
