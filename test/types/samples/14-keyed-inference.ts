/** K and V of a type come from its fetch, its fetchMany, its key() or its schema. */
import {
  BackgroundCache,
  type CacheEntry,
  CacheRegistry,
  type Held,
  type KeyedCache,
  type Observed,
  type PerCallKeyedCache,
  type Reading,
  type WeakKeyedCache,
} from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import type { Observable } from 'rxjs'
import * as z from 'zod'

type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Is<A, B>): void

interface Schema {
  readonly version: number
}
interface Ref {
  readonly database: string
  readonly table: string
}
declare function load(signal: AbortSignal): Promise<Schema>
const registry = new CacheRegistry()

// From the fetch, whatever of its arguments it takes.
const byFetch = registry.define({ type: 'a', ttl: 1, fetch: async (_name: string, { signal }) => load(signal) })
same<typeof byFetch, KeyedCache<string, Schema>>(true)
same<typeof byFetch, KeyedCache<string, string>>(false)
const unasked = registry.define({ type: 'b', ttl: 1, fetch: () => 1 })
same<typeof unasked, KeyedCache<string, number>>(true)
const withPrevious = registry.define({
  type: 'c',
  ttl: 1,
  fetch: (name: string, { notModified }, held: Held<number> | undefined) => (held ? notModified() : name.length),
})
same<typeof withPrevious, KeyedCache<string, number>>(true)
const untypedKey = registry.define({ type: 'u', ttl: 1, fetch: async (name) => name.length })
same<typeof untypedKey, KeyedCache<string, number>>(true)
const nullable = registry.define({
  type: 'd',
  ttl: 1,
  fetch: async (name: string) => (name ? { version: 1 } : null),
})
same<typeof nullable, KeyedCache<string, { version: number } | null>>(true)

// From fetchMany.
const byMany = registry.define({
  type: 'e',
  ttl: 1,
  fetchMany: (names: readonly string[]) => names.map((name) => [name, name.length] as const),
})
same<typeof byMany, KeyedCache<string, number>>(true)
const byBoth = registry.define({
  type: 'v',
  ttl: 1,
  fetch: (name: string) => name.length,
  fetchMany: (names, { signal }) => new Map(names.map((name) => [name, signal.aborted ? 0 : name.length])),
})
same<typeof byBoth, KeyedCache<string, number>>(true)
const manyRefs = registry.define({
  type: 'w',
  ttl: 1,
  fetchMany: async (refs: readonly Ref[]) => refs.map((ref) => [ref, ref.table]),
  key: ({ database, table }) => [database, table],
})
same<typeof manyRefs, KeyedCache<Ref, string>>(true)

// Tuples and unions of strings are keys as they are.
const pairs = registry.define({
  type: 'f',
  ttl: 1,
  fetch: async ([database, table]: readonly [string, string]) => ({ version: database.length + table.length }),
})
same<typeof pairs, KeyedCache<readonly [string, string], { version: number }>>(true)
export const pair: Promise<{ version: number }> = pairs.get(['sales', 'orders'])
const regions = registry.define({ type: 'g', ttl: 1, fetch: (region: 'eu' | 'us') => region.length })
same<typeof regions, KeyedCache<'eu' | 'us', number>>(true)

// Objects become keys by key(), before or after the fetch.
const byKey = registry.define({
  type: 'h',
  ttl: 1,
  key: ({ database, table }: Ref) => [database, table],
  fetch: async ({ table }, { signal }) => ({ table, ...(await load(signal)) }),
})
same<typeof byKey, KeyedCache<Ref, { version: number; table: string }>>(true)
const numbered = registry.define({ type: 'i', ttl: 1, fetch: (id: number) => id > 0, key: String })
same<typeof numbered, KeyedCache<number, boolean>>(true)

// The schema's output, not what the fetch brings.
const bySchema = registry.define({
  type: 'j',
  ttl: 1,
  schema: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
  fetch: async (url: string, { signal }) => (await fetch(url, { signal })).json(),
})
same<typeof bySchema, KeyedCache<string, { at: Date }>>(true)
const manyBySchema = registry.define({
  type: 'x',
  ttl: 1,
  schema: z.object({ id: z.number() }),
  fetchMany: async (ids: readonly string[]) => ids.map((id) => [id, JSON.parse(id) as unknown]),
})
same<typeof manyBySchema, KeyedCache<string, { id: number }>>(true)
const perCallBySchema = registry.define({ type: 'y', ttl: 1, schema: z.string() })
same<typeof perCallBySchema, PerCallKeyedCache<string, string>>(true)

// Callbacks that take the value stand after what V comes from, or V is spelled out.
const newest = registry.define({
  type: 'k',
  ttl: 1,
  fetch: async (_name: string, { signal }) => load(signal),
  isNewer: (next, held) => next.version > held.version,
  sizeOf: ({ version }) => version,
})
same<typeof newest, KeyedCache<string, Schema>>(true)
const token = registry.define({
  type: 'l',
  fetch: async (_tenant: string) => ({ secret: 's', until: 1 }),
  expiresAt: ({ until }) => new Date(until),
})
same<typeof token, KeyedCache<string, { secret: string; until: number }>>(true)

// Without a source every read brings one.
const perCall = registry.define<Schema>({ type: 'm', ttl: 1 })
same<typeof perCall, PerCallKeyedCache<string, Schema>>(true)
const perCallByRef = registry.define<Schema, Ref>({ type: 'n', ttl: 1, key: ({ table }) => table })
same<typeof perCallByRef, PerCallKeyedCache<Ref, Schema>>(true)
export const table: Promise<Schema> = perCallByRef.get(
  { database: 'sales', table: 'orders' },
  { fetch: ({ table }, { signal }) => (table ? load(signal) : { version: 0 }), maxWait: '1s' },
)

// An option that is not given may be undefined.
export const either: Promise<Schema> = byFetch.get('orders', { fetch: undefined, maxWait: undefined })
registry.define({ type: 'z', ttl: 1, key: undefined, version: undefined, fetch: (name: string) => name })

// What the calls give.
const entry = byFetch.entry('orders')
same<typeof entry, CacheEntry<Schema>>(true)
export const observed: Observed<Schema> = entry
export const wide: Observed<{ version: number }> = byKey.entry({ database: 'sales', table: 'orders' })
export const stream$: Observable<Schema> = values$(entry)
export const asEither = (one: boolean): Observed<number> =>
  one ? new BackgroundCache({ ttl: 1, fetch: () => 1 }) : unasked.entry('a')
const weak = byFetch.weak()
same<typeof weak, WeakKeyedCache<string, Schema>>(true)

export async function answers(): Promise<readonly unknown[]> {
  const reading: Reading<Schema> = await byFetch.read('orders')
  const found: Schema | undefined = await byFetch.find('orders')
  const dropped: boolean = await byFetch.invalidate('orders', { ifValue: reading.value })
  const many: number | undefined = await pairs.invalidatePrefix('sales')
  const set: boolean = await weak.set('orders', { version: 1 })
  const keys: (readonly string[])[] = [...pairs.keys()]
  const release: () => void = entry.keepFresh()
  return [found, dropped, many, set, keys, release, byFetch.size.toFixed()]
}
