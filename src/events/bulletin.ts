/** In which order listeners hear of changes, and what becomes of a listener that fails. */

/** The listeners of one kind of news. Each subscription is an object of its own: one function may listen twice. */
export type Audience<T> = Set<{ readonly listener: (news: T) => unknown }>

/** Adds a listener. Returns what takes it away. */
export function join<T>(audience: Audience<T>, listener: (news: T) => unknown): () => void {
  const subscription = { listener }
  audience.add(subscription)
  return () => {
    audience.delete(subscription)
  }
}

export interface Bulletin {
  /** Runs a change, and tells what it caused once the outermost change is complete. */
  during<T>(change: () => T): T
  /** Queues news for those who listen now, except those who failed; they hear it if they still listen then. */
  tell<T>(audience: Audience<T>, news: T, failed?: Set<unknown>): void
  /** Runs a task after everything that is queued by now. */
  afterwards(task: () => void): void
  /** Calls into the user's code; whatever it throws or rejects with is reported, and stands for `undefined`. */
  guard<T>(call: () => T): T | undefined
}

/**
 * News is told one by one, oldest first; news that a listener causes is queued behind, so every listener sees one order.
 * `report` hears of every listener that threw or rejected, with all that failed to hear of one another: it must not tell
 * those, so that failing listeners come to an end.
 */
export function createBulletin(report: (error: unknown, failed?: Set<unknown>) => void): Bulletin {
  /** A set, since taking the first of many from an array moves all that are behind it. */
  const queue = new Set<() => unknown>()
  let depth = 0

  const guard = <T>(call: () => T, onFailure: (error: unknown) => void = report): T | undefined => {
    try {
      const result = call()
      if (typeof (result as { then?: unknown } | undefined)?.then === 'function')
        Promise.resolve(result).catch(onFailure)
      return result
    } catch (error) {
      onFailure(error)
      return undefined
    }
  }
  const during = <T>(change: () => T): T => {
    depth++
    try {
      return change()
    } finally {
      try {
        // What is queued meanwhile is reached as well.
        if (depth === 1)
          for (const next of queue) {
            queue.delete(next)
            next()
          }
      } finally {
        depth--
      }
    }
  }
  const afterwards = (task: () => void) => during(() => queue.add(task))
  return {
    during,
    afterwards,
    guard,
    // Who hears it is settled before anybody does: the first to hear may cause more news, or listen anew.
    tell(audience, news, failed) {
      const hearers = [...audience].filter((subscription) => !failed?.has(subscription))
      afterwards(() => {
        for (const subscription of hearers) {
          const onFailure = (error: unknown) => report(error, (failed ?? new Set()).add(subscription))
          if (audience.has(subscription)) guard(() => subscription.listener(news), onFailure)
        }
      })
    },
  }
}
