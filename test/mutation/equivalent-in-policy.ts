/** Mutants of `src/policy` that no test can kill, each with the argument. */
import type { EquivalentMutant } from './equivalent.ts'

export const equivalentInPolicy: readonly EquivalentMutant[] = []
