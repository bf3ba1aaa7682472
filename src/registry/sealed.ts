/** An entry as the bytes that a tier keeps, and back: any doubt about them makes a miss. */

import type { Stored } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import { openEnvelope, sealEnvelope } from '../codec/envelope.ts'
import { BackendError } from '../errors.ts'
import type { StoredDefect } from '../events/cache-event.ts'
import { freezeDeep } from '../policy/freeze.ts'
import { type Entry, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import type { Kind } from './kind.ts'
import type { Store } from './store.ts'

export class Sealed<V> {
  readonly #kind: Pick<Kind<never, V>, 'type' | 'version' | 'policy'>
  readonly #codec: Codec<V>
  readonly #store: Store

  constructor(kind: Pick<Kind<never, V>, 'type' | 'version' | 'policy'>, codec: Codec<V>, store: Store) {
    this.#kind = kind
    this.#codec = codec
    this.#store = store
  }

  /** Rejects with a `BackendError` whose cause is what the codec threw. */
  async seal(key: string, { value, fetchedAt, expiresAt }: Entry<V>): Promise<Omit<Stored, 'generation'>> {
    const { toEpoch } = this.#store.timeline
    const { policy, version, type } = this.#kind
    const times = {
      fetchedAt: toEpoch(fetchedAt),
      expiresAt: toEpoch(expiresAt),
      keepUntil: toEpoch(expiresAt + policy.staleIfError),
    }
    try {
      const body = await this.#codec.encode(value, { key })
      return { ...times, bytes: sealEnvelope({ key, version, ...times, body }) }
    } catch (cause) {
      const message = `Cannot encode a value of type '${type}': see cause`
      throw new BackendError(message, { operation: 'encode', reason: 'failed', cause })
    }
  }

  /** The entry, unless it may not even serve as stale any more. A defect is told. */
  async open(
    key: string,
    { bytes }: Stored,
    reject: (because: StoredDefect) => unknown,
  ): Promise<Entry<V> | undefined> {
    const { timeline, draw } = this.#store
    const { policy, version } = this.#kind
    const now = timeline.checkedNow()
    const opened = openEnvelope(bytes, { key, version, now: timeline.toEpoch(now) })
    if ('because' in opened) {
      reject(opened.because)
      return undefined
    }
    try {
      const { body, fetchedAt, expiresAt } = opened.envelope
      const value = await this.#codec.decode(body, { key })
      if (value === undefined) throw new TypeError('undefined is not a value')
      const since = Math.floor(Math.min(now, timeline.fromEpoch(fetchedAt)))
      const ownExpiry = ownExpiryOf(policy, timeline, value, since, expiresAt)
      if (policy.freeze) freezeDeep(value)
      const entry = makeEntry(policy, value, { fetchedAt: since, arrivedAt: now, ownExpiry, draw })
      return now < entry.expiresAt + policy.staleIfError ? entry : undefined
    } catch {
      reject('schema')
      return undefined
    }
  }
}
