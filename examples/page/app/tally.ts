/** What the readers of one way got, in counts. */

import type { Read } from 'evercurrent/devtools'

/** From a microsecond on, each bucket is 7 % wider than the one before. */
const step = 1.07

export class Tally {
  reads = 0
  errors = 0
  waited = 0
  stale = 0
  fetches = 0
  readonly #buckets: number[] = []

  count({ served, tookMs }: Read): void {
    this.reads += 1
    if (served === 'failed') this.errors += 1
    if (served === 'waited') this.waited += 1
    if (served === 'stale') this.stale += 1
    const bucket = Math.max(0, Math.round(Math.log(Math.max(tookMs, 0.001) * 1000) / Math.log(step)))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  /** Milliseconds, or `undefined` before the first read. */
  percentile(share: number): number | undefined {
    let left = this.reads * share
    for (const [bucket, count = 0] of this.#buckets.entries()) {
      left -= count
      if (count > 0 && left <= 0) return step ** bucket / 1000
    }
    return undefined
  }
}
