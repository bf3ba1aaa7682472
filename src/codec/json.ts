/** Values as JSON: what would not come back the same is refused, by the compiler where it can see it, else at run time. */

import type { Codec } from './codec.ts'

/**
 * `T` itself when JSON brings it back unchanged, and no type that `T` fits where it does not: `Date`, `Map`, `bigint`,
 * functions and whatever has methods, `undefined` in an array, `unknown`. A property may be `undefined`.
 */
export type JsonSafe<T> = T extends string | number | boolean | null
  ? T
  : T extends object
    ? T extends (...given: never[]) => unknown
      ? never
      : T extends readonly unknown[]
        ? number extends T['length']
          ? readonly JsonSafe<T[number]>[]
          : { [P in keyof T]: JsonSafe<T[P]> }
        : [keyof T] extends [never]
          ? never
          : { [P in keyof T]: JsonSafe<Exclude<T[P], undefined>> | Extract<T[P], undefined> }
    : never

/**
 * Stores values as JSON in UTF-8. Whoever passes no `V`, or one that JSON would change, does not compile.
 *
 * What the compiler cannot see, `encode` refuses with a `TypeError` that names the path, never the value: `NaN` and
 * infinities, `undefined` or a hole in an array, `bigint`, symbols, functions, instances of classes such as `Date`, what
 * contains itself. `-0` comes back as `-0`; a property that is `undefined` comes back absent, and an object without
 * prototype comes back with one. `decode` checks nothing but that it is JSON: move the type's `version` on when the shape
 * of its values changes, or use `zodCodec`.
 *
 * @example
 * ```ts
 * const codec = jsonCodec<{ id: number; tags: string[] }>()
 * const bytes = await codec.encode({ id: 7, tags: [] }, { key: 'orders/7' })
 * await codec.decode(bytes, { key: 'orders/7' }) // { id: 7, tags: [] }
 * ```
 */
export function jsonCodec<V>(
  ..._refused: [V] extends [JsonSafe<V>] ? [] : ['this type does not survive JSON: use zodCodec']
): Codec<V> {
  return {
    encode: (value) => new TextEncoder().encode(written(value, [], [])),
    decode: (bytes) => {
      try {
        return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
      } catch {
        // The error of `JSON.parse` quotes what it could not read.
        throw new Error('Cannot decode a stored value: no JSON')
      }
    },
  }
}

/**
 * As `JSON.stringify`, but in one pass that reads each property once, so that what was checked is what is written. `above`
 * are the objects it is in, `path` the keys that lead there.
 */
function written(value: unknown, above: object[], path: PropertyKey[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0'
    return Number.isFinite(value) ? `${value}` : refuse(value, above, path)
  }
  if (value === null || typeof value === 'boolean') return `${value}`
  if (typeof value !== 'object') return refuse(typeof value, above, path)
  const doubt = above.includes(value) ? 'what it is in' : wrongWith(value)
  if (doubt) refuse(doubt, above, path)
  const depth = above.push(value) - 1
  let text = ''
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path[depth] = index
      text += (index ? ',' : '') + written(value[index], above, path)
    }
    text = `[${text}]`
  } else {
    for (const key of Object.keys(value)) {
      const item: unknown = value[key as never]
      if (item === undefined) continue
      path[depth] = key
      text += `${(text && ',') + JSON.stringify(key)}:${written(item, above, path)}`
    }
    text = `{${text}}`
  }
  above.pop()
  return text
}

function refuse(received: unknown, { length: depth }: readonly object[], path: readonly PropertyKey[]): never {
  const where = path.slice(0, depth).join('.') || 'a value'
  throw new TypeError(`Cannot encode ${where} as JSON: it would change: received ${received}`)
}

/** Arrays and objects, of this realm or another one, are what JSON brings back: no instance of anything else. */
function wrongWith(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value)
  const isArray = Array.isArray(value)
  const root = isArray && prototype ? Object.getPrototypeOf(prototype) : prototype
  if (root !== Object.prototype && root !== null && !Object.hasOwn(root, 'isPrototypeOf'))
    return `an instance of ${prototype.constructor?.name}`
  if (Object.getOwnPropertySymbols(value).length) return 'an object with symbols'
  return isArray && Object.keys(value).length !== value.length ? 'an array with holes or properties' : undefined
}
