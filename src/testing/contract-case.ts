/** What a case of a contract is, and how it says what is wrong: with plain errors, so that any test runner can run it. */

import type { Awaitable } from '../time/awaitable.ts'

/** One fact about an implementation, for `it(name, run)` or a plain loop. `run` rejects when it does not hold. */
export interface ContractCase {
  readonly name: string
  readonly run: () => Promise<void>
}

export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

export function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

/** As it would be written in code, long ones cut. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text
}

/** Whether a call rejects, or throws at once. */
export async function rejects(call: () => Awaitable<unknown>): Promise<boolean> {
  try {
    await call()
    return false
  } catch {
    return true
  }
}

/** Every character a key may have: the registry's are ASCII. */
export const ascii: readonly string[] = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
