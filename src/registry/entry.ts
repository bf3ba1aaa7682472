/** One key held as an object: what it shows is the key's, and everybody who holds it holds the same. */

import { iterateValues } from '../cache/follow-values.ts'
import { inspectLive } from '../cache/live-value.ts'
import type { KeepFreshOptions, ReadOptions, SeedOptions, SetOptions } from '../cache/observed.ts'
import type { CacheEvent } from '../events/cache-event.ts'
import type { Reading } from '../fetch/fetch.ts'
import { listenerRule } from '../policy/options.ts'
import type { Inspection, Snapshot } from '../state/snapshot.ts'
import type { Duration } from '../time/duration.ts'
import { type KeyId, partsOf } from './key.ts'
import type { CacheEntry } from './keyed.ts'
import type { KeyedView } from './keyed-view.ts'
import type { Holder, Resident } from './resident.ts'
import type { Shelf } from './shelf.ts'

class EntryOfKey<K, V> implements CacheEntry<V> {
  static readonly name = 'CacheEntry'
  readonly key: readonly string[]
  readonly #id: KeyId
  readonly #given: K
  readonly #view: KeyedView<K, V>
  readonly #shelf: Shelf<K, V>
  readonly #holder: Holder<V>

  constructor(shelf: Shelf<K, V>, view: KeyedView<K, V>, id: KeyId, given: K) {
    this.#shelf = shelf
    this.#view = view
    this.#id = id
    this.#given = given
    this.key = partsOf(id)
    this.#holder = { entry: this }
    shelf.hold(id, this.#holder)
    // Adapters ask `keepFresh?.()`: a type that cannot fetch by itself has none.
    if (!shelf.kind.fetch && !shelf.kind.fetchMany) Object.defineProperty(this, 'keepFresh', { value: undefined })
  }

  get(options?: ReadOptions): Promise<V> {
    return this.#view.get(this.#given, options)
  }

  read(options?: ReadOptions): Promise<Reading<V>> {
    return this.#view.read(this.#given, options)
  }

  refresh(options?: { readonly ifOlderThan?: Duration | undefined }): Promise<V> {
    return this.#view.refresh(this.#given, options)
  }

  tryGet(): V | undefined {
    return this.#view.tryGet(this.#given)
  }

  peek(): V | undefined {
    return this.#view.peek(this.#given)
  }

  set(value: V, options?: SetOptions): Promise<void> {
    return this.#view.set(this.#given, value, options)
  }

  seed(value: V, options?: SeedOptions): boolean {
    return this.#view.seed(this.#given, value, options)
  }

  invalidate(condition?: { readonly ifValue: V }): Promise<boolean> {
    return this.#view.invalidate(this.#given, condition)
  }

  expire(): Promise<void> {
    return this.#view.expire(this.#given)
  }

  keepFresh(options?: KeepFreshOptions): () => void {
    return this.#pinned(({ keeper }) => keeper.hold(options))
  }

  readonly subscribe = (listener: (snapshot: Snapshot<V>) => void): (() => void) => {
    listenerRule('the listener of subscribe()', listener)
    return this.#pinned(({ cell }) => cell.observers.watch(listener))
  }

  readonly getSnapshot = (): Snapshot<V> => this.#resident().cell.observers.snapshot()

  on(listener: (event: CacheEvent) => void): () => void {
    listenerRule('the listener of on()', listener)
    return this.#pinned(({ cell }) => cell.observers.listen(listener))
  }

  values(): AsyncIterableIterator<V> {
    return iterateValues(this)
  }

  inspect(): Inspection {
    return inspectLive(this.#resident())
  }

  #resident(): Resident<V> {
    return this.#shelf.residentOf(this.#id, this.#given, this.#holder)
  }

  /** What begins here holds the key up until it is ended. */
  #pinned(begin: (resident: Resident<V>) => () => void): () => void {
    const shelf = this.#shelf
    return shelf.with(this.#id, this.#given, (resident) => {
      const end = begin(resident)
      let pinned = true
      resident.pins++
      return () => {
        end()
        if (pinned) shelf.unpin(resident)
        pinned = false
      }
    })
  }
}

/** The entry of a key: the same object for as long as anybody holds it. */
export function holdEntry<K, V>(shelf: Shelf<K, V>, view: KeyedView<K, V>, id: KeyId, key: K): CacheEntry<V> {
  return shelf.holderOf(id)?.entry ?? new EntryOfKey(shelf, view, id, key)
}
