/** Feeds damaged bytes to the envelope and to every codec: what comes out is the very value that was stored, or nothing. */
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Codec } from 'evercurrent'
import { encrypted, jsonCodec } from 'evercurrent/codec'
import { zodCodec } from 'evercurrent/zod'
import * as z from 'zod'
import { type Envelope, openEnvelope, sealEnvelope } from '../../src/codec/envelope.ts'
import { type Dice, dice, mutate } from './mutations.ts'

export interface Counts {
  /** damaged inputs, by what they were given to */
  readonly inputs: Record<string, number>
  /** how they were answered */
  readonly answers: Record<string, number>
}

type Value = { at: Date; total: bigint; list: (number | string | null)[]; more: { deep: boolean }[] }
interface Stored {
  readonly value: unknown
  readonly codec: string
  readonly envelope: Envelope
  readonly sealed: Uint8Array
}

const date = z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (at) => at.toISOString() })
const big = z.codec(z.string().regex(/^-?\d+$/), z.bigint(), { decode: BigInt, encode: String })
const Row = z.object({
  at: date,
  total: big,
  list: z.array(z.union([z.number(), z.string(), z.null()])),
  more: z.array(z.object({ deep: z.boolean() })),
})

/** Strings of every kind that UTF-8 and JSON treat in their own ways. */
const pieces = ['', 'a', 's3cret', '"', '\\', '\u0000', 'ü', '\u2028', '😀', '\ud800', '__proto__', '{', '0']
const text = (roll: Dice) => Array.from({ length: roll.below(6) }, () => roll.of(pieces)).join('')
const someNumbers = [0, -0, 1, -1.5, 1e21, 5e-324, 2 ** 53, Number.MAX_VALUE]

function anyValue(roll: Dice): Value {
  const item = () => roll.of([roll.of(someNumbers), text(roll), null])
  return {
    at: new Date(roll.below(2 ** 31) * 1000),
    total: BigInt(roll.below(2 ** 32)) ** 3n,
    list: Array.from({ length: roll.below(12) }, item),
    more: Array.from({ length: roll.below(4) }, () => ({ deep: !roll.below(2) })),
  }
}

async function codecs(): Promise<Record<string, Codec<never>>> {
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  const key = () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages)
  const json = jsonCodec<Omit<Value, 'at' | 'total'>>()
  return { json, zod: zodCodec(Row), encrypted: encrypted(json, [await key(), await key()]) } as never
}

async function store(key: string, name: string, codec: Codec<never>, roll: Dice): Promise<Stored> {
  const { at, total, ...rest } = anyValue(roll)
  const value = name === 'zod' ? { at, total, ...rest } : rest
  const fetchedAt = 1e12 + roll.below(1e6)
  const expiresAt = fetchedAt + roll.of([0, 30_000, Infinity])
  const keepUntil = expiresAt + roll.below(60_000)
  const body = await codec.encode(value as never, { key })
  const envelope = { key, version: roll.below(3), fetchedAt, expiresAt, keepUntil, body }
  return { value, codec: name, envelope, sealed: sealEnvelope(envelope) }
}

class Wrong extends Error {}

/** Rejects with the seed, the number of the input and its bytes for the first answer that is neither. */
export async function fuzz(total: number, seed: number, open = openEnvelope): Promise<Counts> {
  const roll = dice(seed)
  const known = await codecs()
  const counts: Counts = { inputs: {}, answers: {} }
  const count = (of: Record<string, number>, name: string) => {
    of[name] = (of[name] ?? 0) + 1
  }
  // Encryption costs a hundred times what the rest does.
  const shares = [...Array(16).fill('json'), 'zod', 'zod', 'zod', 'encrypted']
  let all: Stored[] = []
  for (let input = 0; input < total; input++) {
    if (input % 1000 === 0) {
      const names = Array.from({ length: 20 }, (_, at) => shares[at] as string)
      all = await Promise.all(names.map((name, at) => store(`type/${at}`, name, known[name] as Codec<never>, roll)))
    }
    const stored = roll.of(all)
    const way = roll.of(['sealed', 'sealed', 'sealed', 'resealed', 'body'] as const)
    const bytes = damaged(way === 'body' ? stored.envelope.body : stored.sealed, way, roll, roll.of(all))
    const codec = known[stored.codec] as Codec<never>
    count(counts.inputs, `${way} ${stored.codec}`)
    try {
      if (way === 'body') count(counts.answers, await decoded(bytes, stored, codec, false))
      else count(counts.answers, await opened(bytes, stored, codec, roll, way === 'resealed', open))
    } catch (error) {
      const hex = Buffer.from(bytes).toString('hex')
      throw new Wrong(`seed ${seed}, input ${input} (${way} ${stored.codec}): ${(error as Error).message}: ${hex}`)
    }
  }
  return counts
}

function damaged(bytes: Uint8Array, way: string, roll: Dice, other: Stored): Uint8Array {
  const changed = mutate(bytes, roll, way === 'body' ? other.envelope.body : other.sealed)
  if (way === 'resealed' && changed.length > 4) {
    new DataView(changed.buffer).setUint32(changed.length - 4, crc32(changed.subarray(0, -4)))
  }
  return changed
}

/** As a registry does it: what does not open is a defect, and what opens is decoded. */
async function opened(
  bytes: Uint8Array,
  stored: Stored,
  codec: Codec<never>,
  roll: Dice,
  resealed: boolean,
  open: typeof openEnvelope,
) {
  const { key, version, fetchedAt: now } = stored.envelope
  const right = { key, version, now }
  // Whoever asks for something else gets nothing, whatever the bytes are.
  const expected = roll.of([
    right,
    right,
    right,
    { ...right, key: `${key}x` },
    { ...right, version: 9 },
    { ...right, now: now - 5000 },
  ])
  const outcome = open(bytes, expected)
  if ('because' in outcome) return outcome.because
  const { envelope } = outcome
  const { fetchedAt, expiresAt, keepUntil } = envelope
  const timely = fetchedAt <= expected.now + 1000 && fetchedAt <= expiresAt && expiresAt <= keepUntil
  if (!timely || envelope.key !== expected.key || envelope.version !== expected.version) throw new Wrong('opened')
  // A checksum that was made right again guards nothing: then only what is encrypted is still the same.
  if (resealed) return decoded(envelope.body, stored, codec, false)
  if (!isDeepStrictEqual(envelope, stored.envelope)) throw new Wrong('opened as another envelope')
  return decoded(envelope.body, stored, codec, true)
}

async function decoded(
  body: Uint8Array,
  { value, codec: name, envelope }: Stored,
  codec: Codec<never>,
  intact: boolean,
) {
  let got: unknown
  try {
    got = await codec.decode(body, envelope)
  } catch (error) {
    const { message } = error as Error
    if (intact) throw new Wrong(`does not decode: ${message}`)
    // Of JSON that was cut, an engine would show what it could not read.
    if (!(error instanceof Error) || /s3cret/.test(message)) throw new Wrong(`refused with ${message}`)
    return 'refused'
  }
  if (isDeepStrictEqual(got, value)) return 'the value'
  if (intact || name === 'encrypted') throw new Wrong('another value')
  // Bytes that nothing guards may be another value; it is one of the codec, then, and comes back itself.
  const what = 'another value of bytes that nothing guarded'
  try {
    const again = await codec.decode(await codec.encode(got as never, envelope), envelope)
    if (isDeepStrictEqual(again, got)) return what
  } catch (error) {
    // In JSON, 1e309 is a number.
    if (/received -?Infinity$/.test((error as Error).message)) return what
    throw error
  }
  throw new Wrong('a value that does not come back')
}
