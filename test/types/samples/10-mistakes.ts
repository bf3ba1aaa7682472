/** What the compiler refuses, and why. */
import { BackgroundCache, type Fetch } from 'evercurrent'

interface Schema {
  readonly version: number
}
declare function load(signal: AbortSignal): Promise<Schema>

// Inference goes from left to right: a callback that takes V comes after the fetch that V is inferred from.
new BackgroundCache({
  ttl: 1,
  fetch: ({ signal }) => load(signal),
  isNewer: (next, held) => next.version > held.version,
})
new BackgroundCache({
  ttl: 1,
  // @ts-expect-error before the fetch V is not known yet
  isNewer: (next, held) => next.version > held.version,
  fetch: ({ signal }) => load(signal),
})
const untyped = new BackgroundCache({ ttl: 1, fetch: (_, previous) => (previous ? 1 : 2) })
// @ts-expect-error a fetch that takes what is held cannot also say what that is: it is unknown
export const unknown: number | undefined = untyped.peek()
// With V spelled out the order does not matter, and the fetch may take what is held.
new BackgroundCache<Schema>({
  ttl: 1,
  isNewer: (next, held) => next.version > held.version,
  fetch: ({ signal }, previous) => previous?.value ?? load(signal),
})

// null is a value, undefined is not.
const nothing = new BackgroundCache({ ttl: 1, fetch: () => null })
nothing.set(null)
export const missing: null | undefined = nothing.peek()
// @ts-expect-error a fetch that returns nothing
new BackgroundCache({ ttl: 1, fetch: async () => {} })
// @ts-expect-error a fetch that may return undefined: say null for "none"
new BackgroundCache({ ttl: 1, fetch: (): number | undefined => 1 })
// @ts-expect-error a type that includes undefined
new BackgroundCache<number | undefined>({ ttl: 1 })

const numbers = new BackgroundCache({ ttl: 1, fetch: () => 1 })
// @ts-expect-error undefined is not a value
numbers.set(undefined)
// @ts-expect-error nor can it be seeded
numbers.seed(undefined)
// @ts-expect-error a value of another type
numbers.set('1')
// @ts-expect-error a value of another type cannot be the held one
numbers.invalidate({ ifValue: '1' })
// @ts-expect-error a condition without the value
numbers.invalidate({})
// @ts-expect-error a key: this cache holds one value
numbers.invalidate('1')
// @ts-expect-error a fetch of another type
void numbers.get(() => 'a')

// @ts-expect-error a typo
new BackgroundCache({ ttl: 1, fetch: () => 1, refreshWindw: 1 })
// @ts-expect-error a typo in a nested option
new BackgroundCache({ ttl: 1, fetch: () => 1, backoff: { bse: 1 } })
// @ts-expect-error backoff is off or configured, not "on"
new BackgroundCache({ ttl: 1, fetch: () => 1, backoff: true })
// @ts-expect-error a unit that does not exist
new BackgroundCache({ ttl: '30 seconds', fetch: () => 1 })
declare const fromEnvironment: string
// @ts-expect-error any string: durations from the environment have to be parsed first
new BackgroundCache({ ttl: fromEnvironment, fetch: () => 1 })
// @ts-expect-error no options at all
new BackgroundCache()
// @ts-expect-error an option of the cache is not one of a read
void numbers.get({ ttl: '1s' })
// @ts-expect-error an option of a read is not one of refresh(): it waits for the fetch
void numbers.refresh({ maxWait: '1s' })

// @ts-expect-error notModified() is an answer to the cache, not a value
export const leaked: Fetch<number> = ({ notModified }) => notModified().value
// @ts-expect-error a possibly missing value has to be looked at first
export const certain: number = numbers.peek()
// @ts-expect-error a cache of numbers is not one of strings
export const other: BackgroundCache<string> = numbers
