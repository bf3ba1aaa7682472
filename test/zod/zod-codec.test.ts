/** What a zod schema can write it reads back: dates, maps and bigints too; what has no way back is refused at once. */
import { CacheError, InvalidValueError } from 'evercurrent'
import { zodCodec } from 'evercurrent/zod'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'

const date = z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (at) => at.toISOString() })
const big = z.codec(z.string().regex(/^-?\d+$/), z.bigint(), { decode: BigInt, encode: String })
const sizes = z.codec(z.array(z.tuple([z.string(), z.number()])), z.map(z.string(), z.number()), {
  decode: (pairs) => new Map(pairs),
  encode: (map) => [...map],
})
const Row = z.object({ at: date, total: big, sizes, note: z.string().optional(), kind: z.enum(['a', 'b']).nullable() })
const context = { key: 'a' }
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const failure = async (work: () => unknown): Promise<Error> => {
  try {
    await work()
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('zodCodec', () => {
  it('brings dates, bigints, maps and what is optional back', async () => {
    const codec = zodCodec(Row)
    const rows = fc.record(
      {
        at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }),
        total: fc.bigInt(),
        sizes: fc
          .array(fc.tuple(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })))
          .map((all) => new Map(all)),
        kind: fc.constantFrom('a' as const, 'b' as const, null),
        note: fc.string(),
      },
      { requiredKeys: ['at', 'total', 'sizes', 'kind'], noNullPrototype: true },
    )
    await fc.assert(
      fc.asyncProperty(rows, async (row) => {
        expect(await codec.decode(await codec.encode(row, context), context)).toStrictEqual(row)
      }),
    )
  })

  it('stores the wire form as JSON', async () => {
    const row = { at: new Date(0), total: 5n, sizes: new Map([['a', 1]]), kind: null }
    expect(new TextDecoder().decode(await zodCodec(Row).encode(row, context))).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","total":"5","sizes":[["a",1]],"kind":null}',
    )
  })

  it('waits for the functions of a schema that answer later, and leaves no rejection to nobody', async () => {
    const slow = z.codec(z.string(), z.number(), {
      decode: async (text) => (text === 'no' ? Promise.reject(new Error('refused later')) : Number(text)),
      encode: async (number) => String(number),
    })
    const codec = zodCodec(z.array(slow))
    expect(await codec.decode(await codec.encode([1, 2], context), context)).toEqual([1, 2])
    expect(await failure(() => codec.decode(bytesOf(['no']), context))).toEqual(new Error('refused later'))
  })

  it('reads what recursive and lazy schemas wrote', async () => {
    const Tree = z.object({
      at: date,
      get children() {
        return z.array(Tree)
      },
    })
    const tree = { at: new Date(1), children: [{ at: new Date(2), children: [] }] }
    const codec = zodCodec(Tree)
    expect(await codec.decode(await codec.encode(tree, context), context)).toEqual(tree)
    const lazy = zodCodec(z.lazy(() => date))
    expect(await lazy.decode(await lazy.encode(new Date(3), context), context)).toEqual(new Date(3))
  })

  it('says where and by which rule a value does not match, in both directions, and quotes none of it', async () => {
    const codec = zodCodec(z.object({ list: z.array(z.object({ token: z.string().min(9, 'not s3cret') })) }))
    const message = 'The stored value does not match its schema: list.0.token too_small'
    const wrong = { list: [{ token: 's3cret' }] }
    const issues = [{ path: ['list', 0, 'token'], code: 'too_small' }]
    for (const work of [() => codec.encode(wrong, context), () => codec.decode(bytesOf(wrong), context)]) {
      const error = await failure(work)
      expect(error).toBeInstanceOf(InvalidValueError)
      expect(error).toBeInstanceOf(CacheError)
      expect(error).toMatchObject({ message, issues })
    }
  })

  it('decodes nothing that is no JSON', async () => {
    const codec = zodCodec(z.object({}))
    const error = await failure(() => codec.decode(new TextEncoder().encode('s3cret'), context))
    expect(error).toEqual(new Error('Cannot decode a stored value: no JSON'))
  })

  it('refuses at the first encode what the schema leaves as it is and JSON would change', async () => {
    const error = await failure(() =>
      zodCodec(z.object({ at: z.date() }) as never).encode({ at: new Date(0) } as never, context),
    )
    expect(error).toEqual(new TypeError('Cannot encode at as JSON: it would change: received an instance of Date'))
  })

  const shout = z.string().transform((text) => text.toUpperCase())
  it.each<[string, z.ZodType]>([
    ['a transform', shout],
    ['a transform', z.preprocess(Number, z.number())],
    ['a transform in a.b', z.object({ a: z.object({ b: shout.optional() }) })],
    ['a transform in 1', z.union([z.string(), shout])],
    ['a transform', z.array(z.record(z.string(), shout.nullable().default('a').readonly()))],
    ['a transform in 0', z.tuple([shout])],
    ['a transform', z.tuple([z.string()]).rest(shout)],
    ['a transform', z.map(z.string(), shout)],
    ['a transform', z.intersection(z.object({}), shout as never)],
  ])('takes no schema with %s', (received, schema) => {
    expect(() => zodCodec(schema as never)).toThrow(
      new TypeError(`Cannot use schema: expected one that can encode: received ${received}`),
    )
  })

  it('does not ask for what is defined only later, and refuses a transform there at the first encode', async () => {
    const Outer = z.object({
      get inner(): z.ZodType<string> {
        return Inner as never
      },
    })
    const codec = zodCodec(Outer as never)
    const Inner = shout
    const lazy = zodCodec(z.lazy(() => shout))
    const message = 'Encountered unidirectional transform during encode: ZodTransform'
    expect((await failure(() => codec.encode({ inner: 'a' } as never, context))).message).toBe(message)
    expect((await failure(() => lazy.encode('a', context))).message).toBe(message)
  })

  it('passes what a getter of a schema throws, unless the name is not there yet', () => {
    const schema = z.object({
      get broken(): z.ZodType {
        throw new RangeError('mine')
      },
    })
    expect(() => zodCodec(schema as never)).toThrow(new RangeError('mine'))
  })
})
