/** Which options and arguments are accepted: anything else is refused at once, by name. */

import { kindOf, received } from '../time/received.ts'

/** Throws unless `options` is an object with known keys only. */
export function checkKeys(call: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Cannot call ${call}: its options are not an object: received ${kindOf(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(
        `Cannot call ${call}: unknown option ${key} (known: ${known.join(', ')}): received ${received((options as Record<string, unknown>)[key])}`,
      )
    }
  }
}

/** Throws unless the option is absent or of that type. */
export function checkType(option: string, value: unknown, type: 'function' | 'string' | 'boolean' | 'object'): void {
  if (value === undefined || (typeof value === type && value !== null)) return
  throw new TypeError(`Cannot use ${option}: not a ${type}: received ${received(value)}`)
}
