/** What the cache needs of time, and the clock it uses unless another is injected. */

/** A source of time. Inject one to drive a cache by hand, as `manualClock()` of `evercurrent/testing` does. */
export interface Clock {
  /** monotonic milliseconds, from any origin */
  now(): number
  /** epoch milliseconds */
  wallNow(): number
  /** Calls `task` once after `ms`; the function returned cancels. `ref: false` must not hold the process. */
  after(ms: number, task: () => void, options?: { readonly ref?: boolean }): () => void
}

/** Reads the globals at call time, so that fake timers installed by a user's tests drive it. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(ms, task, options) {
    const timer: unknown = setTimeout(task, ms)
    if (options?.ref === false) (timer as { unref?(): void }).unref?.()
    return () => clearTimeout(timer as number)
  },
}
