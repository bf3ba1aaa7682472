/** Codecs: what survives JSON compiles, what does not is refused where it is written, and zod is the way for the rest. */
import { BackgroundCache, type Codec } from 'evercurrent'
import { encrypted, type JsonSafe, jsonCodec } from 'evercurrent/codec'
import { policySchema, zodCodec } from 'evercurrent/zod'
import * as z from 'zod'

interface Row {
  readonly id: number
  readonly name: string | null
  readonly tags: readonly ('a' | 'b')[]
  readonly pair: readonly [string, number]
  readonly note?: string
  readonly maybe: boolean | undefined
  readonly parts: { readonly [name: string]: Row }
}
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
type UserId = string & { readonly brand: unique symbol }

export const rows: Codec<Row> = jsonCodec<Row>()
export const lists: Codec<readonly Row[]> = jsonCodec<readonly Row[]>()
export const anyJson: Codec<Json> = jsonCodec<Json>()
export const ids: Codec<Record<UserId, UserId>> = jsonCodec<Record<UserId, UserId>>()
export const message: Codec<{ name: string; message: string }> = jsonCodec<{ name: string; message: string }>()
export const same: JsonSafe<Row> = { id: 1, name: null, tags: ['a'], pair: ['a', 1], maybe: undefined, parts: {} }
export const secret = (key: CryptoKey): Codec<Row> => encrypted(jsonCodec<Row>(), [key, key])

// @ts-expect-error a date would come back as a string
jsonCodec<{ at: Date }>()
// @ts-expect-error a map would come back empty
jsonCodec<Map<string, string>>()
// @ts-expect-error a set would come back empty
jsonCodec<{ a: { b: Set<string> }[] }>()
// @ts-expect-error JSON has no bigint
jsonCodec<{ total: bigint }>()
// @ts-expect-error undefined in an array would come back as null
jsonCodec<(string | undefined)[]>()
// @ts-expect-error the same in a tuple
jsonCodec<{ pair: [string, undefined] }>()
// @ts-expect-error undefined alone is no JSON
jsonCodec<string | undefined>()
// @ts-expect-error functions are dropped
jsonCodec<{ call: () => void }>()
// @ts-expect-error what has methods comes back without
jsonCodec<URL>()
// @ts-expect-error bytes would come back as an object
jsonCodec<Uint8Array>()
// @ts-expect-error symbols are dropped
jsonCodec<{ mark: symbol }>()
// @ts-expect-error nobody knows what it is
jsonCodec<unknown>()
// @ts-expect-error nor what is in it
jsonCodec<{ rest: object }>()
// @ts-expect-error the type has to be said
jsonCodec()
// @ts-expect-error a secret is not a key yet
encrypted(jsonCodec<string>(), 'secret')

const date = z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (at) => at.toISOString() })
const Tree = z.object({
  at: date,
  get children() {
    return z.array(Tree)
  },
})
export const dates: Codec<{ at: Date }> = zodCodec(z.object({ at: date }))
export const trees: Codec<z.output<typeof Tree>> = zodCodec(Tree)
export const brands = zodCodec(z.object({ id: z.string().brand<'id'>(), note: z.string().optional() }))

// @ts-expect-error the schema takes a Date as it is: z.codec says how it is written
zodCodec(z.object({ at: z.date() }))
// @ts-expect-error a transform has no way back, but it is what it makes that is asked for
export const lengths: Codec<string> = zodCodec(z.string().transform((text) => text.length))

export const configured = new BackgroundCache({ ...policySchema.parse({ ttl: '30s' }), fetch: async () => 'v' })
export const typed: Promise<string> = configured.get()
export const ttl: number = policySchema.parse({}).ttl
// @ts-expect-error milliseconds come out
export const text: string = policySchema.parse({}).ttl
