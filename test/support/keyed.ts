/** A registry on a clock moved by hand, with one type whose fetches the test settles, key by key and batch by batch. */

import {
  type CacheEvent,
  CacheRegistry,
  type FetchContext,
  type Held,
  type KeyedCache,
  type NotModified,
  type PolicyOptions,
  type RegistryOptions,
} from 'evercurrent'
import { type ManualClock, manualClock } from 'evercurrent/testing'
import { flush } from './flush.ts'

export interface KeyedCall<V, K = string> {
  readonly key: K
  readonly context: FetchContext
  readonly previous: Held<V> | undefined
  readonly resolve: (value: V | NotModified) => Promise<void>
  readonly reject: (error: unknown) => Promise<void>
}

export interface BatchCall<V, K = string> {
  readonly keys: readonly K[]
  readonly context: Pick<FetchContext, 'signal' | 'reason' | 'startedAt'>
  readonly resolve: (pairs: Iterable<readonly [K, V]>) => Promise<void>
  readonly reject: (error: unknown) => Promise<void>
}

/** When the clock starts: not at 0, so that a forgotten conversion shows. */
export const EPOCH = Date.UTC(2026, 0, 1)

/** A value is fresh for 40 s, then ages for 20 s; every cool-down is three quarters of its full length. */
export const ttl = 60_000
const policy = { ttl, refreshWindow: 20_000 } as const

export interface KeyedWorld<V, K = string> {
  readonly registry: CacheRegistry
  readonly clock: ManualClock
  readonly cache: KeyedCache<K, V>
  readonly calls: KeyedCall<V, K>[]
  readonly batches: BatchCall<V, K>[]
  readonly events: CacheEvent[]
  /** the newest fetch of that key; without a key, of any */
  call(key?: K): KeyedCall<V, K>
  batch(index?: number): BatchCall<V, K>
  /** the kinds of the events about that key, in order */
  kinds(key?: string): string[]
  /** reads the key and lets its fetch bring the value */
  load(key: K, value: V): Promise<void>
}

export interface KeyedOptions<V, K = string> extends PolicyOptions<V> {
  readonly type?: string
  readonly version?: number
  readonly key?: (key: K) => string | readonly string[]
  readonly sizeOf?: (value: V) => number
  /** `one`: only `fetch`; `many`: only `fetchMany`; `both` (a single key uses whichever the registry likes) */
  readonly source?: 'one' | 'many' | 'both'
  readonly schema?: unknown
}

function deferred<T>() {
  let settle!: { resolve: (value: T) => void; reject: (error: unknown) => void }
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const resolve = async (value: T) => {
    settle.resolve(value)
    await flush()
  }
  const reject = async (error: unknown) => {
    settle.reject(error)
    await flush()
  }
  return { promise, resolve, reject }
}

export function keyed<V = string, K = string>(
  { source = 'one', ...options }: KeyedOptions<V, K> = {},
  household: RegistryOptions = {},
): KeyedWorld<V, K> {
  const clock = manualClock({ startAt: EPOCH })
  const registry = new CacheRegistry({ clock, random: () => 0.5, ...household })
  const calls: KeyedCall<V, K>[] = []
  const batches: BatchCall<V, K>[] = []
  const fetch = (key: K, context: FetchContext, previous: Held<V> | undefined) => {
    const { promise, ...how } = deferred<V | NotModified>()
    calls.push({ key, context, previous, ...how })
    return promise
  }
  const fetchMany = (keys: readonly K[], context: BatchCall<V, K>['context']) => {
    const { promise, ...how } = deferred<Iterable<readonly [K, V]>>()
    batches.push({ keys: [...keys], context, ...how })
    return promise
  }
  const given = { ...(source === 'many' ? {} : { fetch }), ...(source === 'one' ? {} : { fetchMany }) }
  const define = registry.define.bind(registry) as unknown as (options: object) => KeyedCache<K, V>
  const cache = define({ type: 'thing', ...policy, ...given, ...options })
  const events: CacheEvent[] = []
  registry.on((event) => {
    events.push(event)
  })
  const call = (key?: K) => {
    const found = calls.filter((each) => key === undefined || each.key === key).at(-1)
    if (!found) throw new Error(`no fetch of ${String(key)} among ${calls.length}`)
    return found
  }
  return {
    registry,
    clock,
    cache,
    calls,
    batches,
    events,
    call,
    batch(index = batches.length - 1) {
      const found = batches[index]
      if (!found) throw new Error(`no batch ${index} among ${batches.length}`)
      return found
    },
    kinds: (key) => events.filter((event) => key === undefined || event.key?.[0] === key).map(({ kind }) => kind),
    async load(key, value) {
      const reading = cache.get(key)
      await flush()
      await call(key).resolve(value)
      await reading
    },
  }
}

/** What a promise comes to: its value, or the error it rejects with; never rejects. */
export const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => error,
  )
