/** What an explorer throws when a law does not hold. */

export class Violation extends Error {
  override readonly name = 'Violation'
  readonly law: string

  constructor(law: string, what: string) {
    super(`${law}: ${what}`)
    this.law = law
  }

  /** The same violation, with how it was reached. */
  after(rules: string, schedule: readonly string[]): Violation {
    return Object.assign(this, { message: `${this.message}\n  rules: ${rules}\n  after: ${schedule.join(', ')}` })
  }
}

/** Throws unless the law holds; the message is made only then. */
export function hold(holds: boolean, law: string, what: () => string): void {
  if (!holds) throw new Violation(law, what())
}

/** How a value looks in a message. */
export function show(value: unknown): string {
  return (
    JSON.stringify(value, (_, part) => (part === undefined ? 'undefined' : part === Infinity ? 'Infinity' : part)) ??
    'undefined'
  )
}
