/** What stands between a flight and its fetch: a tier may hold the value already. */

import type { Entry } from '../policy/lifetime.ts'
import type { NotModified } from './fetch.ts'
import type { Flight } from './flight.ts'
import type { Landing } from './verdict.ts'

/** A usable value that a tier held: the source was not asked. */
export class Found<V> {
  /** what it means for what is held */
  readonly verdict: (held: Entry<V> | undefined) => Landing<V>

  constructor(verdict: Found<V>['verdict']) {
    this.verdict = verdict
  }
}

/** Brings a value for the flight. `ask` calls the fetch function, which nothing else does. */
export type Load<V> = (flight: Flight<V>, ask: () => Promise<V | NotModified>) => Promise<V | NotModified | Found<V>>
