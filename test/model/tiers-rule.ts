/** A rule of the model, by the law it follows from and a name of its own: what a schedule breaks, and what is known broken. */
import { Violation } from '../explore/violation.ts'

/** Broken by the registry as it is; tiers-known.test.ts has the schedules. Whoever mends one takes it off this list. */
export const known = [
  'L6: no process defeats its own refresh',
  'the coordinator: a lease ends with its fetch',
  'L10: nothing that was rejected',
  'L16: whoever writes forgets that it was gone',
  'L8: ifOlderThan gives nothing older',
  'L6: "gone" drops nothing that was fetched or set later',
  'L10: a rejection drops what was rejected, and nothing else',
  'L10: an eviction does not undo expire()',
  'L11: every fetch that was told of ends once',
] as const

export type KnownRule = (typeof known)[number]

/** The hunt goes on past these. */
export const waived: Set<string> = new Set(known)

/** Throws unless the rule holds; the message is made only then. */
export function rule(holds: boolean, name: string, what: () => string): void {
  if (!holds && !waived.has(name)) throw new Violation(name, what())
}
