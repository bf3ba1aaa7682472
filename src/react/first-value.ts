/** What a component waits for that has nothing to show: one promise for all who ask, which React can tell again. */

import type { Observed } from '../cache/observed.ts'

interface Wait {
  /** Resolves with nothing: a value that was dropped is not kept by it. */
  readonly promise: Promise<void>
  isOver: boolean
  isThere: boolean
}

const waits = new WeakMap<Observed<unknown>, Wait>()

/** Asks for the first value, once for all. Rejects with the fetch's error, for as long as the cool-down runs. */
export function firstValue(cache: Observed<unknown>): Promise<void> {
  const known = waits.get(cache)
  if (known && !known.isOver) return known.promise
  const reading = (cache as Observed<unknown> & { get(): Promise<unknown> }).get()
  // No fetch was started, so it answers what it has answered: the same promise, or React waits once more.
  if (known && !known.isThere && cache.getSnapshot().status !== 'refreshing') return known.promise
  const wait: Wait = {
    isOver: false,
    isThere: false,
    promise: reading.then(
      () => {
        wait.isOver = wait.isThere = true
      },
      (error: unknown) => {
        wait.isOver = true
        throw error
      },
    ),
  }
  wait.promise.catch(() => {})
  waits.set(cache, wait)
  return wait.promise
}

/** The promise of a value that has come: React wants `use` called again by whoever has waited with it. */
export function valueThatCame(cache: Observed<unknown>): Promise<void> | undefined {
  const known = waits.get(cache)
  return known?.isThere ? known.promise : undefined
}
