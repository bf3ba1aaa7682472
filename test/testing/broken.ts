/** What is broken on purpose, and the case of a contract that has to find it. */
import type { CacheBackend } from 'evercurrent'

/** What is wrong with a backend or a coordinator, and which case has to say so. */
export interface Broken<T> {
  readonly bug: string
  readonly make: () => T
  readonly caughtBy: string
  readonly lose?: (backend: CacheBackend, key: string) => void
}

export const brokenPlain = (bug: string, Backend: new () => CacheBackend, caughtBy: string): Broken<CacheBackend> => ({
  bug,
  make: () => new Backend(),
  caughtBy,
})
