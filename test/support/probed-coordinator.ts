/** A coordinator in memory whose messages a test sees, holds back and loses, and whose calls it can break. */

import type { Announcement, Coordinator } from 'evercurrent'
import { settle } from './probed-backend.ts'

type Listener = (message: Announcement | 'lost-messages') => void

export interface ProbedCoordinator extends Coordinator {
  /** what is held now, by key */
  readonly leases: ReadonlyMap<string, unknown>
  readonly granted: string[]
  readonly published: Announcement[]
  readonly listeners: ReadonlySet<Listener>
  /** says something to every listener */
  tell(message: unknown): Promise<void>
  /** what is published from now on waits until `deliver()` */
  hold(): void
  deliver(): Promise<void>
}

/** Whoever waits for a lease gets `undefined` when it was released: look in the tier again. */
export function probedCoordinator(): ProbedCoordinator {
  const leases = new Map<string, Set<() => void>>()
  const listeners = new Set<Listener>()
  const granted: string[] = []
  const published: Announcement[] = []
  let late: Announcement[] | undefined
  const say = (message: unknown) => {
    for (const listener of [...listeners]) listener(message as Announcement)
  }
  return {
    leases,
    granted,
    published,
    listeners,
    async tell(message) {
      say(message)
      await settle()
    },
    hold() {
      late = []
    },
    async deliver() {
      const waiting = late ?? []
      late = undefined
      for (const message of waiting) say(message)
      await settle()
    },
    async lease(key, signal) {
      signal.throwIfAborted()
      const others = leases.get(key)
      if (others) {
        return new Promise<undefined>((resolve, reject) => {
          others.add(() => resolve(undefined))
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
      }
      const waiting = new Set<() => void>()
      leases.set(key, waiting)
      granted.push(key)
      return {
        fence: String(granted.length),
        async release() {
          if (leases.get(key) !== waiting) return
          leases.delete(key)
          for (const wake of waiting) wake()
        },
      }
    },
    async publish(message) {
      published.push(message)
      if (late) late.push(message)
      else queueMicrotask(() => say(message))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
