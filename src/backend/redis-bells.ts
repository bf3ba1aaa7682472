/** Who waits for the release of which lease, and for how long without having heard of it. No timer here holds a process. */

type Timer = ReturnType<typeof setTimeout> & { readonly unref?: () => void }

/** Returns what cancels it. */
export function after(ms: number, task: () => void): () => void {
  const timer: Timer = setTimeout(task, ms)
  timer.unref?.()
  return () => clearTimeout(timer)
}

/** Returns what ends it. */
export function every(ms: number, task: () => void): () => void {
  const timer: Timer = setInterval(task, ms)
  timer.unref?.()
  return () => clearInterval(timer)
}

interface Bell {
  /** the greatest fence that is known to be released */
  rung: number
  stir: () => void
}

export function createBells() {
  const hanging = new Map<string, Set<Bell>>()
  return {
    /** The lease of this key and fence was released. */
    ring(key: string, fence: number): void {
      for (const bell of hanging.get(key) ?? []) {
        bell.rung = Math.max(bell.rung, fence)
        bell.stir()
      }
    },
    /** Whoever waits is to look for himself. */
    stir(): void {
      for (const bells of hanging.values()) for (const { stir } of bells) stir()
    },
    hang(key: string, signal: AbortSignal) {
      const bell: Bell = { rung: 0, stir: () => {} }
      const bells = hanging.get(key) ?? new Set()
      hanging.set(key, bells.add(bell))
      const stir = () => bell.stir()
      signal.addEventListener('abort', stir)
      return {
        /** Whether that fence was released, once it was, somebody stirred, or so many milliseconds have passed. */
        async heard(fence: number, ms: number): Promise<boolean> {
          if (bell.rung < fence && !signal.aborted) {
            await new Promise<void>((resolve) => {
              const stop = after(ms, resolve)
              bell.stir = () => {
                stop()
                resolve()
              }
            })
          }
          return bell.rung >= fence
        },
        takeDown(): void {
          signal.removeEventListener('abort', stir)
          if (bells.delete(bell) && bells.size === 0) hanging.delete(key)
        },
      }
    },
  }
}
