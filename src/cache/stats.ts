/** What is counted: reads by how they were answered, fetches by how they ended. */

import type { Fact } from '../events/cache-event.ts'

/** Reads by what answered them. */
export interface Tally {
  hits: number
  backendHits: number
  misses: number
}

export const newTally = (): Tally => ({ hits: 0, backendHits: 0, misses: 0 })

/** Counts since the cache was made. A read that joined a flight is a miss; `peek` and `tryGet` are not counted. */
export interface CacheStats {
  readonly hits: number
  readonly backendHits: number
  readonly misses: number
  readonly staleServed: number
  readonly fetches: number
  readonly fetchFailures: number
  readonly discarded: number
  readonly writes: number
  readonly writeFailures: number
  readonly evictions: number
  readonly entries: number
  readonly bytes: number | undefined
  /** hits of memory and backend, as a share of all reads; 0 before the first */
  readonly hitRatio: number
  readonly missRatio: number
}

export function statsOf(
  { hits, backendHits, misses }: Tally,
  counts: { readonly [K in Fact['kind']]?: number },
  writeFailures = 0,
): Omit<CacheStats, 'entries' | 'bytes'> {
  const of = (kind: Fact['kind']) => counts[kind] ?? 0
  const reads = hits + backendHits + misses || 1
  return {
    hits,
    backendHits,
    misses,
    staleServed: of('served-stale'),
    fetches: of('fetch-started'),
    fetchFailures: of('fetch-failed'),
    discarded: of('fetch-discarded'),
    writes: of('value-set') + of('value-seeded'),
    writeFailures,
    evictions: of('evicted'),
    hitRatio: (hits + backendHits) / reads,
    missRatio: misses / reads,
  }
}
