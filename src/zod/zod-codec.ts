/** Stored values in the wire form of a zod schema: what the schema turns into dates, maps or bigints survives JSON. */

import * as z from 'zod'
import type { Codec } from '../codec/codec.ts'
import { type JsonSafe, jsonCodec } from '../codec/json.ts'
import { InvalidValueError, type Issue } from '../errors.ts'

/** Where a schema keeps those it is made of. */
const within = [
  'innerType',
  'in',
  'out',
  'element',
  'items',
  'rest',
  'shape',
  'options',
  'left',
  'right',
  'keyType',
  'valueType',
]

/**
 * Stores what `z.encode(schema, value)` gives, as JSON, and reads it back with `z.decode`: needs zod 4.1. Whatever the
 * schema takes as input must survive JSON, which the compiler checks: `z.codec(z.iso.datetime(), z.date(), …)` rather
 * than `z.date()`. Functions of the schema may be asynchronous.
 *
 * What does not match the schema is refused in both directions with an `InvalidValueError`: where and by which rule,
 * without zod's message, which may quote the value. An error thrown by a function of the schema passes as it is.
 * @throws {TypeError} when a part of the schema cannot encode, as `.transform()` and `z.preprocess()`; inside `z.lazy()`
 * that is seen only by the first `encode`.
 *
 * @example
 * ```ts
 * const date = z.codec(z.iso.datetime(), z.date(), {
 *   decode: (text) => new Date(text),
 *   encode: (date) => date.toISOString(),
 * })
 * const codec = zodCodec(z.object({ at: date }))
 * const bytes = await codec.encode({ at: new Date(0) }, { key: 'orders/7' })
 * new TextDecoder().decode(bytes) // '{"at":"1970-01-01T00:00:00.000Z"}'
 * const { at } = await codec.decode(bytes, { key: 'orders/7' })
 * at.getTime() // 0
 * ```
 */
export function zodCodec<S extends z.ZodType>(
  schema: S,
  ..._refused: [z.input<S>] extends [JsonSafe<z.input<S>>] ? [] : ['its input does not survive JSON: use z.codec']
): Codec<z.output<S>> {
  const where = oneWayIn(schema)
  if (where) throw new TypeError(`Cannot use schema: expected one that can encode: received ${where}`)
  // biome-ignore lint/suspicious/noExplicitAny: whatever the schema makes; what JSON would change is refused at run time
  const json = jsonCodec<any>()
  // Always the asynchronous way: to try the other one first would leave a promise of the schema to nobody.
  return {
    encode: async (value, context) => json.encode(await told(z.encodeAsync(schema, value)), context),
    decode: async (bytes, context) => told(z.decodeAsync(schema, await json.decode(bytes, context))),
  }
}

/** The path to the first part that cannot encode, so far as it shows without asking for what is lazy. */
function oneWayIn(part: unknown, path: readonly string[] = [], seen = new Set<unknown>()): string | undefined {
  if (typeof part !== 'object' || part === null || seen.has(part)) return undefined
  seen.add(part)
  const { def } = (part as Partial<z.core.$ZodType>)._zod ?? {}
  if (def?.type === 'transform') return `a transform${path.length ? ` in ${path.join('.')}` : ''}`
  for (const key of def ? within : Object.keys(part)) {
    try {
      const found = oneWayIn((def ?? part)[key as never], def ? path : [...path, key], seen)
      if (found) return found
    } catch (error) {
      // A getter of what is defined only later: its first use will tell.
      if (!(error instanceof ReferenceError)) throw error
    }
  }
  return undefined
}

/** Where it is wrong and by which rule; zod's own message may quote the value. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    const issues = error.issues.map(({ path, code }): Issue => ({ path, code }))
    const where = issues.map(({ path, code }) => `${path.map(String).join('.')} ${code}`.trim())
    throw new InvalidValueError(`The stored value does not match its schema: ${where.join(', ')}`, issues)
  }
}
