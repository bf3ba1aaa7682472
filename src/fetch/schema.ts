/** Whether what a fetch returned has the right shape: any Standard Schema decides (zod, valibot, arktype, …). */

import { InvalidValueError, type Issue } from '../errors.ts'
import type { Awaitable } from '../time/awaitable.ts'

/** The part of https://standardschema.dev that is needed here. */
export interface StandardSchema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (
      value: unknown,
    ) => Awaitable<{ readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly unknown[] }>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** Where it is wrong and by which rule; a schema's own message may quote the value, and values may be secrets. */
function withoutValue(issue: unknown): Issue {
  const { path = [], code } = issue as { path?: readonly (PropertyKey | { key: PropertyKey })[]; code?: unknown }
  const keys = path.map((step) => (typeof step === 'object' ? step.key : step))
  return typeof code === 'string' ? { path: keys, code } : { path: keys }
}

/** The schema's output, or an `InvalidValueError`. */
export async function validate<V>(schema: StandardSchema<V>, result: unknown): Promise<V> {
  const outcome = await schema['~standard'].validate(result)
  if (!outcome.issues) return outcome.value
  const issues = outcome.issues.map(withoutValue)
  const where = issues.map(({ path, code = '' }) => `${path.map(String).join('.')} ${code}`.trim())
  throw new InvalidValueError(`The fetched value does not match its schema: ${where.join(', ')}`, issues)
}
