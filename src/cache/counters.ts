/** What is counted: reads by how they were answered, fetches by how they ended. */

import type { Fact } from '../events/cache-event.ts'

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

export class Counters {
  hits = 0
  misses = 0
  staleServed = 0
  #fetches = 0
  #fetchFailures = 0
  #discarded = 0
  #writes = 0

  count(facts: readonly Fact[]): void {
    for (const { kind } of facts) {
      if (kind === 'fetch-started') this.#fetches++
      else if (kind === 'fetch-failed') this.#fetchFailures++
      else if (kind === 'fetch-discarded') this.#discarded++
      else if (kind === 'value-set' || kind === 'value-seeded') this.#writes++
    }
  }

  stats(): Omit<CacheStats, 'entries' | 'bytes'> {
    const { hits, misses, staleServed } = this
    const reads = Math.max(1, hits + misses)
    return {
      hits,
      backendHits: 0,
      misses,
      staleServed,
      fetches: this.#fetches,
      fetchFailures: this.#fetchFailures,
      discarded: this.#discarded,
      writes: this.#writes,
      writeFailures: 0,
      evictions: 0,
      hitRatio: hits / reads,
      missRatio: misses / reads,
    }
  }
}
