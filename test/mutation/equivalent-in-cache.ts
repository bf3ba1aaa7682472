/** Mutants of `src/cache` that no test can kill, each with the argument. */
import type { EquivalentMutant } from './equivalent.ts'

export const equivalentInCache: readonly EquivalentMutant[] = []
