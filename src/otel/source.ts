/** What is measured: a registry or a cache of one value, asked for its counts and ages in one way. */

import type { Observed } from '../cache/observed.ts'
import type { CacheRegistry } from '../registry/cache-registry.ts'
import type { RegistryStats } from '../registry/keyed.ts'
import type { Inspection } from '../state/snapshot.ts'

export type Source = CacheRegistry | Observed<unknown>

/** An entry of a registry has none, and a cache of one value has no `entries`. */
export const statsOf = (source: Source): Partial<RegistryStats> => source.stats?.() ?? {}

/** by type; a cache of one value has none */
export type Reads = ReadonlyMap<string | undefined, Readonly<Record<'hit' | 'backend_hit' | 'miss', number>>>

export function readsOf(source: Source): Reads {
  const { hits, backendHits = 0, misses = 0, types } = statsOf(source)
  const reads = hits === undefined ? [] : [[undefined, { hits, backendHits, misses }] as const]
  const all = types ? Object.entries(types) : reads
  return new Map(all.map(([type, of]) => [type, { hit: of.hits, backend_hit: of.backendHits, miss: of.misses }]))
}

export type Inspected = Inspection & { readonly type?: string }

export function inspectionsOf(source: Source): Iterable<Inspected> {
  const inspected = source.inspect()
  return Symbol.iterator in inspected ? inspected : [inspected]
}
