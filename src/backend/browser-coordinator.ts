/** How the tabs of one origin agree on who fetches, and hear of one another's changes: Web Locks, BroadcastChannel. */

import { BackendError } from '../errors.ts'
import { createConnection } from './browser-connection.ts'
import type { BrowserStore } from './browser-store.ts'
import type { Announcement, Coordinator, Lease } from './coordinator.ts'
import { createListeners } from './listeners.ts'
import { memoryCoordinator } from './memory-coordinator.ts'

/** milliseconds that a lease may wait for its number */
const patience = 200

/**
 * A lease is a lock of its key, which the browser frees when its tab dies. Who finds it held waits behind it by a shared
 * lock: all of them get that at once, when the holder is done. A page that is about to be frozen, or put aside when the
 * user goes back, gives up what it holds and waits for, and knows when it returns that it may have missed messages.
 */
export function createBrowserCoordinator(database: string) {
  const name = `evercurrent:${database}`
  const connection = createConnection(database, () => openChannel())
  const listeners = createListeners()
  /** for a page that shares nothing with others */
  const alone = memoryCoordinator()
  const complaints = new Set<string>()
  /** what a page that is put aside gives up: leases, and the waiting for them */
  const claims = new Set<() => void>()
  const closing = new AbortController()
  const { signal } = closing
  let channel: { readonly out: BroadcastChannel; readonly back: BroadcastChannel } | undefined

  /** Once for each: that somebody may hear of it, while everything goes on. */
  const complain = (operation: string, what: string, cause?: unknown): void => {
    if (complaints.has(what)) return
    complaints.add(what)
    const message = `Cannot ${operation} between tabs for '${database}': this page lacks ${what}`
    throw new BackendError(message, { operation, reason: 'unreachable', cause })
  }
  /** What tabs share, if they do. */
  const shared = async (operation: string) => {
    const store = await connection.shared()
    if (!store) complain(operation, 'IndexedDB, so values stay in its memory', connection.missing())
    return store
  }

  const openChannel = () => {
    if (channel || !globalThis.BroadcastChannel) return
    // A channel does not hear itself; another registry of this page has to.
    channel = { out: new BroadcastChannel(name), back: new BroadcastChannel(name) }
    channel.back.onmessage = ({ data }: MessageEvent<Announcement>) => listeners.tell(data)
  }

  /** Holds the lock for as long as it takes. */
  const hold = (fence: string, give: (lease: Lease) => void) =>
    new Promise<void>((end) => {
      claims.add(end)
      const release = async () => {
        claims.delete(end)
        end()
      }
      give({ fence, release })
    })
  /** Resolves once the holder is done, or this page was put aside. */
  const wait = async (lock: string, signal: AbortSignal): Promise<undefined> => {
    const waiting = new AbortController()
    const end = () => waiting.abort()
    claims.add(end)
    signal.addEventListener('abort', end)
    try {
      await navigator.locks.request(lock, { mode: 'shared', signal: waiting.signal }, () => {})
    } catch (error) {
      signal.throwIfAborted()
      if (!waiting.signal.aborted) throw error
    } finally {
      claims.delete(end)
      signal.removeEventListener('abort', end)
    }
  }
  const lease = (lock: string, signal: AbortSignal, store: BrowserStore) =>
    new Promise<Lease | undefined>((resolve, reject) => {
      const granted = async (given: Lock | null) => {
        if (!given) return resolve(wait(lock, signal))
        const fence = await inTime(store.nextFence())
        signal.throwIfAborted()
        await hold(fence, resolve)
      }
      navigator.locks.request(lock, { ifAvailable: true }, granted).catch(reject)
    })

  const giveUp = () => {
    for (const end of claims) end()
    claims.clear()
  }
  // The page is also shown when it has just been loaded.
  const missedMessages = ({ persisted = true }: { readonly persisted?: boolean }) => {
    if (persisted) listeners.tell('lost-messages')
  }
  const on = (event: string, listener: (event: PageTransitionEvent) => void) =>
    globalThis.addEventListener?.(event, listener as EventListener, { signal })
  for (const event of ['freeze', 'pagehide']) on(event, giveUp)
  for (const event of ['resume', 'pageshow']) on(event, missedMessages)

  const coordinator: Coordinator = {
    async lease(key, signal) {
      signal.throwIfAborted()
      const store = await inTime(shared('lease'))
      if (store && globalThis.navigator?.locks) return lease(`${name}:${key}`, signal, store)
      if (store) complain('lease', 'Web Locks (is it https?), so each tab fetches for itself')
      return alone.lease(key, signal)
    },
    async publish(message) {
      const store = await shared('publish')
      if (channel) return channel.out.postMessage(message)
      listeners.tell(message)
      if (store) complain('publish', 'BroadcastChannel, so no tab hears of another')
    },
    async subscribe(listener) {
      const end = listeners.add(listener)
      // What is said from now on is heard, once it is open.
      await connection.shared().catch(() => {})
      return end
    },
  }
  return {
    connection,
    coordinator,
    close() {
      closing.abort()
      giveUp()
      channel?.out.close()
      channel?.back.close()
      connection.close()
    },
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`IndexedDB did not answer within ${patience} ms`)), patience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
