/** Many types of values, by key, within one budget: what is defined, where it is found, and what all of it shares. */

import type { Definite } from '../cache/background-cache.ts'
import { newTally, statsOf, type Tally } from '../cache/stats.ts'
import { join } from '../events/bulletin.ts'
import type { CacheEvent } from '../events/cache-event.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { checkOptions, listenerRule } from '../policy/options.ts'
import type { Lifetime } from '../policy/policy.ts'
import type { Inspection } from '../state/snapshot.ts'
import { namespacePrefix } from '../tier/full-key.ts'
import { type Core, leastSweep, openCore, type Place } from './core.ts'
import { idOf, type KeyParts } from './key.ts'
import type { FetchMany, KeyedCache, KeyedFetch, KeyName, PerCallKeyedCache, RegistryStats } from './keyed.ts'
import { KeyedView } from './keyed-view.ts'
import { type Kind, resolveKind } from './kind.ts'
import { namespacePath, type RegistryOptions, registryRules, type TypeOptions } from './options.ts'
import { Shelf } from './shelf.ts'

class Registry {
  static readonly name = 'CacheRegistry'
  readonly #core: Core
  readonly #path: readonly string[]
  readonly #isRoot: boolean

  constructor(options: RegistryOptions = {}, within?: readonly [Core, readonly string[]]) {
    const checked = checkOptions('new CacheRegistry()', options, registryRules)
    this.#isRoot = !within
    ;[this.#core, this.#path] = within ?? [openCore(checked), checked.namespace ?? []]
  }

  define<K, V>(options: TypeOptions<V>) {
    const { store, kinds } = this.#core
    const kind = resolveKind<K, V>(options, store.waitUntil, store.newsroom)
    const known = kinds.get(kind.type)
    if (known && !areAlike(known.options, options)) {
      throw new TypeError(`Cannot define type '${kind.type}' again with other options: use what define() returned`)
    }
    if (!known) kinds.set(kind.type, { kind: kind as never, options })
    return this.#view((known?.kind ?? kind) as Kind<K, V>, this.#path)
  }

  namespace(name: string) {
    return new Registry({}, [this.#core, [...this.#path, ...namespacePath('namespace()', name)]])
  }

  on(listener: (event: CacheEvent) => void): () => void {
    listenerRule('the listener of on()', listener)
    const { isDisposed, newsroom } = this.#core.store
    return isDisposed ? () => {} : join(newsroom.listeners, listener)
  }

  stats(): RegistryStats {
    const { newsroom, rows, sized, tier } = this.#core.store
    const all = newTally()
    const types: Record<string, Tally> = {}
    for (const [type, { kind }] of this.#core.kinds) {
      types[type] = { ...kind.tally }
      for (const answer of ['hits', 'backendHits', 'misses'] as const) all[answer] += kind.tally[answer]
    }
    return {
      ...statsOf(all, newsroom.counts, tier?.writeFailures),
      types,
      entries: rows.count,
      bytes: sized ? rows.bytes : undefined,
    }
  }

  *inspect(): IterableIterator<Inspection & KeyName> {
    for (const shelf of this.#shelves()) yield* shelf.inspect()
  }

  async clear(): Promise<void> {
    const { newsroom, tier, isDisposed } = this.#core.store
    const prefix = namespacePrefix(this.#path)
    newsroom.during(() => {
      for (const shelf of this.#shelves()) {
        shelf.invalidatePrefix([])
        shelf.stored?.forgetPrefix(prefix)
      }
    })
    const told = isDisposed ? undefined : tier?.dropPrefix(prefix)
    told?.catch(() => {})
    // The counters are everybody's: whoever clears a part of the registry leaves them.
    if (this.#isRoot) {
      for (const { kind } of this.#core.kinds.values()) Object.assign(kind.tally, newTally())
      if (tier) tier.writeFailures = 0
      for (const kind of Object.keys(newsroom.counts)) delete newsroom.counts[kind as keyof typeof newsroom.counts]
    }
    await told
  }

  async flush(): Promise<void> {
    await this.#core.store.tier?.flush()
  }

  get disposed(): boolean {
    return this.#core.store.isDisposed
  }

  async dispose(): Promise<void> {
    const { store, places } = this.#core
    if (store.isDisposed) return
    store.isDisposed = true
    store.newsroom.during(() => {
      for (const { shelf } of places.values()) shelf.dispose()
      store.newsroom.tell({ kind: 'disposed' })
      store.newsroom.afterwards(() => store.newsroom.listeners.clear())
    })
    await store.tier?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #view<K, V>(kind: Kind<K, V>, path: readonly string[]): KeyedView<K, V> {
    const { store, places } = this.#core
    const id = idOf([...path, kind.type])
    const known = places.get(id) as Place<K, V> | undefined
    const held = known?.view.deref()
    if (held) return held
    const shelf = known?.shelf ?? new Shelf(kind, path, store)
    const within = (name: string) => this.#view(kind, [...path, ...namespacePath('namespace()', name)])
    const view = new KeyedView(store, shelf, within)
    if (!known) this.#sweep()
    places.set(id, { shelf, view: new WeakRef(view) } as never)
    return view
  }

  /** A registry may be asked for the namespace of every session there is: those that nobody uses any more take nothing. */
  #sweep(): void {
    const { places, sweepAt } = this.#core
    if (places.size < sweepAt) return
    for (const [id, { shelf, view }] of places) {
      if (view.deref() || !shelf.isBlank()) continue
      places.delete(id)
      shelf.resting.leave()
    }
    // Again once there are twice as many, so that each of them pays for a bounded share of it.
    this.#core.sweepAt = Math.max(leastSweep, 2 * places.size)
  }

  /** Those in this namespace and below. */
  *#shelves() {
    for (const { shelf } of this.#core.places.values()) {
      if (this.#path.every((part, at) => shelf.namespace[at] === part)) yield shelf
    }
  }
}

function areAlike(a: object, b: object): boolean {
  const [one, other] = [Object.entries(a), new Map(Object.entries(b))]
  return one.length === other.size && one.every(([name, value]) => Object.is(value, other.get(name)))
}

/** Keys that are strings already need no `key()`. Others say by it, in one or more strings, what identifies them. */
type KeyOf<K> = [K] extends [KeyParts]
  ? { readonly key?: ((key: K) => KeyParts) | undefined }
  : { readonly key: (key: K) => KeyParts }

type Source<K, V> =
  | { readonly fetch: KeyedFetch<K, V>; readonly fetchMany?: FetchMany<K, V> | undefined }
  | { readonly fetch?: undefined; readonly fetchMany: FetchMany<K, V> }

type Defined<K, V> = TypeOptions<V> & KeyOf<K> & Lifetime<V>

export interface CacheRegistry extends AsyncDisposable {
  /**
   * Adds a type of values. The same type again with the same options (the same functions too) gives the same values; with
   * others it throws a `TypeError`. Without `fetch` and `fetchMany` every read brings a fetch of its own.
   *
   * Throws `TypeError` or `RangeError` naming the option when one is missing, unknown or nonsense.
   *
   * @example
   * ```ts
   * const columns = registry.define({
   *   type: 'columns',
   *   ttl: '30s',
   *   key: ({ database, table }: { database: string; table: string }) => [database, table],
   *   fetch: ({ table }, { signal }) => describe(table, signal),
   * })
   * await columns.get({ database: 'sales', table: 'orders' }) // ['id', 'placed_at']
   * await columns.invalidatePrefix('sales') // 1
   * ```
   */
  define<V, K = string>(
    options: Defined<K, V> & { readonly schema: StandardSchema<V> } & Source<K, unknown> & Definite<V>,
  ): KeyedCache<K, V>
  define<V, K = string>(
    options: Defined<K, V> & { readonly schema?: undefined } & Source<K, V> & Definite<V>,
  ): KeyedCache<K, V>
  define<V, K = string>(
    options: Defined<K, V> & {
      readonly schema?: StandardSchema<V> | undefined
      readonly fetch?: undefined
      readonly fetchMany?: undefined
    } & Definite<V>,
  ): PerCallKeyedCache<K, V>
  /**
   * A view of this registry whose keys all begin with the name: same budget, same counters, same listeners.
   *
   * @example
   * ```ts
   * await schemas.namespace('acme').set('orders', ['id'])
   * await registry.namespace('acme').clear()
   * schemas.namespace('acme').peek('orders') // undefined
   * ```
   */
  namespace(name: string): CacheRegistry
  /** Calls the listener with every event of every key. Returns what ends it. */
  on(listener: (event: CacheEvent) => void): () => void
  /** Counts of all types and namespaces, since the registry was made or cleared. `bytes` is known under `maxBytes`. */
  stats(): RegistryStats
  /** Every key of this namespace and below that is known, without its value. */
  inspect(): Iterable<Inspection & KeyName>
  /** Invalidates every key of this namespace and below; at the root it also resets the counters. */
  clear(): Promise<void>
  /** Resolves once every write so far has reached the backend or failed, at the latest after `writeDeadline`. */
  flush(): Promise<void>
  /** Whether `dispose()` was called. */
  readonly disposed: boolean
  /**
   * Aborts fetches, rejects who waits with `CacheDisposedError`, stops timers and ends observers. On a namespace: all of
   * the registry.
   */
  dispose(): Promise<void>
}

/**
 * Keeps many values current, by type and key, in bounded memory.
 *
 * Throws `TypeError` or `RangeError` naming the option when one is unknown or nonsense.
 *
 * @example
 * ```ts
 * const tables = new CacheRegistry({ maxEntries: 10_000 })
 * const schemas = tables.define({ type: 'schema', ttl: '30s', fetch: (table: string, { signal }) => describe(table, signal) })
 * await schemas.get('orders') // ['id', 'placed_at']
 * tables.stats().fetches // 1
 * ```
 */
export const CacheRegistry = Registry as unknown as new (options?: RegistryOptions) => CacheRegistry
