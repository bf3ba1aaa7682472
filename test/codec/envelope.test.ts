/** What an envelope gives back: the very value that was sealed, or the name of what is wrong with the bytes. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Envelope, openEnvelope, sealEnvelope } from '../../src/codec/envelope.ts'

const body = new Uint8Array([1, 2, 3, 250])
const sample: Envelope = { key: 'a/b', version: 2, fetchedAt: 1000, expiresAt: 2000, keepUntil: 3000, body }
const expected = { key: 'a/b', version: 2, now: 1000 }
const sealed = sealEnvelope(sample)
const open = (bytes: unknown, changed: Partial<typeof expected> = {}) =>
  openEnvelope(bytes as Uint8Array, { ...expected, ...changed })
const defect = (bytes: unknown, changed: Partial<typeof expected> = {}) => {
  const outcome = open(bytes, changed)
  return 'because' in outcome ? outcome.because : 'none'
}
const samples: readonly Envelope[] = [
  sample,
  { ...sample, body: new Uint8Array() },
  { ...sample, key: '', expiresAt: Infinity, keepUntil: Infinity },
  { ...sample, key: 'k'.repeat(70), body: Uint8Array.from({ length: 300 }, (_, at) => at) },
]
const expectedOf = ({ key, version, fetchedAt }: Envelope) => ({ key, version, now: fetchedAt })
/** With its checksum made right again, so that what was changed is looked at. */
const resealed = (change: (view: DataView, bytes: Uint8Array) => void, from = sealed): Uint8Array => {
  const bytes = from.slice()
  const view = new DataView(bytes.buffer)
  change(view, bytes)
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)))
  return bytes
}
const at = { version: 4, total: 5, type: 13, fetchedAt: 21, expiresAt: 29, keepUntil: 37, keyLength: 45, key: 53 }

