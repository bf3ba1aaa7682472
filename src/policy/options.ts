/** How options and arguments are checked: against a table of rules, at once, and refused by name. */

import { isKind, parseDuration, parseInstant } from '../time/duration.ts'

/** Turns what the user gave into what is used, or refuses it. */
export type Rule<T = unknown> = (option: string, value: unknown) => T

type Resolved<R extends Record<string, Rule>> = { readonly [K in keyof R]?: ReturnType<R[K]> | undefined }

/** A long string, or letters with digits behind them, may be a token put in the wrong place. */
const maybeSecret = /.{25}|^[a-z].*\d/i

/** Numbers, booleans and harmless strings as they are written in code; anything else by its kind alone. */
function received(value: unknown): string {
  if (typeof value === 'string')
    return maybeSecret.test(value) ? `a string of ${value.length} characters` : `'${value}'`
  return Object(value) === value ? typeof value : String(value)
}

/** Throws the error of a wrong option: what, why, what was received. */
export function refuse(
  option: string,
  expected: string,
  value: unknown,
  outOfRange?: boolean,
  quoted = received(value),
): never {
  throw new (outOfRange ? RangeError : TypeError)(`Cannot use ${option}: expected ${expected}: received ${quoted}`)
}

/** What is not in the table is refused; what is `undefined` is absent. */
export function checkOptions<R extends Record<string, Rule>>(
  call: string,
  options: unknown,
  rules: R,
  parent = '',
): Resolved<R> {
  // By its kind alone: `invalidate(token)` is an easy slip.
  if (!isKind(options, 'Object')) refuse(call, 'an object with options', options, false, typeof options)
  const resolved: Record<string, unknown> = Object.create(null)
  for (const [option, value] of Object.entries(options as object)) {
    const rule = Object.hasOwn(rules, option)
      ? (rules[option] as Rule)
      : refuse(parent + option, `one of ${Object.keys(rules).join(', ')}`, value)
    if (value !== undefined) resolved[option] = rule(parent + option, value)
  }
  return resolved as Resolved<R>
}

export function isA<T>(type: 'function' | 'string' | 'boolean'): Rule<T> {
  return (option, value) => (typeof value === type ? (value as T) : refuse(option, `a ${type}`, value))
}

export const listenerRule = isA('function')

/** An object with these methods. */
export function having<T>(...methods: readonly string[]): Rule<T> {
  return (option, value) => {
    for (const method of methods) {
      if (typeof Object(value)[method] !== 'function') refuse(option, `an object with ${method}()`, value)
    }
    return value as T
  }
}

/** Whole milliseconds, at least `least`; `Infinity` passes, unless `most` is lower. */
export function duration(least: 0 | 1, most = Infinity): Rule<number> {
  return (option, value) => {
    const ms = parseDuration(value)
    const expected = `a duration ${least ? 'above' : 'of at least'} 0, such as 30000 or '30s'`
    if (!(ms >= 0 && (ms || !least) && ms <= most)) refuse(option, expected, value, /nu|st/.test(typeof value))
    return Math.max(least, Math.round(ms))
  }
}

/** Epoch milliseconds. */
export const instant: Rule<number> = (option, value) => {
  const epoch = parseInstant(value)
  return epoch > -Infinity ? epoch : refuse(option, 'epoch milliseconds or a Date', value, typeof value === 'number')
}
