/** Several keys read at once: one batch for all that have to be fetched, and one answer for all. */

import type { ReadOptions } from '../cache/observed.ts'
import { BatchError } from '../errors.ts'
import { type Batch, companyWithin, openBatch } from './batch.ts'
import type { KeyId } from './key.ts'
import type { Shelf } from './shelf.ts'
import type { Store } from './store.ts'

/** `fresh` gives the value of a key that needs nothing done. Rejects with a `BatchError` if some could not be read. */
export async function getMany<K, V>(
  store: Store,
  shelf: Shelf<K, V>,
  given: readonly (readonly [KeyId, K])[],
  options: ReadOptions | undefined,
  fresh: (id: KeyId) => Promise<V> | undefined,
): Promise<Map<K, V>> {
  const wanted = new Map<KeyId, K>()
  for (const [id, key] of given) if (!wanted.has(id)) wanted.set(id, key)
  const batch = shelf.kind.fetchMany && openBatch(shelf.kind)
  const answers = store.newsroom.during(() => {
    const launched = new Map<KeyId, Promise<V>>()
    const asked = [...wanted].map(([id, key]) => {
      const held = options === undefined && fresh(id)
      if (held) return held
      const argument = batch ? { ...options, fetch: batch.fetchOf(id, key) } : options
      return shelf.with(id, key, ({ reader, cell }) => {
        const before = cell.state().flight
        const answer = reader.get(argument)
        const { flight } = cell.state()
        if (flight?.isLookingUp && flight !== before) launched.set(id, answer)
        return answer
      })
    })
    if (batch) sendOnceDecided(batch, launched, store)
    return asked
  })
  const values = new Map<K, V>()
  const errors = new Map<K, unknown>()
  const outcomes = await Promise.allSettled(answers)
  const ids = [...wanted.keys()]
  const byId = new Map(outcomes.map((outcome, at) => [ids[at], outcome]))
  // Every key as it was given: two objects may mean the same.
  for (const [id, key] of given) {
    const outcome = byId.get(id) as PromiseSettledResult<V>
    if (outcome.status === 'fulfilled') values.set(key, outcome.value)
    else if (!shelf.isGone(id, outcome.reason)) errors.set(key, outcome.reason)
  }
  // Who gave up gets the reason of its own signal, as from any other read.
  const { signal } = options ?? {}
  if (signal?.aborted && [...errors.values()].includes(signal.reason)) throw signal.reason
  if (errors.size) throw new BatchError(errors, values)
  return values
}

/** Those that a tier is asked for first board when it has none, or are answered; one that takes long is not waited for. */
function sendOnceDecided<K, V>(batch: Batch<K, V>, launched: ReadonlyMap<KeyId, Promise<V>>, store: Store): void {
  if (!launched.size) {
    batch.send()
    return
  }
  const undecided = new Set(launched.keys())
  const decided = (id: KeyId) => {
    if (undecided.delete(id) && !undecided.size) batch.send()
  }
  batch.boarded = (id) => {
    decided(id)
    if (undecided.size) store.soon(companyWithin, batch.send)
  }
  for (const [id, answer] of launched) {
    const settled = () => decided(id)
    answer.then(settled, settled)
  }
}
