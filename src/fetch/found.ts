/** What stands between a flight and its fetch: a tier may hold the value already. */

import type { Entry } from '../policy/lifetime.ts'
import type { NotModified } from './fetch.ts'
import type { Flight } from './flight.ts'

/** A usable value that a tier held: the source was not asked. */
export class Found<V> {
  readonly entry: Entry<V>

  constructor(entry: Entry<V>) {
    this.entry = entry
  }
}

/** Brings a value for the flight. `ask` calls the fetch function, which nothing else does. */
export type Load<V> = (flight: Flight<V>, ask: () => Promise<V | NotModified>) => Promise<V | NotModified | Found<V>>
