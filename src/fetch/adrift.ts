/** The fetches that lost the slot, and fly on only for those who wait for them. */

import type { DiscardReason } from '../events/cache-event.ts'
import type { Flight } from './flight.ts'

export class Adrift<V> {
  readonly #flights = new Set<Flight<V>>()

  all(): Flight<V>[] {
    return [...this.#flights]
  }

  add(flight: Flight<V>, because: DiscardReason): void {
    flight.lostTo = because
    this.#flights.add(flight)
  }

  delete(flight: Flight<V>): void {
    this.#flights.delete(flight)
  }

  /** Superseded and nobody left who waits for it: the fetch may stop. */
  abandonIfUseless(flight: Flight<V>): void {
    if (flight.lostTo === undefined || flight.over || flight.waiting > 0) return
    this.#flights.delete(flight)
    flight.abort()
  }
}
