/** A storage tier in a SQLite file, shared by the processes of one machine: when it is asked, and how it fails. */

import { BackendError } from '../errors.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { CacheBackend } from './backend.ts'
import { openStore, type SqliteLike, type Store } from './sqlite-store.ts'

export type { SqliteLike }

export interface SqliteOptions {
  /** An open database of `libsql`, `better-sqlite3` or `node:sqlite`, used for nothing else. */
  readonly database: SqliteLike
}

interface Write {
  /** how much it writes */
  readonly bytes: number
  readonly run: (store: Store) => unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** Bounds of one transaction, and so of how long it blocks. */
const mostWrites = 100
const mostBytes = 1_000_000

/** Looked up once: a clock that is faked later must not hold up what waits for the disk. */
const nextTurn = globalThis.setImmediate

/** SQLite words it the same way in every client. */
const isLocked = /is locked/

/**
 * Keeps values in a SQLite file. Several processes may share it: a write is a transaction with the lock for writing.
 *
 * Give it a connection of its own, best to a file of its own: it sets WAL, `synchronous = NORMAL` and a `busy_timeout` of
 * 50 ms, and makes the tables `evercurrent` and `evercurrent_row` at the first call. SQLite works synchronously: a write
 * blocks this thread while the disk works and, before that, for at most 50 ms while another process writes: then it fails
 * as `unreachable`. Writes of one turn share transactions, of at most 100 writes, and of no more once they have a
 * megabyte.
 *
 * What is past `keepUntil` is deleted by later writes, a little each time, 10 minutes after it was written at the
 * earliest. `deletePrefix()` deletes at once, and so blocks for as long as that takes: about 5 ms for 1000 keys. The file
 * is reused and does not shrink.
 *
 * Calls reject with `BackendError`: `full`; `unreachable` when the file stayed locked; else `failed`, as when the file can
 * only be read (reads go on), is no database, or has tables of another version. `close()` does what was called before
 * and leaves the database open: close it yourself. Later calls are `failed`.
 *
 * Throws `TypeError` naming the option.
 *
 * @example
 * ```ts
 * import Database from 'libsql' // or { DatabaseSync } from 'node:sqlite', or 'better-sqlite3'
 *
 * const backend = sqliteBackend({ database: new Database('cache.db') })
 * const { stored } = await backend.get('orders')
 * stored // undefined
 * ```
 */
export function sqliteBackend(options: SqliteOptions): CacheBackend {
  const { database, ...others } = Object(options) as SqliteOptions
  const [wrong = typeof database?.prepare !== 'function' && 'database'] = Object.keys(others)
  if (wrong) throw new TypeError(`Cannot use ${wrong}: expected { database }: received ${typeof database}`)

  let store: Store | undefined
  let isClosed = false
  const queue: Write[] = []

  /** At the first call, and again after a failure: the file may be another one by then. */
  const open = (): Store => {
    if (isClosed) throw new Error('it is closed')
    store ??= openStore(database)
    return store
  }
  const call = async <T>(operation: string, work: () => Awaitable<T>, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (cause) {
      const why = (cause as Error)?.message
      const reason = /is full/.test(why) ? 'full' : isLocked.test(why) ? 'unreachable' : 'failed'
      if (reason === 'failed') store = undefined
      throw new BackendError(`Cannot ${operation} in SQLite: ${why}`, { operation, reason, cause })
    }
  }

  const settle = (batch: readonly Write[]): void => {
    try {
      const opened = open()
      const results = opened.write(() => batch.map(({ run }) => run(opened)))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as never)
    } catch (error) {
      // One may have failed them all, so each gets a transaction of its own; none waits for the lock again.
      if (batch.length > 1 && !isLocked.test((error as Error)?.message)) for (const write of batch) settle([write])
      else for (const { reject } of batch) reject(error)
    }
  }
  const flush = (): void => {
    let [end, bytes] = [0, 0]
    while (end < queue.length && end < mostWrites && bytes < mostBytes) bytes += (queue[end++] as Write).bytes
    settle(queue.splice(0, end))
    if (queue.length > 0) nextTurn(flush)
  }
  const write = <T>(run: (store: Store) => T, bytes = 0) =>
    new Promise<T>((resolve, reject) => {
      if (queue.push({ bytes, run, resolve, reject }) === 1) nextTurn(flush)
    })

  const change = (
    operation: string,
    key: string,
    stored: Parameters<Store['change']>[1],
    { ifGeneration, signal }: Parameters<CacheBackend['delete']>[1],
  ) => call(operation, () => write((to) => to.change(key, stored, ifGeneration), stored?.bytes.length), signal)

  return {
    name: 'sqlite',
    get: (key, signal) => call('get', () => open().get(key), signal),
    getMany: (keys, signal) => call('getMany', () => open().read(() => keys.map(open().get)), signal),
    async set(key, stored, options) {
      const { isDone, generation } = await change('set', key, stored, options)
      return isDone ? generation : undefined
    },
    async delete(key, options) {
      const { generation, existed } = await change('delete', key, undefined, options)
      return { generation, existed }
    },
    deletePrefix: (prefix, signal) => call('deletePrefix', () => write((to) => to.deletePrefix(prefix)), signal),
    size: () => call('size', () => open().size()),
    async close() {
      while (queue.length > 0) flush()
      isClosed = true
      store = undefined
    },
  }
}
