/** Joins the registries of one world: one lease at a time for each key, and word of what changed. */
import type { Announcement, Clock, Coordinator, Lease } from 'evercurrent'

/** What a real one gives a holder that never says that it is done: longer than a fetch may take. */
const leaseLasts = 31_000

export type MeetingPoint = ReturnType<typeof createMeetingPoint>

export function createMeetingPoint(clock: Clock) {
  const listeners = new Set<(message: Announcement | 'lost-messages') => void>()
  const held = new Map<string, { readonly waiting: Set<() => void> }>()
  let fences = 0

  const grant = (key: string): Lease => {
    const mine = { waiting: new Set<() => void>() }
    held.set(key, mine)
    const release = () => {
      cancel()
      if (held.get(key) !== mine) return
      held.delete(key)
      for (const wake of mine.waiting) wake()
    }
    const cancel = clock.after(leaseLasts, release, { ref: false })
    return { fence: String(++fences), release }
  }
  const coordinator: Coordinator = {
    lease(key, signal) {
      const taken = held.get(key)
      if (!taken) return grant(key)
      return new Promise((resolve, reject) => {
        const wake = () => resolve(undefined)
        taken.waiting.add(wake)
        signal.addEventListener('abort', () => {
          taken.waiting.delete(wake)
          reject(signal.reason as Error)
        })
      })
    },
    publish(message) {
      for (const listener of listeners) queueMicrotask(() => listener(message))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return { coordinator, leases: () => held.size }
}
