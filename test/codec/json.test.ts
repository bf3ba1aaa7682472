/** What goes through JSON comes back as it was, or is refused with the path to it and without the value. */
import { runInNewContext } from 'node:vm'
import { jsonCodec } from 'evercurrent/codec'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const context = { key: 'a' }
// biome-ignore lint/suspicious/noExplicitAny: values the compiler would refuse
const codec = jsonCodec<any>()
const encode = (value: unknown) => codec.encode(value, context) as Uint8Array
const text = (value: unknown) => new TextDecoder().decode(encode(value))
const decode = (bytes: Uint8Array) => codec.decode(bytes, context)
const change = 'as JSON: it would change: received'

describe('jsonCodec', () => {
  it('brings every JSON value back, signs of zero and lone surrogates included', () => {
    const values = fc.jsonValue({ stringUnit: 'binary' })
    const strings = fc.string({ unit: 'binary' }).map((each) => `${each}\ud800"\\\u2028`)
    fc.assert(
      fc.property(fc.oneof(values, strings, fc.dictionary(strings, values, { noNullPrototype: true })), (value) => {
        expect(decode(encode(value))).toStrictEqual(value)
      }),
    )
    expect([-0, 0, 1e21, 5e-324, -1.5e300].map((number) => decode(encode(number)))).toEqual([
      -0, 0, 1e21, 5e-324, -1.5e300,
    ])
  })

  it('writes what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(text(value).replaceAll(/-0(?=[,\]}]|$)/g, '0')).toBe(
          JSON.stringify(value).replaceAll(/-0(?=[,\]}]|$)/g, '0'),
        )
      }),
    )
    expect(text({ a: [1, 'ü', null, true], b: {} })).toBe('{"a":[1,"ü",null,true],"b":{}}')
  })

  it('leaves out properties that are undefined, and takes objects and arrays of any realm or without prototype', () => {
    expect(text({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}')
    expect(text(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}')
    expect(text(runInNewContext('({ a: [1, { b: 2 }] })'))).toBe('{"a":[1,{"b":2}]}')
    expect(decode(encode(JSON.parse('{"__proto__":{"a":1}}')))).toStrictEqual(JSON.parse('{"__proto__":{"a":1}}'))
  })

  it('takes the same object twice, side by side', () => {
    const shared = { a: 1 }
    expect(text({ one: shared, other: [shared, shared] })).toBe('{"one":{"a":1},"other":[{"a":1},{"a":1}]}')
  })

  class Money {
    readonly amount = 1
  }
  class List extends Array<number> {}
  const loop: { next: unknown[] } = { next: [] }
  loop.next.push(loop)
  it.each<[string, unknown, string]>([
    ['a value', undefined, 'undefined'],
    ['a value', NaN, 'NaN'],
    ['a value', 1n, 'bigint'],
    ['a value', new Date(0), 'an instance of Date'],
    ['a.b', { a: { b: Infinity } }, 'Infinity'],
    ['a.1', { a: [0, -Infinity] }, '-Infinity'],
    ['0.at', [{ at: new Date(0) }], 'an instance of Date'],
    ['a.1', { a: [1, undefined] }, 'undefined'],
    ['a', { a: Object.assign(Array(3), { 0: 1, 2: 3 }) }, 'an array with holes or properties'],
    ['a', { a: Object.assign([1], { more: 's3cret' }) }, 'an array with holes or properties'],
    ['a.0', { a: Object.assign(Array(2), { 1: 1, more: 1 }) }, 'undefined'],
    ['a', { a: () => 's3cret' }, 'function'],
    ['a', { a: Symbol('s3cret') }, 'symbol'],
    ['a', { a: { [Symbol('s3cret')]: 1 } }, 'an object with symbols'],
    ['a', { a: new Map([['s3cret', 1]]) }, 'an instance of Map'],
    ['a', { a: new Uint8Array(1) }, 'an instance of Uint8Array'],
    ['a', { a: new Money() }, 'an instance of Money'],
    ['a', { a: new List() }, 'an instance of List'],
    ['a', { a: new Error('s3cret') }, 'an instance of Error'],
    ['a', { a: Object.create({ inherited: 1 }) }, 'an instance of Object'],
    ['a', { a: Object.create(Object.create(null)) }, 'an instance of undefined'],
    ['a', { a: Object('s3cret') }, 'an instance of String'],
    ['toJSON', { toJSON: () => 1 }, 'function'],
    ['next.0', loop, 'what it is in'],
    ['b', { a: { deep: [1] }, b: NaN }, 'NaN'],
  ])('refuses %s of %o', (path, value, received) => {
    expect(() => encode(value)).toThrow(new TypeError(`Cannot encode ${path} ${change} ${received}`))
  })

  it('refuses a bigint also where somebody taught it toJSON, and asks no Date for it', () => {
    const prototype = BigInt.prototype as { toJSON?: unknown }
    prototype.toJSON = () => '1'
    try {
      expect(() => encode({ a: 1n })).toThrow(`a ${change} bigint`)
    } finally {
      delete prototype.toJSON
    }
  })

  it('writes what it checked: each property is read once', () => {
    let reads = 0
    const value = {
      get a() {
        reads += 1
        return reads === 1 ? 1 : NaN
      },
    }
    expect(text(value)).toBe('{"a":1}')
    expect(reads).toBe(1)
  })

  it.each([
    ['nothing', []],
    ['half a value', [...new TextEncoder().encode('{"token":"s3cret')]],
    ['what is not UTF-8', [0x22, 0xff, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31]],
    ['two values', [0x31, 0x20, 0x31]],
  ])('decodes no %s, and does not quote it', (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(new Error('Cannot decode a stored value: no JSON'))
  })
})
