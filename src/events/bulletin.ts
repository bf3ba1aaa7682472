/** In which order listeners hear of changes, and what becomes of a listener that fails. */

export type Listener<T> = (news: T) => unknown

interface Subscription<T> {
  readonly listener: Listener<T>
}

/** The listeners of one kind of news. */
export type Audience<T> = Set<Subscription<T>>

export function subscribe<T>(audience: Audience<T>, listener: Listener<T>): () => void {
  const subscription = { listener }
  audience.add(subscription)
  return () => {
    audience.delete(subscription)
  }
}

/**
 * Delivers news one by one, oldest first. News that a listener causes is queued behind, so every listener sees one
 * order. What is told goes to those who listened when it happened and still do.
 */
export class Bulletin {
  readonly #queue: (() => void)[] = []
  readonly #onFailure: (error: unknown, failed: object | undefined) => void
  #held = 0

  /** `onFailure` hears of every listener that threw or rejected, except of one that failed to hear of a failure. */
  constructor(onFailure: (error: unknown, failed: object | undefined) => void) {
    this.#onFailure = onFailure
  }

  /** Runs `change`, and tells what it caused once the outermost change is complete. */
  during<T>(change: () => T): T {
    this.#held++
    try {
      return change()
    } finally {
      if (this.#held === 1) this.#deliver()
      this.#held--
    }
  }

  /** Queues news for an audience; `except` is left out, and `aboutFailure` news cannot fail anew. */
  tell<T>(audience: Audience<T>, news: T, except?: object, aboutFailure = false): void {
    for (const subscription of audience) {
      if (subscription === except) continue
      this.#queue.push(() => {
        if (!audience.has(subscription)) return
        this.guard(
          () => subscription.listener(news),
          aboutFailure ? () => {} : (error) => this.#onFailure(error, subscription),
        )
      })
    }
    if (this.#held === 0) this.during(() => {})
  }

  /** Calls into the user's code; whatever it throws or rejects with goes to `onFailure` and nowhere else. */
  guard<T>(call: () => T, onFailure = (error: unknown) => this.#onFailure(error, undefined)): T | undefined {
    try {
      const result = call()
      if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
        Promise.resolve(result).then(undefined, onFailure)
      }
      return result
    } catch (error) {
      onFailure(error)
      return undefined
    }
  }

  /** Runs a task after everything that is told by now. */
  finally(task: () => void): void {
    this.#queue.push(task)
    if (this.#held === 0) this.#deliver()
  }

  #deliver(): void {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) next()
  }
}
