/** Who hears what a coordinator has to tell, and that none of them keeps the others from hearing it. */

import type { Announcement } from './coordinator.ts'

type News = Announcement | 'lost-messages'

export function createListeners() {
  const listeners = new Set<{ readonly hear: (news: News) => void }>()
  return {
    tell(news: News): void {
      const told = typeof news === 'string' ? news : Object.freeze({ ...news })
      for (const { hear } of listeners) {
        try {
          hear(told)
        } catch {
          // It is the listener's; a registry tells its own.
        }
      }
    },
    /** A listener that is added twice hears it twice. */
    add(listener: (news: News) => void): () => void {
      const subscription = { hear: listener }
      listeners.add(subscription)
      return () => {
        listeners.delete(subscription)
      }
    },
  }
}
