/** Everybody who waits for the same outcome, on one shared promise. */

import { Deferred } from './deferred.ts'
import type { Reading } from './fetch.ts'

/** What somebody who waited gets. */
export type Outcome<V> = { readonly reading: Reading<V> } | { readonly error: unknown }

export class WaitingRoom<V> {
  waiting = 0
  readonly #deferred = new Deferred<V>()
  #reading: Reading<V> | undefined
  #closed = false

  get closed(): boolean {
    return this.#closed
  }

  enter(): Promise<V> {
    this.waiting++
    return this.#deferred.promise
  }

  /** The value with where it came from, for those who ask: one more hop, which plain readers do not pay. */
  readingOf(entered: Promise<V>): Promise<Reading<V>> {
    return entered.then(() => this.#reading as Reading<V>)
  }

  leave(): void {
    if (!this.#closed) this.waiting--
  }

  answer(outcome: Outcome<V>): void {
    if (this.#closed) return
    this.#closed = true
    this.waiting = 0
    if ('error' in outcome) return this.#deferred.reject(outcome.error)
    this.#reading = outcome.reading
    this.#deferred.resolve(outcome.reading.value)
  }
}
