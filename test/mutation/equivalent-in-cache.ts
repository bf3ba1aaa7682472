/** Mutants of `src/cache` that no test can kill, each with the argument. */
import type { EquivalentMutant } from './equivalent.ts'

const line = "if (argument === undefined ? own : typeof argument === 'function') {"
const onlySpeed =
  'The short way gives the promise that the long way gives, for the same clock read and the same count. ' +
  'What differs is how long a read takes, which `npm run bench` holds to a bar.'

export const equivalentInCache: readonly EquivalentMutant[] = [
  {
    file: 'cache/reader.ts',
    line,
    original: "argument === undefined ? own : typeof argument === 'function'",
    replacement: 'false',
    because: onlySpeed,
  },
  {
    file: 'cache/reader.ts',
    line,
    original: 'argument === undefined',
    replacement: 'false',
    because: onlySpeed,
  },
  {
    file: 'cache/reader.ts',
    line,
    original: "typeof argument === 'function'",
    replacement: 'false',
    because: onlySpeed,
  },
  {
    file: 'cache/reader.ts',
    line,
    original: "'function'",
    replacement: '""',
    because: onlySpeed,
  },
  {
    file: 'cache/reader.ts',
    line,
    original:
      '{ if (isBefore(getUntil)) { tally.hits++ return served as Promise<V> } const place = board() if (place) return place }',
    replacement: '{}',
    because: onlySpeed,
  },
]
