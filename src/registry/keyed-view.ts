/** The calls of one type in one namespace: a fresh row answers by itself, anything else goes through a resident. */

import type { ReadOptions } from '../cache/observed.ts'
import { waitRules } from '../cache/reader.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import { handled } from '../fetch/waiting-room.ts'
import { checkOptions, isA, refuse } from '../policy/options.ts'
import { planRead } from '../state/read-plan.ts'
import { holdEntry } from './entry.ts'
import { getMany } from './get-many.ts'
import { idOf, type KeyId, partsOf } from './key.ts'
import type { CacheEntry, KeyedFetch, WeakKeyedCache } from './keyed.ts'
import type { Row } from './rows.ts'
import type { Shelf } from './shelf.ts'
import type { Store } from './store.ts'
import { weakHandle } from './weak.ts'

const partRule = /* @__PURE__ */ isA('string')

/** Calls at once; what it throws is a rejection that may go unheard. */
const promised = <T>(call: () => T | Promise<T>): Promise<T> => handled(new Promise((resolve) => resolve(call())))

export class KeyedView<K, V> {
  static readonly name = 'KeyedCache'
  readonly #store: Store
  readonly #shelf: Shelf<K, V>
  readonly #within: (name: string) => KeyedView<K, V>
  /** what a read of a fresh row needs, at hand */
  readonly #rows
  readonly #index
  readonly #tally
  readonly #isBefore
  readonly #key
  readonly #hasSource: boolean

  constructor(store: Store, shelf: Shelf<K, V>, within: (name: string) => KeyedView<K, V>) {
    this.#store = store
    this.#shelf = shelf
    this.#within = within
    this.#rows = store.rows
    this.#index = shelf.resting.index
    this.#tally = shelf.kind.tally
    this.#isBefore = store.timeline.isBefore
    this.#key = shelf.kind.key
    this.#hasSource = !!(shelf.kind.fetch ?? shelf.kind.fetchMany)
  }

  get(key: K, options?: unknown): Promise<V> {
    const isBare = options === undefined && this.#hasSource
    // A key of one part is its own id, unless it looks like the id of another: no function is called for it.
    if (isBare && !this.#key && typeof key === 'string' && key.charCodeAt(0) !== 0) {
      return this.#quick(key) ?? this.#ask(key, options, false)
    }
    return this.#ask(key, options, isBare)
  }

