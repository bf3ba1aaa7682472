/** Mutants of `src/fetch` that no test can kill, each with the argument. */
import type { EquivalentMutant } from './equivalent.ts'

export const equivalentInFetch: readonly EquivalentMutant[] = []
