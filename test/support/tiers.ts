/** A store and the processes that use it: registries on one clock, each with its own view of the store. */

import {
  type CacheBackend,
  type CacheEvent,
  CacheRegistry,
  type Codec,
  type Coordinator,
  type FetchContext,
  type Held,
  type KeyedCache,
  type NotModified,
  type PolicyOptions,
  type RegistryOptions,
} from 'evercurrent'
import { type MemoryBackendOptions, memoryBackend } from 'evercurrent/backend/memory'
import { type ManualClock, manualClock } from 'evercurrent/testing'
import { type BatchCall, EPOCH, type KeyedCall, ttl } from './keyed.ts'
import { type ProbedBackend, probedBackend, settle } from './probed-backend.ts'
import { type Settlement, settlement } from './settlement.ts'

export { EPOCH, outcome, ttl } from './keyed.ts'
export { settle } from './probed-backend.ts'

/** How long a reader waits for the store, how long a write may take: the defaults. */
export const backendDeadline = 200
export const writeDeadline = 5000

export function textCodec<V>(): Codec<V> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as V,
  }
}

export interface ProcessOptions<V> extends PolicyOptions<V> {
  readonly type?: string
  readonly version?: number
  readonly key?: (key: string) => string | readonly string[]
  readonly sizeOf?: (value: V) => number
  readonly codec?: Codec<V> | undefined
  readonly schema?: unknown
  readonly source?: 'one' | 'many' | 'both'
}

/** One process of a fleet: a registry with one type, and what it was asked and told. */
export interface Process<V> {
  readonly registry: CacheRegistry
  /** the store as this process sees it: what is broken here is whole for the others */
  readonly tier: ProbedBackend
  readonly cache: KeyedCache<string, V>
  readonly calls: KeyedCall<V>[]
  readonly batches: BatchCall<V>[]
  readonly events: CacheEvent[]
  call(key?: string): KeyedCall<V>
  batch(): BatchCall<V>
  kinds(): string[]
  /** reads the key, which the store must not have, and lets its fetch bring the value */
  load(key: string, value: V): Promise<void>
  /** starts a read and lets it go as far as it can without time and without the source */
  read(
    key: string,
  ): Promise<Settlement<{ value: V; from: string; stale: boolean; fetchedAt: number; expiresAt: number }>>
  get(key: string): Promise<Settlement<V>>
}

/** Options of the registry, and what the process's view of the store has. */
export interface Household extends RegistryOptions {
  readonly withMany?: boolean
  readonly coordinator?: Coordinator
}

export interface Fleet {
  readonly clock: ManualClock
  /** the store itself */
  readonly store: CacheBackend
  /** every record is lost, and with them every generation */
  wipe(): void
  start<V = string>(options?: ProcessOptions<V>, household?: Household): Process<V>
}

function deferred<T>() {
  let how!: { resolve: (value: T) => void; reject: (error: unknown) => void }
  const promise = new Promise<T>((resolve, reject) => {
    how = { resolve, reject }
  })
  const resolve = async (value: T) => {
    how.resolve(value)
    await settle()
  }
  const reject = async (error: unknown) => {
    how.reject(error)
    await settle()
  }
  return { promise, resolve, reject }
}

export function fleet(limits: MemoryBackendOptions = {}): Fleet {
  const clock = manualClock({ startAt: EPOCH })
  const open = () => memoryBackend({ now: () => clock.wallNow(), ...limits })
  let store = open()
  return {
    clock,
    get store() {
      return store
    },
    wipe() {
      store = open()
    },
    start: (options, household) => start(clock, () => store, options, household),
  }
}

function start<V>(
  clock: ManualClock,
  store: () => CacheBackend,
  { source = 'one', ...options }: ProcessOptions<V> = {},
  { withMany = true, coordinator, ...household }: Household = {},
): Process<V> {
  const tier = probedBackend(store, { withMany, coordinator })
  const registry = new CacheRegistry({ clock, random: () => 0.5, backend: tier, ...household })
  const calls: KeyedCall<V>[] = []
  const batches: BatchCall<V>[] = []
  const fetch = (key: string, context: FetchContext, previous: Held<V> | undefined) => {
    const { promise, ...how } = deferred<V | NotModified>()
    calls.push({ key, context, previous, ...how })
    return promise
  }
  const fetchMany = (keys: readonly string[], context: BatchCall<V>['context']) => {
    const { promise, ...how } = deferred<Iterable<readonly [string, V]>>()
    batches.push({ keys: [...keys], context, ...how })
    return promise
  }
  const define = registry.define.bind(registry) as unknown as (options: object) => KeyedCache<string, V>
  const cache = define({
    type: 'thing',
    ttl,
    refreshWindow: 20_000,
    codec: textCodec<V>(),
    ...(source !== 'many' && { fetch }),
    ...(source !== 'one' && { fetchMany }),
    ...options,
  })
  const events: CacheEvent[] = []
  registry.on((event) => {
    events.push(event)
  })
  const begin = async <T>(promise: Promise<T>) => {
    const settled = settlement(promise)
    await settle()
    return settled
  }
  return {
    registry,
    tier,
    cache,
    calls,
    batches,
    events,
    call(key) {
      const found = calls.filter((each) => key === undefined || each.key === key).at(-1)
      if (!found) throw new Error(`no fetch of ${String(key)} among ${calls.length}`)
      return found
    },
    batch() {
      const found = batches.at(-1)
      if (!found) throw new Error('no batch')
      return found
    },
    kinds: () => events.map(({ kind }) => kind),
    async load(key, value) {
      const reading = cache.get(key)
      await settle()
      await calls
        .filter((each) => each.key === key)
        .at(-1)
        ?.resolve(value)
      await reading
      await settle()
    },
    read: (key) => begin(cache.read(key)),
    get: (key) => begin(cache.get(key)),
  }
}
