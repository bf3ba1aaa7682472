/** A rule of the model, by the law it follows from and a name of its own: what a schedule breaks, and what is known broken. */
import { Violation } from '../explore/violation.ts'

/** Found, reported, and not mended yet: the hunt goes on past them. `TIERS_KNOWN=1` hunts for them too. */
export const known: ReadonlySet<string> = new Set(
  process.env['TIERS_KNOWN']
    ? []
    : [
        'L6: "gone" drops nothing that was fetched or set later',
        'L11: every fetch that was told of ends once',
        'L8: ifOlderThan gives nothing older',
        'L10: nothing that was rejected',
        'L16: whoever writes forgets that it was gone',
        'the coordinator: a lease ends with its fetch',
        'L10: a rejection drops what was rejected, and nothing else',
      ],
)

/** Throws unless the rule holds; the message is made only then. */
export function rule(holds: boolean, name: string, what: () => string): void {
  if (!holds && !known.has(name)) throw new Violation(name, what())
}
