/** How registries of one process agree on who fetches, and hear of one another's changes. */

import type { Coordinator } from './coordinator.ts'
import { createListeners } from './listeners.ts'

/**
 * Joins the registries of one process that share a tier: one of them fetches a key, the others look in the tier again.
 *
 * A lease lasts until it is released: a registry that vanished without releasing cannot be told from a slow one here. Who
 * waited for a lease is woken in the order of waiting. Announcements are delivered after `publish()` was called, never
 * during it, in the order of publishing; a listener that throws keeps nobody else from hearing.
 *
 * @example
 * ```ts
 * const backend = { ...memoryBackend(), coordinator: memoryCoordinator() }
 * const { signal } = new AbortController()
 * const lease = await backend.coordinator.lease('k', signal)
 * const another = backend.coordinator.lease('k', signal)
 * await lease?.release()
 * await another // undefined
 * ```
 */
export function memoryCoordinator(): Coordinator {
  /** by key that is held, those who wait for it */
  const held = new Map<string, Set<() => void>>()
  const listeners = createListeners()
  let fence = 0

  const release = (key: string, waiting: Set<() => void>) => {
    // Released before: somebody else may hold it by now.
    if (held.get(key) !== waiting) return
    held.delete(key)
    for (const wake of waiting) wake()
  }

  const wait = (waiting: Set<() => void>, signal: AbortSignal) =>
    new Promise<undefined>((resolve, reject) => {
      const wake = () => {
        signal.removeEventListener('abort', giveUp)
        resolve(undefined)
      }
      const giveUp = () => {
        waiting.delete(wake)
        reject(signal.reason)
      }
      waiting.add(wake)
      signal.addEventListener('abort', giveUp, { once: true })
    })

  return {
    async lease(key, signal) {
      signal.throwIfAborted()
      const others = held.get(key)
      if (others) return wait(others, signal)
      const waiting = new Set<() => void>()
      held.set(key, waiting)
      return { fence: String(++fence), release: async () => release(key, waiting) }
    },
    async publish(message) {
      const told = { ...message }
      await undefined
      listeners.tell(told)
    },
    subscribe: listeners.add,
  }
}
