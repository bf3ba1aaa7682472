/** What is measured: a registry or a cache of one value, asked for its counts and ages in one way. */

import type { Observed } from '../cache/observed.ts'
import type { CacheStats } from '../cache/stats.ts'
import type { CacheRegistry } from '../registry/cache-registry.ts'
import type { Inspection } from '../state/snapshot.ts'

export type Source = CacheRegistry | Observed<unknown>

/** An entry of a registry has none, and a cache of one value has no `entries`. */
export const statsOf = (source: Source): Partial<CacheStats> => source.stats?.() ?? {}

export type Reads = Readonly<Record<'hit' | 'backend_hit' | 'miss', number>>

export function readsOf(source: Source): Reads | undefined {
  const { hits, backendHits = 0, misses } = statsOf(source)
  return hits === undefined || misses === undefined ? undefined : { hit: hits, backend_hit: backendHits, miss: misses }
}

export type Inspected = Inspection & { readonly type?: string }

export function inspectionsOf(source: Source): Iterable<Inspected> {
  const inspected = source.inspect()
  return Symbol.iterator in inspected ? inspected : [inspected]
}
