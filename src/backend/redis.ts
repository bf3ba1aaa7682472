/** A storage tier on Redis or Valkey, shared by the processes of a fleet: when it is asked, and how it fails. */

import { BackendError } from '../errors.ts'
import type { CacheBackend } from './backend.ts'
import type { RedisClientLike, RedisSubscriberLike } from './redis-client.ts'
import { createRedisCoordinator } from './redis-coordinator.ts'
import { createRun } from './redis-scripts.ts'
import { createStore } from './redis-store.ts'

export { fromIoredis, fromNodeRedis, type RedisClientLike, type RedisSubscriberLike } from './redis-client.ts'

export interface RedisOptions {
  /** `fromNodeRedis(client)` or `fromIoredis(client)`, of a single node or a cluster. */
  readonly client: RedisClientLike
  /**
   * The same, or one of a connection of its own: what hears of releases and changes. Default: none. Then a process that
   * waits for another one's fetch asks at intervals, and hears of no changes: values are as old as their `ttl` allows.
   */
  readonly subscriber?: RedisSubscriberLike | undefined
  /** What all keys and the channel begin with. Without braces. Default: `evercurrent`. */
  readonly prefix?: string | undefined
}

/**
 * Keeps values in Redis 7 or Valkey, where all processes of a fleet find them. One process fetches a key while the others
 * wait for it, and each hears of what another one changed.
 *
 * A read sends two commands at the same time, to the node of its key and to the one that knows of dropped prefixes. What
 * is kept belongs to one life of one server: after a restart, a failover to a replica or a restored copy every look-up
 * misses, and no write of before is accepted. The same holds for every record that was evicted or deleted.
 *
 * Calls reject with `BackendError`: `full` when `maxmemory` is reached and nothing may be evicted (reads and invalidations
 * go on); `unreachable` without a connection; else `failed`, as on a server that can only be read. A command that a client
 * has sent waits for its answer: the registry's deadlines bound that. `close()` leaves the clients open: close them
 * yourself. Later calls are `failed`.
 *
 * Throws `TypeError` naming the option.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis'
 *
 * const client = createClient({ url: 'redis://localhost:6379', disableOfflineQueue: true })
 * client.connect().catch(() => {}) // not awaited: without Redis everything works by itself
 * const redis = fromNodeRedis(client)
 * const registry = new CacheRegistry({ backend: redisBackend({ client: redis, subscriber: redis }) })
 * ```
 */
export function redisBackend(options: RedisOptions): CacheBackend {
  const { client, subscriber, prefix = 'evercurrent', ...others } = Object(options) as RedisOptions
  const [unknown] = Object.keys(others)
  if (unknown) throw new TypeError(`Cannot use ${unknown}: expected client, subscriber and prefix`)
  if (typeof client?.command !== 'function')
    throw new TypeError(`Cannot use client: expected fromNodeRedis(…) or fromIoredis(…): received ${typeof client}`)
  if (subscriber !== undefined && typeof subscriber?.subscribe !== 'function')
    throw new TypeError(
      `Cannot use subscriber: expected fromNodeRedis(…) or fromIoredis(…): received ${typeof subscriber}`,
    )
  if (typeof prefix !== 'string' || !/^[^{}\s]+$/.test(prefix))
    throw new TypeError(`Cannot use prefix: expected text without braces and spaces: received ${String(prefix)}`)

  const run = createRun(client)
  const store = createStore(run, prefix)
  const { coordinator, close } = createRedisCoordinator({ run, client, subscriber, prefix })
  let isClosed = false

  const call = async <T>(operation: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted()
    try {
      if (isClosed) throw new Error('ERR this backend was closed')
      return await work()
    } catch (cause) {
      if (signal?.aborted && cause === signal.reason) throw cause
      const why = (cause as Error)?.message
      throw new BackendError(`Cannot ${operation} in Redis: ${why}`, { operation, reason: reasonOf(why), cause })
    }
  }

  return {
    name: 'redis',
    coordinator,
    get: (key, signal) => call('get', () => store.get(key), signal),
    getMany: (keys, signal) => call('getMany', () => store.getMany(keys), signal),
    set: (key, stored, options) => call('set', () => store.set(key, stored, options), options.signal),
    delete: (key, { ifGeneration, signal }) => call('delete', () => store.delete(key, ifGeneration), signal),
    deletePrefix: (all, signal) => call('deletePrefix', () => store.deletePrefix(all), signal),
    async close() {
      isClosed = true
      close()
    },
  }
}

/** An answer of a server begins with a code; what has none came from the client. */
function reasonOf(why: string): 'full' | 'failed' | 'unreachable' {
  if (why?.startsWith('OOM')) return 'full'
  return /^[A-Z]{3,} /.test(why) && !/^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)/.test(why) ? 'failed' : 'unreachable'
}
