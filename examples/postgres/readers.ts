/** The traffic: readers that ask for table descriptions all the time, and the count of what they got. */

import { setTimeout as pause } from 'node:timers/promises'
import { type BackgroundCache, type CacheEvent, FetchTimeoutError } from 'evercurrent'
import type { TableDescription } from './describe-table.ts'

type TableCache = BackgroundCache<TableDescription>

/** What happened between two moments. */
export class Tally {
  readonly latencies: number[] = []
  waited = 0
  stale = 0
  errors = 0
  oldest = 0
  calls = 0
  failedCalls = 0
  timedOutCalls = 0

  get reads(): number {
    return this.latencies.length
  }

  /** The latency that this share of the reads did not exceed. */
  percentile(share: number): number {
    const sorted = this.latencies.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  }
}

interface Watch {
  readonly table: string
  readonly column: string
  readonly seen: () => void
}

export class Readers {
  readonly #caches: readonly TableCache[]
  readonly #onError: (error: unknown) => void
  readonly #tallies = new Set<Tally>()
  readonly #watches = new Set<Watch>()
  #stopped = false

  constructor(caches: readonly TableCache[], onError: (error: unknown) => void) {
    this.#caches = caches
    this.#onError = onError
    for (const cache of caches) cache.on((event) => this.#countCall(event))
  }

  /** A tally of everything from now until it is closed. */
  open(): Tally {
    const tally = new Tally()
    this.#tallies.add(tally)
    return tally
  }

  close(tally: Tally): Tally {
    this.#tallies.delete(tally)
    return tally
  }

  /** Each reads one table after the other, with a pause between; they do not march in step. */
  start(readers: number, every: number): void {
    for (let reader = 0; reader < readers; reader += 1) {
      setTimeout(() => this.#readOn(reader, every), (reader / readers) * every)
    }
  }

  stop(): void {
    this.#stopped = true
  }

  /** When a reader is first given this column; undefined if nobody is for so long. */
  async see(table: string, column: string, patience: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const end = (at: number | undefined) => {
        clearTimeout(timer)
        this.#watches.delete(watch)
        resolve(at)
      }
      const watch = { table, column, seen: () => end(performance.now()) }
      const timer = setTimeout(end, patience, undefined)
      this.#watches.add(watch)
    })
  }

  async #readOn(reader: number, every: number): Promise<void> {
    for (let turn = reader; !this.#stopped; turn += 1) {
      const cache = this.#caches[turn % this.#caches.length]
      if (cache) await this.#read(cache)
      await pause(every)
    }
  }

  async #read(cache: TableCache): Promise<void> {
    // A read that need not wait is answered before the event loop turns.
    let waited = false
    const turn = setImmediate(() => {
      waited = true
    })
    const asked = performance.now()
    try {
      const description = await cache.get()
      const latency = performance.now() - asked
      this.#countRead(cache, latency, waited)
      this.#look(description)
    } catch (error) {
      if (this.#stopped) return
      for (const tally of this.#tallies) tally.errors += 1
      this.#onError(error)
    } finally {
      clearImmediate(turn)
    }
  }

  #countRead(cache: TableCache, latency: number, waited: boolean): void {
    const { fetchedAt, expiresAt } = cache.getSnapshot()
    const now = Date.now()
    for (const tally of this.#tallies) {
      tally.latencies.push(latency)
      if (waited) tally.waited += 1
      if (expiresAt !== undefined && expiresAt <= now) tally.stale += 1
      if (fetchedAt !== undefined) tally.oldest = Math.max(tally.oldest, now - fetchedAt)
    }
  }

  #countCall(event: CacheEvent): void {
    for (const tally of this.#tallies) {
      if (event.kind === 'fetch-started') tally.calls += 1
      if (event.kind === 'fetch-failed') tally.failedCalls += 1
      if (event.kind === 'fetch-failed' && event.error instanceof FetchTimeoutError) tally.timedOutCalls += 1
    }
  }

  #look({ table, columns }: TableDescription): void {
    for (const watch of this.#watches) {
      if (watch.table === table && columns.some(({ name }) => name === watch.column)) watch.seen()
    }
  }
}
