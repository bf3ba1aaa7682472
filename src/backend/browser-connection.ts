/** Where the values of a page are: in IndexedDB, or in its memory where a page has no IndexedDB. */

import { pageMemory } from './browser-memory.ts'
import { type BrowserStore, openStore } from './browser-store.ts'

/** milliseconds after which a database that does not open counts as out of reach */
const patience = 3000

/** How browsers refuse IndexedDB to a page for good: in private windows, in frames, by a setting. */
const refusals = ['InvalidStateError', 'SecurityError', 'NotAllowedError']

interface Attempt {
  /** `undefined`: the page has no IndexedDB. */
  opened: Promise<BrowserStore | undefined>
  /** Rejects when it takes too long, though it may open yet. */
  stuck: Promise<never>
}

export type Store = BrowserStore | ReturnType<typeof pageMemory>

/** Opens at the first call. `opened` is called each time the database is open. */
export function createConnection(database: string, opened: () => void) {
  const memory = pageMemory()
  let attempt: Attempt | undefined
  let missing: unknown
  let isClosed = false

  const forget = (which: Attempt) => {
    if (attempt === which) attempt = undefined
  }
  const open = async (stuck: (why: string) => void, lost: () => void) => {
    const timer = setTimeout(() => stuck(`it did not open within ${patience} ms`), patience)
    try {
      if (!globalThis.indexedDB) throw new DOMException('there is none', 'SecurityError')
      const blocked = () => stuck('another tab keeps an older version of it open')
      const store = await openStore(database, { blocked, lost })
      if (isClosed) store.close()
      else opened()
      return store
    } catch (error) {
      if (!refusals.includes((error as Error)?.name)) throw error
      missing = error
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
  const start = () => {
    const started = {} as Attempt
    started.stuck = new Promise((_, reject) => {
      const stuck = (why: string) => reject(new DOMException(why, 'TimeoutError'))
      started.opened = open(stuck, () => forget(started))
    })
    started.opened.catch(() => forget(started))
    started.stuck.catch(() => {})
    return started
  }

  /** `undefined`: values are in the memory of the page, and nothing is shared. Rejects while it cannot be opened. */
  const shared = async (): Promise<BrowserStore | undefined> => {
    if (isClosed) throw new Error('it is closed')
    // Opened once, however long it takes: a request to open cannot be taken back.
    attempt ??= start()
    return Promise.race([attempt.opened, attempt.stuck])
  }
  return {
    shared,
    store: async (): Promise<Store> => (await shared()) ?? memory,
    /** Why nothing is shared. */
    missing: () => missing,
    /** The next call opens it again, if this store is still the one in use. */
    async reopen(failed: Store) {
      const current = attempt
      if (!current || !('close' in failed) || (await current.opened) !== failed) return
      forget(current)
      failed.close()
    },
    close() {
      isClosed = true
      attempt?.opened.then(
        (store) => store?.close(),
        () => {},
      )
    },
  }
}