  read(key: K, options?: unknown): Promise<Reading<V>> {
    return this.#promised(key, (id) =>
      this.#shelf.with(id, key, ({ reader }) => reader.read(this.#argument(key, options))),
    )
  }

  refresh(key: K, options?: unknown): Promise<V> {
    return this.#promised(key, (id) =>
      this.#shelf.with(id, key, ({ reader }) => reader.refresh(this.#argument(key, options))),
    )
  }

  getMany(keys: Iterable<K>, options?: unknown): Promise<Map<K, V>> {
    return handled(this.#getMany(keys, options))
  }

  async #getMany(keys: Iterable<K>, options?: unknown): Promise<Map<K, V>> {
    if (options !== undefined) checkOptions('getMany()', options, waitRules)
    if (typeof keys === 'string') refuse('the keys of getMany()', 'an array or another iterable, not one key', keys)
    const given: (readonly [KeyId, K])[] = []
    for (const key of keys) given.push([this.#idOf(key), key])
    const fresh = (id: KeyId) => this.#fresh(this.#index.get(id) as Row)
    return getMany(this.#store, this.#shelf, given, options as ReadOptions | undefined, fresh)
  }

  find(key: K): Promise<V | undefined> {
    return promised(() => {
      const id = this.#idOf(key)
      const value = this.#look(id, 'expiresAt')
      if (value === undefined) return this.#findStored(id, key)
      this.#tally.hits++
      if (!this.#shelf.isResident(id)) this.#rows.touch(this.#shelf.resting.row(id))
      return value
    })
  }

  async #findStored(id: KeyId, key: K): Promise<V | undefined> {
    const value = this.#shelf.stored && !this.#store.isDisposed ? await this.#shelf.stored.find(id, key) : undefined
    if (value === undefined) this.#tally.misses++
    else this.#tally.backendHits++
    return value
  }

  tryGet(key: K): V | undefined {
    return this.#look(this.#idOf(key), 'agingAt')
  }

  peek(key: K): V | undefined {
    return this.#look(this.#idOf(key), 'expiresAt')
  }

  set(key: K, value: V, options?: unknown): Promise<void> {
    return promised(() => {
      const id = this.#idOf(key)
      const shelf = this.#shelf
      if (!shelf.stored) return shelf.write(id, key, (writer) => writer.set(value, options))
      const entry = shelf.write(id, key, (writer) => writer.prepare(value, options))
      return shelf.stored.set(id, entry, () => shelf.write(id, key, (writer) => writer.accept(entry)))
    })
  }

  seed(key: K, value: V, options?: unknown): boolean {
    return this.#shelf.write(this.#idOf(key), key, (writer) => writer.seed(value, options))
  }

  invalidate(key: K, condition?: unknown): Promise<boolean> {
    return promised(() => {
      const id = this.#idOf(key)
      const { stored } = this.#shelf
      const held = this.#shelf.write(id, key, (writer) => writer.invalidate(condition))
      // A condition that does not hold here says nothing about what is there.
      if (!stored || this.#store.isDisposed || (condition !== undefined && !held)) return held
      return stored.drop(id, condition !== undefined).then((existed) => held || existed)
    })
  }

  expire(key: K): Promise<void> {
    return promised(() => this.#shelf.write(this.#idOf(key), key, (writer) => writer.expire()))
  }

  invalidatePrefix(...parts: readonly string[]): Promise<number | undefined> {
    return promised(() => {
      for (const part of parts) partRule('a part of invalidatePrefix()', part)
      const here = this.#shelf.invalidatePrefix(parts)
      const { stored } = this.#shelf
      if (!stored || this.#store.isDisposed) return here
      // What is in both counts once.
      return stored.dropPrefix(parts).then((there) => (there === undefined ? there : Math.max(here, there)))
    })
  }

  async clear(): Promise<void> {
    await this.invalidatePrefix()
  }

  entry(key: K): CacheEntry<V> {
    return holdEntry(this.#shelf, this, this.#idOf(key), key)
  }

  namespace(name: string): KeyedView<K, V> {
    return this.#within(name)
  }

  weak(): WeakKeyedCache<K, V> {
    return weakHandle(this, this.#shelf.kind, this.#store)
  }

  *keys(): IterableIterator<readonly string[]> {
    // A list of now: one that is dropped and fetched again on the way would come again, and again.
    for (const id of [...this.#index.keys()]) if (this.#index.has(id)) yield partsOf(id)
  }

  get size(): number {
    return this.#index.size
  }

  #idOf(key: K): KeyId {
    return idOf(this.#key ? this.#key(key) : key)
  }

  /** Whatever `call` throws, a wrong key included, is what the promise rejects with. */
  #promised<T>(key: K, call: (id: KeyId) => Promise<T>): Promise<T> {
    try {
      return call(this.#idOf(key))
    } catch (error) {
      return handled(Promise.reject(error))
    }
  }

  /** Most reads: nothing starts, and nobody has to be told. */
  #quick(id: KeyId): Promise<V> | undefined {
    const row = this.#index.get(id)
    if (row !== undefined && row > 0) return this.#fresh(row)
    return this.#shelf.board(id) ?? (row === undefined ? undefined : this.#planned(id, -row))
  }

  /** Not in `get()`: a closure there would cost each of its calls. */
  #ask(key: K, options: unknown, mayBeQuick: boolean): Promise<V> {
    return this.#promised(key, (id) => {
      const quick = mayBeQuick && this.#quick(id)
      return quick || this.#shelf.with(id, key, ({ reader }) => reader.get(this.#argument(key, options)))
    })
  }

  /** The value of a row that decides by itself, while it is fresh. */
  #fresh(row: Row): Promise<V> | undefined {
    const rows = this.#rows
    if (!(row > 0)) return undefined
    // Before the clock is read, which waits for memory: so all that is needed from there is fetched at once.
    const promise = rows.promises[row]
    const value = promise ?? rows.values[row]
    if (!this.#isBefore(rows.agingAt(row))) return undefined
    this.#tally.hits++
    rows.touch(row)
    return (promise ?? rows.promiseOf(row, value)) as Promise<V>
  }

  /** A fetch that is given gets the key as well. */
  #argument(key: K, options: unknown): unknown {
    const given = (options as { fetch?: unknown } | undefined)?.fetch
    if (typeof options === 'function') return { options }
    if (typeof given !== 'function') return options
    const fetch: Fetch<V> = (context, previous) => (given as KeyedFetch<K, V>)(key, context, previous)
    return { ...(options as object), fetch }
  }

  /** Most reads during an outage: decided without a resident, unless there is something to do. */
  #planned(id: KeyId, row: Row): Promise<V> | undefined {
    if (this.#shelf.isResident(id)) return undefined
    const plan = planRead(this.#shelf.resting.state(id), this.#shelf.kind.policy, this.#store.timeline.now())
    if (plan.step !== 'serve' || plan.stale) return undefined
    this.#tally.hits++
    this.#rows.touch(row)
    return Promise.resolve(plan.entry.value)
  }

  /** What is held at the key, if it is usable, for a call that never fetches. */
  #look(id: KeyId, until: 'agingAt' | 'expiresAt'): V | undefined {
    const row = this.#index.get(id)
    if (row === undefined) return undefined
    if (row > 0) return this.#isBefore(this.#rows[until](row)) ? (this.#rows.values[row] as V) : undefined
    const now = this.#store.timeline.now()
    const { entry, trouble } = this.#shelf.stateOf(id)
    return entry && !trouble?.told && now < entry[until] ? entry.value : undefined
  }
}