describe('an envelope', () => {
  it('gives back what was sealed', () => {
    for (const each of samples) expect(openEnvelope(sealEnvelope(each), expectedOf(each))).toEqual({ envelope: each })
  })

  it('gives back any key, version, times and body', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const time = fc.integer({ min: -1e15, max: 1e15 })
    const lasting = fc.oneof(fc.nat(1e12), fc.constant(Infinity))
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii' }),
        fc.maxSafeNat(),
        time,
        lasting,
        lasting,
        bytes,
        (key, version, fetchedAt, lives, stale, body) => {
          const expiresAt = fetchedAt + lives
          const envelope = { key, version, fetchedAt, expiresAt, keepUntil: expiresAt + stale, body }
          expect(openEnvelope(sealEnvelope(envelope), expectedOf(envelope))).toEqual({ envelope })
        },
      ),
    )
  })

  it('has the bytes it has always had', () => {
    const hex = Buffer.from(sealed).toString('hex')
    expect(hex).toBe(
      '8e455643' +
        '01' +
        '4050000000000000' + // 64 bytes in all
        '4000000000000000' +
        '408f400000000000' +
        '409f400000000000' +
        '40a7700000000000' +
        '4008000000000000' +
        '612f62' +
        '010203fa' +
        crc32(sealed.subarray(0, -4)).toString(16).padStart(8, '0'),
    )
  })

  it('cut at any length is truncated', () => {
    for (const each of samples) {
      const bytes = sealEnvelope(each)
      for (let length = 0; length < bytes.length; length++) {
        expect(openEnvelope(bytes.subarray(0, length), expectedOf(each))).toEqual({ because: 'truncated' })
      }
    }
  })

  it('with any bit flipped is a defect, and tells of the checksum wherever nothing else is plain', () => {
    for (const each of samples) {
      const bytes = sealEnvelope(each)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const wrong = bytes.slice()
        wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7))
        const because =
          bit < 32 ? /foreign/ : bit < 40 ? /foreign|newer-version/ : bit < 104 ? /truncated|flipped/ : /flipped/
        expect(openEnvelope(wrong, expectedOf(each))).toEqual({ because: expect.stringMatching(because) })
      }
    }
  })

  it('followed by anything is no envelope', () => {
    expect(defect(new Uint8Array([...sealed, 0]))).toBe('flipped')
    expect(defect(new Uint8Array([...sealed, ...sealed]))).toBe('flipped')
  })

  it.each([
    ['text', new TextEncoder().encode('{"key":"a/b"}')],
    ['zeros', new Uint8Array(100)],
    ['one byte', new Uint8Array([1])],
    ['a string', 'a/b'],
    ['nothing', undefined],
    ['null', null],
    ['an array', [...sealed]],
    ['an object', { buffer: sealed.buffer, byteOffset: 0, byteLength: sealed.length }],
    ['an ArrayBuffer', sealed.buffer],
  ])('is not made of %s', (_, bytes) => {
    expect(defect(bytes)).toBe('foreign')
  })

  it('is never made of random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => defect(bytes) !== 'none'))
    const behindMagic = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Uint8Array.from([...sealed.subarray(0, 5), ...bytes]))
    fc.assert(fc.property(behindMagic, (bytes) => ['truncated', 'flipped'].includes(defect(bytes))))
  })

  it('is read out of a Buffer, out of the middle of a bigger one, and through another kind of view', () => {
    const bigger = new Uint8Array([9, ...sealed, 9, 9, 9])
    expect(open(bigger.subarray(1, 1 + sealed.length))).toEqual({ envelope: sample })
    expect(open(Buffer.from(sealed))).toEqual({ envelope: sample })
    expect(open(Buffer.from(bigger.buffer, 1, sealed.length))).toEqual({ envelope: sample })
    expect(open(new DataView(bigger.buffer, 1, sealed.length))).toEqual({ envelope: sample })
  })

  it('has a body in memory of its own, a Uint8Array from the beginning of its buffer', () => {
    const bytes = Buffer.from(sealed)
    const outcome = open(bytes)
    bytes.fill(0)
    expect(outcome).toEqual({ envelope: sample })
    const { body } = (outcome as { envelope: Envelope }).envelope
    expect([body.constructor, body.byteOffset, body.buffer.byteLength]).toEqual([Uint8Array, 0, 4])
  })

  it('is made in memory of its own, whatever view the body is', () => {
    const given = body.slice()
    const bytes = sealEnvelope({ ...sample, body: given })
    given.fill(0)
    expect(bytes).toEqual(sealed)
    const words = new Uint16Array(body.slice().buffer)
    expect(sealEnvelope({ ...sample, body: words as never })).toEqual(sealed)
  })

  it('is truncated when its memory was transferred away', () => {
    const bytes = sealed.slice()
    structuredClone(bytes, { transfer: [bytes.buffer] })
    expect(defect(bytes)).toBe('truncated')
  })

  it.each(['a/', 'a/c', 'a/bb', '', 'a/\u0162', '\u0161/b'])('of another key than %j says so', (key) => {
    expect(defect(sealed, { key })).toBe('other-key')
  })

  it('of another version of the type says so', () => {
    for (const version of [1, 3, 0, NaN]) expect(defect(sealed, { version })).toBe('other-type')
  })

  it('of a newer format says so before anything else is looked at', () => {
    for (const version of [2, 255]) {
      const bytes = sealed.slice(0, 20)
      bytes[at.version] = version
      expect(defect(bytes)).toBe('newer-version')
    }
  })

  it('may be a second ahead of this clock, and no more', () => {
    expect(open(sealed, { now: 0 })).toEqual({ envelope: sample })
    expect(defect(sealed, { now: -1 })).toBe('future')
    expect(defect(sealed, { now: NaN })).toBe('future')
  })

  it.each<[string, (view: DataView) => void]>([
    ['fetchedAt is NaN', (view) => view.setFloat64(at.fetchedAt, NaN)],
    ['fetchedAt is infinite', (view) => view.setFloat64(at.fetchedAt, -Infinity)],
    ['expiresAt is NaN', (view) => view.setFloat64(at.expiresAt, NaN)],
    ['expiresAt lies before fetchedAt', (view) => view.setFloat64(at.expiresAt, 999)],
    ['keepUntil is NaN', (view) => view.setFloat64(at.keepUntil, NaN)],
    ['keepUntil lies before expiresAt', (view) => view.setFloat64(at.keepUntil, 1999)],
    ['the length is NaN', (view) => view.setFloat64(at.total, NaN)],
    ['the length is negative', (view) => view.setFloat64(at.total, -64)],
    ['the length is zero', (view) => view.setFloat64(at.total, 0)],
  ])('with a checksum that holds is a defect when %s', (_, change) => {
    expect(defect(resealed(change))).toBe('flipped')
  })

  it('with a checksum that holds allocates nothing for a length that is not there', () => {
    for (const length of [65, 2 ** 31, 2 ** 53, Infinity]) {
      expect(defect(resealed((view) => view.setFloat64(at.total, length)))).toBe('truncated')
    }
  })

  it.each([NaN, -1, 0, 4, 7, 2.5, 2 ** 53, Infinity])(
    'with a checksum that holds has no key of length %d',
    (length) => {
      const bytes = resealed((view) => view.setFloat64(at.keyLength, length))
      expect(defect(bytes)).toBe('other-key')
      const long = 'k'.repeat(70)
      expect(
        defect(
          resealed((view) => view.setFloat64(at.keyLength, 70)),
          { key: long },
        ),
      ).toBe('other-key')
    },
  )

  it('takes no key that is not ASCII, as two keys would have the same bytes', () => {
    const refusal = new TypeError('Cannot use a key: expected ASCII: received character code 353')
    expect(() => sealEnvelope({ ...sample, key: 'a\u0161' })).toThrow(refusal)
    expect(() => sealEnvelope({ ...sample, key: '\u0080' })).toThrow(TypeError)
  })

  it('takes nothing but bytes from a codec, and does not quote what it was given', () => {
    const refusal = new TypeError('Cannot use encode(): expected a Uint8Array: received string')
    expect(() => sealEnvelope({ ...sample, body: 's3cret' as never })).toThrow(refusal)
    expect(() => sealEnvelope({ ...sample, body: [1, 2] as never })).toThrow(TypeError)
  })
})
