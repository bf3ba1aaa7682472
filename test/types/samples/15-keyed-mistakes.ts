/** What the compiler refuses of a registry and its types, and why. */
import { CacheRegistry, type Clock, type KeyedCache } from 'evercurrent'
import * as z from 'zod'

interface Schema {
  readonly version: number
}
interface Ref {
  readonly database: string
  readonly table: string
}
declare function load(signal: AbortSignal): Promise<Schema>
declare const clock: Clock
const registry = new CacheRegistry()

const perCall = registry.define<Schema>({ type: 'a', ttl: 1 })
void perCall.get('orders', { fetch: (_name, { signal }) => load(signal) })
// @ts-expect-error no fetch here and none in the type: nobody could fill the cache
void perCall.get('orders')
// @ts-expect-error the same, with options
void perCall.get('orders', { maxWait: '1s' })
// @ts-expect-error the same, for a reading
void perCall.read('orders')
// @ts-expect-error the same, for a newer value
void perCall.refresh('orders')
// @ts-expect-error the same, under a namespace
void perCall.namespace('acme').get('orders')
// @ts-expect-error the same, through a weak handle
void perCall.weak().get('orders')
// @ts-expect-error it has nothing to fetch many with
void perCall.getMany(['orders'])

// Values.
// @ts-expect-error a fetch that returns nothing
registry.define({ type: 'b', ttl: 1, fetch: async (_name: string) => {} })
// @ts-expect-error a fetch that may return undefined: say null for "none"
registry.define({ type: 'c', ttl: 1, fetch: (name: string) => (name ? 1 : undefined) })
// @ts-expect-error a fetchMany whose values may be undefined: leave the key out
registry.define({ type: 'd', ttl: 1, fetchMany: (names: readonly string[]) => new Map([[names.join(), undefined]]) })
// @ts-expect-error a schema whose output may be undefined
registry.define({ type: 'e', ttl: 1, schema: z.string().optional(), fetch: (name: string) => name })
// @ts-expect-error a type that includes undefined
registry.define<number | undefined>({ type: 'f', ttl: 1 })
const numbers = registry.define({ type: 'g', ttl: 1, fetch: (name: string) => name.length })
// @ts-expect-error a value of another type
void numbers.set('a', '1')
// @ts-expect-error undefined is not a value
void numbers.set('a', undefined)
// @ts-expect-error a value without its key
void numbers.set(1)
// @ts-expect-error nor can undefined be seeded
numbers.seed('a', undefined)
// @ts-expect-error a value of another type cannot be the held one
void numbers.invalidate('a', { ifValue: '1' })
// @ts-expect-error a fetch of another type
void numbers.get('a', { fetch: () => 'a' })
// @ts-expect-error a possibly missing value has to be looked at first
export const certain: number = numbers.peek('a')
// @ts-expect-error the same, for find()
export const found: Promise<number> = numbers.find('a')
// @ts-expect-error values of one type are not those of another
export const other: KeyedCache<string, string> = numbers
// @ts-expect-error only an entry is observed: a type is many values
numbers.subscribe(() => {})

// Keys.
// @ts-expect-error an object needs key(), which says what identifies it
registry.define({ type: 'h', ttl: 1, fetch: ({ table }: Ref) => table })
// @ts-expect-error so does a number
registry.define({ type: 'i', ttl: 1, fetch: (id: number) => id })
// @ts-expect-error and the keys of fetchMany
registry.define({ type: 'j', ttl: 1, fetchMany: (ids: readonly number[]) => ids.map((id) => [id, id] as const) })
// @ts-expect-error and where K is spelled out
registry.define<Schema, Ref>({ type: 'k', ttl: 1 })
// @ts-expect-error parts are strings: a number could be taken for its digits
registry.define({ type: 'l', ttl: 1, key: ({ id }: { readonly id: number }) => ['id', id], fetch: () => 1 })
const pairs = registry.define({ type: 'm', ttl: 1, fetch: ([one]: readonly [string, string]) => one })
// @ts-expect-error half a key
void pairs.get(['sales'])
// @ts-expect-error a key of another type
void pairs.get('sales')
// @ts-expect-error parts one by one, not as a key
void pairs.invalidatePrefix(['sales'])
// @ts-expect-error no key at all
void numbers.get()
// @ts-expect-error fetchMany may not change the list of keys
registry.define({ type: 't', ttl: 1, fetchMany: (names: string[]) => names.map((name) => [name, 1] as const) })

// Options.
// @ts-expect-error a type has a name
registry.define({ ttl: 1, fetch: (name: string) => name })
// @ts-expect-error neither ttl nor expiresAt: it could never end
registry.define({ type: 'n', fetch: (name: string) => name })
// @ts-expect-error a typo
registry.define({ type: 'o', ttl: 1, fetch: (name: string) => name, refreshWindw: 1 })
// @ts-expect-error a unit that does not exist
registry.define({ type: 'p', ttl: '30 seconds', fetch: (name: string) => name })
// @ts-expect-error versions are numbers: they move on
registry.define({ type: 'q', ttl: 1, version: '2', fetch: (name: string) => name })
// @ts-expect-error the clock is the registry's: all its types live in one time
registry.define({ type: 'r', ttl: 1, clock, fetch: (name: string) => name })
// @ts-expect-error the budget is the registry's
registry.define({ type: 's', ttl: 1, maxEntries: 1, fetch: (name: string) => name })
// @ts-expect-error an option of the type is not one of a read
void numbers.get('a', { ttl: '1s' })
// @ts-expect-error a bare function: say { fetch }
void numbers.get('a', () => 1)
// @ts-expect-error a condition without the value
void numbers.invalidate('a', {})

// Writing may reach further than memory: it is over when its promise is.
const handle = numbers.entry('a')
// @ts-expect-error a promise of whether it dropped, not the answer
export const dropped: boolean = handle.invalidate()
// @ts-expect-error the key is in the handle already
handle.peek('a')
