/** memoizee with promises and prefetch, as the comparison uses it. */

import type { Contender } from '../compare/contender.ts'

interface Memoized {
  (key: string): Promise<string>
  delete(key: string): void
}
type Memoize = (
  load: (key: string) => Promise<string>,
  options: { readonly promise: true; readonly maxAge: number; readonly preFetch: number },
) => Memoized

// It has no types of its own.
const specifier: string = 'memoizee'
const { default: memoize }: { default: Memoize } = await import(specifier)
const key = 'k'

export const contenders: readonly Contender[] = [
  {
    name: 'memoizee',
    packages: ['memoizee'],
    configuration: '`promise`, `maxAge` 1 min, `preFetch` 0.33',
    promises:
      'A refresh ahead of the expiry, for which the old value is given up when it starts. No stale values after it, no setting, no forced refresh, no marking as out of date.',
    ages: { due: 45_000, expired: 61_000 },
    start(load) {
      const memoized = memoize((_key) => load(), { promise: true, maxAge: 60_000, preFetch: 0.33 })
      return {
        read: () => memoized(key),
        invalidate: () => memoized.delete(key),
      }
    },
  },
]
