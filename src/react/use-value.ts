/** The value of a cache in a component that is not shown before there is one. */

import { use, useMemo, useSyncExternalStore } from 'react'
import type { Observed } from '../cache/observed.ts'
import { firstValue, valueThatCame } from './first-value.ts'
import { useKeptFresh } from './use-kept-fresh.ts'

/**
 * The value. Suspends while nothing is held, and never again after: a component that has shown a value shows its successors,
 * and the last one while nothing is held any more (after `invalidate()`, or when the source says that it is gone). Keeps
 * the cache fresh while mounted, and for a second longer.
 *
 * A first fetch that fails throws its error to the error boundary. Rendering again asks again, which the cool-down may
 * answer with that error: `await cache.refresh()` before the boundary is reset.
 *
 * Takes a cache that has a fetch of its own, or an entry of a registry.
 *
 * @example
 * ```tsx
 * function Plan() {
 *   return <p>{useValue(config).plan}</p>
 * }
 * const page = (
 *   <Suspense fallback="loading">
 *     <Plan />
 *   </Suspense>
 * )
 * await config.get()
 * renderToString(page).includes('<p>pro</p>') // true
 * ```
 */
export function useValue<V>(cache: Observed<V>): V {
  const read = useMemo(() => readingLast(cache), [cache])
  const value = useSyncExternalStore(cache.subscribe, read, read)
  useKeptFresh(cache)
  const wait = value === undefined ? firstValue(cache) : valueThatCame(cache)
  if (wait) use(wait)
  return value as V
}

/** What is held, or else what was. */
function readingLast<V>(cache: Observed<V>): () => V | undefined {
  let last: V | undefined
  return () => {
    const { value } = cache.getSnapshot()
    if (value !== undefined) last = value
    return last
  }
}
