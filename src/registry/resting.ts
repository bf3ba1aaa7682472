/** The keys of one shelf at rest: a row each, and the trouble some of them have to remember. */

import type { Entry } from '../policy/lifetime.ts'
import { empty, type State, type Trouble } from '../state/state.ts'
import type { KeyId } from './key.ts'
import type { Row } from './rows.ts'
import type { Store } from './store.ts'

/** Trouble without a value matters for this long. It is looked for only when there is much of it. */
const longestMemory = 60_000
const leastSweep = 256

export class Resting<V> {
  /** Where a key's row is, with a minus sign when the row alone does not decide what a read gets. */
  readonly index = new Map<KeyId, Row>()
  /** the one that came last is last */
  readonly #troubles = new Map<KeyId, { readonly trouble: Trouble; readonly since: number }>()
  readonly #store: Store
  readonly #owner: number
  readonly #sizeOf: (value: V) => number
  #sweepAt = leastSweep

  constructor(store: Store, owner: number, sizeOf: (value: V) => number) {
    this.#store = store
    this.#owner = owner
    this.#sizeOf = sizeOf
  }

  state(id: KeyId): State<V> {
    const row = this.row(id)
    const trouble = this.#troubles.get(id)?.trouble
    return row ? { kind: 'current', entry: this.#store.rows.entryAt(row), trouble } : { ...empty, trouble }
  }

  /** Of every key that has a value or trouble. */
  ids(): KeyId[] {
    return [...this.index.keys(), ...[...this.#troubles.keys()].filter((id) => !this.index.has(id))]
  }

  /** Nothing is known here that would matter. */
  isBlank(): boolean {
    const now = this.#store.timeline.now()
    return !this.index.size && [...this.#troubles.values()].every(({ since }) => now >= since + longestMemory)
  }

  /** Gives its number back; there is nothing here. */
  leave(): void {
    this.#store.removeShelf(this.#owner)
  }

  /** Writes the row of a key, or drops it. Until it is put to rest nobody may read it by itself, or evict it. */
  write(id: KeyId, entry: Entry<V> | undefined): void {
    if (!entry) {
      this.drop(id)
      return
    }
    const { rows, sized } = this.#store
    const row = this.row(id) || rows.take(this.#owner, id)
    rows.write(row, entry, sized ? this.#sizeOf(entry.value) : 0)
    this.index.set(id, -row)
  }

  drop(id: KeyId): void {
    const row = this.row(id)
    if (row) this.#store.rows.drop(row)
    this.index.delete(id)
  }

  forget(id: KeyId): void {
    this.drop(id)
    this.#troubles.delete(id)
  }

  /** Makes room. What was told to expire is so in the tier as well, and that is not forgotten. */
  evict(id: KeyId, isStored: boolean): void {
    const told = isStored && this.#troubles.get(id)?.trouble.told
    this.forget(id)
    if (told) this.#remember(id, { told })
  }

  /** Somebody is about to work with the key. */
  wake(id: KeyId): void {
    this.#troubles.delete(id)
    const row = this.row(id)
    if (!row) return
    this.#store.rows.leave(row)
    this.index.set(id, -row)
  }

  /** Nobody works with the key any more: it is the one that was used last. */
  rest(id: KeyId, trouble: Trouble | undefined): void {
    this.#troubles.delete(id)
    if (trouble) this.#remember(id, trouble)
    const row = this.row(id)
    if (row) {
      this.index.set(id, trouble ? -row : row)
      this.#store.rows.rest(row)
    }
    this.#store.trim(row)
  }

  clear(): void {
    for (const id of this.ids()) this.forget(id)
  }

  row(id: KeyId): Row {
    return Math.abs(this.index.get(id) ?? 0)
  }

  #remember(id: KeyId, trouble: Trouble): void {
    const now = this.#store.timeline.now()
    this.#troubles.set(id, { trouble, since: now })
    if (this.#troubles.size < this.#sweepAt) return
    const alone = [...this.#troubles].filter(([each]) => !this.index.has(each))
    // A key that failed is one to remember, as one with a value is: whoever asks for keys at random fills no memory.
    const tooMany = alone.length - Math.max(leastSweep, this.#store.maxEntries)
    for (const [at, [old, { since }]] of alone.entries()) {
      if (at < tooMany || now >= since + longestMemory) this.#troubles.delete(old)
    }
    // Again once there is twice as much, so that every failure pays for a bounded share of it.
    this.#sweepAt = Math.max(leastSweep, 2 * this.#troubles.size)
  }
}
