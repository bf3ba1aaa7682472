/** What surrounds a stored value, so that nothing but the very value that was stored is ever read back. */

import type { StoredDefect } from '../events/cache-event.ts'

/** A value as bytes, with what a tier may not mix up. Times are epoch milliseconds; the last two may be `Infinity`. */
export interface Envelope {
  /** the whole key, in ASCII */
  readonly key: string
  /** of the type: what its codec writes may change with it */
  readonly version: number
  readonly fetchedAt: number
  readonly expiresAt: number
  readonly keepUntil: number
  readonly body: Uint8Array
}

// All numbers are big-endian: magic, envelope version (1 byte), six float64, key, body, CRC-32 of all that (4 bytes).
// The first byte is neither ASCII nor the beginning of UTF-8: no text is taken for an envelope.
const magic = [0x8e, 0x45, 0x56, 0x43]
const known = 1
const header = magic.length + 1
const front = header + 6 * 8
const trailer = 4

/** A value may come from a clock that is this much ahead. */
const skew = 1000

/** The envelope in memory of its own. Throws `TypeError` for a key that is not ASCII and a body that is not bytes. */
export function sealEnvelope({ key, version, fetchedAt, expiresAt, keepUntil, body }: Envelope): Uint8Array {
  const content = bytesOf(body)
  if (!content) throw new TypeError(`Cannot use encode(): expected a Uint8Array: received ${typeof body}`)
  const total = front + key.length + content.length + trailer
  const bytes = new Uint8Array(total)
  const view = viewOf(bytes)
  bytes.set([...magic, known])
  const numbers = [total, version, fetchedAt, expiresAt, keepUntil, key.length]
  for (const [index, number] of numbers.entries()) view.setFloat64(header + index * 8, number)
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index)
    // Two keys would have the same bytes.
    if (code > 127) throw new TypeError(`Cannot use a key: expected ASCII: received character code ${code}`)
    bytes[front + index] = code
  }
  bytes.set(content, front + key.length)
  view.setUint32(total - trailer, crc32(bytes, total - trailer))
  return bytes
}

/**
 * What was sealed under this key and version, its body in memory of its own; or what is wrong with the bytes. It never
 * throws, whatever they are: the first doubt is the answer.
 */
export function openEnvelope(
  bytes: Uint8Array,
  expected: { readonly key: string; readonly version: number; readonly now: number },
): { readonly envelope: Envelope } | { readonly because: StoredDefect } {
  const given = bytesOf(bytes)
  if (!given || magic.some((byte, index) => index < given.length && given[index] !== byte))
    return { because: 'foreign' }
  if (given.length < header) return { because: 'truncated' }
  const format = given[magic.length] as number
  // What a newer version means by the rest is not known here.
  if (format !== known) return { because: format > known ? 'newer-version' : 'foreign' }
  if (given.length < front + trailer) return { because: 'truncated' }
  const view = viewOf(given)
  const [total, version, fetchedAt, expiresAt, keepUntil, keyLength] = [0, 1, 2, 3, 4, 5].map((index) =>
    view.getFloat64(header + index * 8),
  ) as [number, number, number, number, number, number]
  if (given.length < total) return { because: 'truncated' }
  const end = given.length - trailer
  if (given.length !== total || view.getUint32(end) !== crc32(given, end)) return { because: 'flipped' }
  const { key } = expected
  if (keyLength !== key.length || end < front + keyLength) return { because: 'other-key' }
  for (let index = 0; index < keyLength; index++) {
    if (given[front + index] !== key.charCodeAt(index)) return { because: 'other-key' }
  }
  if (version !== expected.version) return { because: 'other-type' }
  // With NaN among them every comparison is false.
  if (!(Number.isFinite(fetchedAt) && fetchedAt <= expiresAt && expiresAt <= keepUntil)) return { because: 'flipped' }
  if (!(fetchedAt <= expected.now + skew)) return { because: 'future' }
  return { envelope: { key, version, fetchedAt, expiresAt, keepUntil, body: given.slice(front + keyLength, end) } }
}

/** Plain bytes over the same memory: the `slice()` of a Node `Buffer` copies nothing. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  // Nothing can be made over memory that was transferred away.
  const { buffer, byteOffset, byteLength } = value
  return byteLength ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array()
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => new DataView(buffer, byteOffset, byteLength)

/** Made when it is first needed: who stores nothing does not pay for it. */
let table: Uint32Array | undefined

/** Of the first `end` bytes, as in zip and `zlib.crc32`. */
function crc32(bytes: Uint8Array, end: number): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 && 0xedb88320)
    return remainder
  })
  let crc = -1
  for (let index = 0; index < end; index++) {
    crc = (table[(crc ^ (bytes[index] as number)) & 255] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
