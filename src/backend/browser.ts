/** A storage tier in the browser, shared by the tabs of one origin: when it is asked, and how it fails. */

import { BackendError } from '../errors.ts'
import type { CacheBackend, Lookup } from './backend.ts'
import type { Store } from './browser-connection.ts'
import { createBrowserCoordinator } from './browser-coordinator.ts'

export { hiddenOrOffline } from './browser-pause.ts'

export interface BrowserOptions {
  /** The name of an IndexedDB database of its own. It is made if there is none. */
  readonly database: string
}

/**
 * Keeps values in IndexedDB, where all tabs of the origin find them, also after a reload. While one tab fetches a key the
 * others wait for it (Web Locks), and each hears of what another one changed (BroadcastChannel).
 *
 * The database is opened at the first call. Where the browser has no IndexedDB for the page, as in private windows of
 * some, values stay in the memory of the page; where it has no Web Locks each tab fetches for itself, and without
 * BroadcastChannel none hears of the others. Each of these is told once, by an event `backend-failed` of the registry.
 *
 * Calls reject with `BackendError`: `full` when the quota is used up (reads go on); `unreachable` while the database
 * cannot be opened, for more than 3 s or because a tab with another release blocks it; else `failed`, as when the
 * database is somebody else's. A connection that the browser ended is opened again by the next call. What is past
 * `keepUntil` is deleted by later writes, a little each time, 10 minutes after it was written at the earliest.
 *
 * Throws `TypeError` naming the option.
 *
 * @example
 * ```ts
 * const backend = browserBackend({ database: 'my-app' })
 * const { stored } = await backend.get('orders')
 * stored // undefined
 * ```
 */
export function browserBackend(options: BrowserOptions): CacheBackend {
  const { database, ...others } = Object(options) as BrowserOptions
  const [wrong = (typeof database !== 'string' || !database) && 'database'] = Object.keys(others)
  if (wrong) throw new TypeError(`Cannot use ${wrong}: expected { database: string }: received ${typeof database}`)

  const { connection, coordinator, close } = createBrowserCoordinator(database)

  const call = async <T>(operation: string, work: (store: Store) => T, signal?: AbortSignal): Promise<Awaited<T>> => {
    signal?.throwIfAborted()
    let store: Store | undefined
    try {
      store = await connection.store()
      // Opening it may have taken too long.
      signal?.throwIfAborted()
      return await work(store)
    } catch (cause) {
      const { name, message } = Object(cause) as Error
      const reason = name === 'QuotaExceededError' ? 'full' : name === 'TimeoutError' ? 'unreachable' : 'failed'
      // Not every browser tells when it has ended a connection.
      if (store && reason === 'failed') connection.reopen(store).catch(() => {})
      throw new BackendError(`Cannot ${operation} in IndexedDB '${database}': ${message}`, { operation, reason, cause })
    }
  }

  return {
    name: 'browser',
    coordinator,
    get: (key, signal) => call('get', async (store) => (await store.getMany([key]))[0] as Lookup, signal),
    getMany: (keys, signal) => call('getMany', (store) => store.getMany(keys), signal),
    set: (key, stored, { ifGeneration, signal }) =>
      call('set', (store) => store.set(key, stored, onlyAt(ifGeneration)), signal),
    delete: (key, { ifGeneration, signal }) =>
      call('delete', (store) => store.delete(key, onlyAt(ifGeneration)), signal),
    deletePrefix: (prefix, signal) => call('deletePrefix', (store) => store.deletePrefix(prefix), signal),
    async close() {
      close()
    },
  }
}

const onlyAt = (ifGeneration: string | undefined) => (ifGeneration === undefined ? {} : { ifGeneration })
