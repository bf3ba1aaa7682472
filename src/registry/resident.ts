/** A key that something happens to, or that somebody holds: more than a row. */

import type { LiveValue } from '../cache/live-value.ts'
import type { Entry } from '../policy/lifetime.ts'
import type { KeyId } from './key.ts'
import type { CacheEntry } from './keyed.ts'

/** A key that is fetched or observed: a whole live value, for as long as that lasts. */
export interface Resident<V> extends LiveValue<V> {
  readonly id: KeyId
  /** observers, holds of `keepFresh()`, and the call that is being carried out */
  pins: number
  written?: Entry<V> | undefined
}

/** Whoever holds a key by `entry()`, with what it looks at while nothing happens to the key. */
export interface Holder<V> {
  readonly entry: CacheEntry<V>
  resident?: Resident<V> | undefined
}
