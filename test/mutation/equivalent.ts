/** Mutants that no test can kill, each with the argument why: what `npm run test:mutation` lets survive. */
import { equivalentInCache } from './equivalent-in-cache.ts'
import { equivalentInFetch } from './equivalent-in-fetch.ts'
import { equivalentInPolicy } from './equivalent-in-policy.ts'
import { equivalentInState } from './equivalent-in-state.ts'

/** Found by its text, not by its place: it may move, but a line that was rewritten needs the argument anew. */
export interface EquivalentMutant {
  /** below `src` */
  readonly file: string
  /** the whole source line the mutated code begins on, trimmed */
  readonly line: string
  /** the mutated code; a run of white space counts as one space */
  readonly original: string
  readonly replacement: string
  /** which of several alike on lines of the same text, from 1, the default */
  readonly nth?: number
  /** why nothing a caller can see or do differs */
  readonly because: string
}

export const equivalentMutants: readonly EquivalentMutant[] = [
  ...equivalentInState,
  ...equivalentInPolicy,
  ...equivalentInFetch,
  ...equivalentInCache,
]
