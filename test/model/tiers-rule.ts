/** A rule of the model, by the law it follows from and a name of its own. */
import { Violation } from '../explore/violation.ts'

/** Throws unless the rule holds; the message is made only then. */
export function rule(holds: boolean, name: string, what: () => string): void {
  if (!holds) throw new Violation(name, what())
}
