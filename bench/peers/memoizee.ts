/** memoizee with promises and prefetch, as the comparison uses it. */

import { type Contender, minute, type Wish } from '../compare/contender.ts'

interface Memoized {
  (key: string): Promise<string>
  delete(key: string): void
}
type Memoize = (
  load: (key: string) => Promise<string>,
  options: { readonly promise: true; readonly primitive?: true; readonly maxAge: number; readonly preFetch: number },
) => Memoized

// It has no types of its own.
const specifier: string = 'memoizee'
const { default: memoize }: { default: Memoize } = await import(specifier)
const key = 'k'

const life = ({ due, ttl }: Wish) => ({ promise: true, maxAge: ttl, preFetch: (ttl - due) / ttl }) as const

export const contenders: readonly Contender[] = [
  {
    name: 'memoizee',
    packages: ['memoizee'],
    configuration: '`promise`, `maxAge` 1 min, `preFetch` 0.33',
    promises:
      'A refresh ahead of the expiry, for which the old value is given up when it starts. No stale values after it, no setting, no forced refresh, no marking as out of date.',
    ages: { due: 45_000, expired: 61_000 },
    start(load, wish = minute) {
      const memoized = memoize((_key) => load(), life(wish))
      return {
        read: () => memoized(key),
        invalidate: () => memoized.delete(key),
      }
    },
    // `primitive` looks keys up in a map; otherwise it searches for them one by one.
    startMany: (load, wish) => ({ read: memoize(load, { ...life(wish), primitive: true }) }),
  },
]
