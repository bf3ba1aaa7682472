/** Mutants of `src/state` that no test can kill, each with the argument. */
import type { EquivalentMutant } from './equivalent.ts'

export const equivalentInState: readonly EquivalentMutant[] = []
