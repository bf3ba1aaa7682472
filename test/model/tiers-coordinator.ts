/** Joins the registries of one world: a lease at a time for each key, and word of what changed. */
import type { Announcement, Coordinator, Lease } from 'evercurrent'

/** What one process has of it. */
export function createMeetingPoint(): () => Coordinator {
  const listeners = new Set<(message: Announcement | 'lost-messages') => void>()
  const held = new Map<string, { readonly waiting: (() => void)[] }>()
  let fences = 0
  return () => ({
    lease(key, signal) {
      const queue = held.get(key)
      if (queue) {
        return new Promise<Lease | undefined>((resolve, reject) => {
          queue.waiting.push(() => resolve(undefined))
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      }
      const mine = { waiting: [] as (() => void)[] }
      held.set(key, mine)
      return {
        fence: String(++fences),
        release() {
          if (held.get(key) !== mine) return
          held.delete(key)
          for (const wake of mine.waiting) wake()
        },
      }
    },
    publish(message) {
      for (const listener of listeners) queueMicrotask(() => listener(message))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
}
