/** Who has no key, or moves or changes the bytes, gets no value; who has one of the keys gets the very value. */
import { encrypted, jsonCodec } from 'evercurrent/codec'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const newKey = (usages: KeyUsage[] = ['encrypt', 'decrypt'], length = 256) =>
  crypto.subtle.generateKey({ name: 'AES-GCM', length }, false, usages)
const [first, second, third] = [await newKey(), await newKey(), await newKey()]
const plain = jsonCodec<{ token: string }>()
const context = { key: 'tokens/7' }
const value = { token: 's3cret' }
const codec = encrypted(plain, first)
const sealed = await codec.encode(value, context)
const refused = 'Cannot decrypt a stored value: made with another key, moved or tampered with'
const foreign = 'Cannot decrypt a stored value: not encrypted here'
const failure = async (bytes: Uint8Array, by = codec, of = context): Promise<unknown> => {
  try {
    return { value: await by.decode(bytes, of) }
  } catch (error) {
    return (error as Error).message
  }
}
const cbc = await crypto.subtle.generateKey({ name: 'AES-CBC', length: 256 }, false, ['encrypt', 'decrypt'])
const hmac = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
const [short, blind, mute] = [await newKey(undefined, 128), await newKey(['encrypt']), await newKey(['decrypt'])]

describe('encrypted', () => {
  it('brings back what it was given', async () => {
    const any = encrypted(jsonCodec<fc.JsonValue>(), [first])
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.string(), async (value, key) => {
        expect(await any.decode(await any.encode(value, { key }), { key })).toStrictEqual(value)
      }),
      { numRuns: 50 },
    )
  })

  it('is the format version, a new random vector each time, then AES-GCM with the key as additional data', async () => {
    const other = await codec.encode(value, context)
    expect([sealed[0], other[0]]).toEqual([1, 1])
    expect(Buffer.compare(sealed.subarray(1, 13), other.subarray(1, 13))).not.toBe(0)
    const additionalData = new TextEncoder().encode('1:tokens/7')
    const iv = sealed.slice(1, 13)
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, first, sealed.slice(13))
    expect(new TextDecoder().decode(opened)).toBe('{"token":"s3cret"}')
    expect(Buffer.from(sealed).includes('s3cret')).toBe(false)
  })

  it('is not read under another key of the cache, nor with another key', async () => {
    expect(await failure(sealed, codec, { key: 'tokens/8' })).toBe(refused)
    expect(await failure(sealed, codec, { key: '' })).toBe(refused)
    expect(await failure(sealed, encrypted(plain, second))).toBe(refused)
  })

  it('with any bit of any byte changed is refused', async () => {
    for (let at = 0; at < sealed.length; at++) {
      for (const bit of [0, at % 8, 7]) {
        const wrong = sealed.slice()
        wrong[at] = (wrong[at] as number) ^ (1 << bit)
        expect(await failure(wrong)).toBe(at === 0 ? foreign : refused)
      }
    }
  })

  it('cut at any length, or with something behind it, is refused', async () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(await failure(sealed.subarray(0, length))).toBe(length < 29 ? foreign : refused)
    }
    expect(await failure(Uint8Array.from([...sealed, 0]))).toBe(refused)
  })

  it('encrypts with the first key and decrypts with any of them', async () => {
    const rotated = encrypted(plain, [second, first])
    expect(await rotated.decode(sealed, context)).toEqual(value)
    const fresh = await rotated.encode(value, context)
    expect(await encrypted(plain, second).decode(fresh, context)).toEqual(value)
    expect(await failure(fresh)).toBe(refused)
    expect(await failure(sealed, encrypted(plain, [second, third]))).toBe(refused)
  })

  it('needs the right to encrypt only of the first key, and keeps to the keys it was made with', async () => {
    const old = await newKey(['decrypt'])
    const keys = [second, old]
    const rotated = encrypted(plain, keys)
    keys[0] = third
    expect(await encrypted(plain, second).decode(await rotated.encode(value, context), context)).toEqual(value)
  })

  it('reads out of a Buffer, and is not disturbed by what happens to its memory meanwhile', async () => {
    const bytes = Buffer.concat([Buffer.from([9]), sealed]).subarray(1)
    const reading = encrypted(plain, [third, second, first]).decode(bytes, context)
    bytes.fill(0)
    expect(await reading).toEqual(value)
  })

  it('passes the errors of the inner codec, in both directions', async () => {
    const outer = encrypted(jsonCodec<number[]>(), first)
    await expect(outer.encode([NaN], context)).rejects.toThrow('Cannot encode 0 as JSON: it would change: received NaN')
    const bad = encrypted({ encode: () => new Uint8Array([0x7b]), decode: () => null }, first)
    const bytes = await bad.encode(null, context)
    expect(await failure(bytes)).toBe('Cannot decode a stored value: no JSON')
  })

  it.each<[string, unknown, number, string]>([
    ['a string', 's3cret', 0, 'string'],
    ['raw bytes', new Uint8Array(32), 0, 'object'],
    ['nothing', undefined, 0, 'undefined'],
    ['null', null, 0, 'object'],
    ['a symbol', Symbol('s3cret'), 0, 'symbol'],
    ['no keys', [], 0, 'undefined'],
    ['a look-alike of a key', { algorithm: { name: 's3cret' } }, 0, 'object'],
    ['a key of another algorithm', cbc, 0, 'AES-CBC of 256 bits to encrypt,decrypt'],
    ['a key that signs', hmac, 0, 'HMAC of 512 bits to sign'],
    ['a short key', short, 0, 'AES-GCM of 128 bits to encrypt,decrypt'],
    ['a key that cannot decrypt', [first, blind], 1, 'AES-GCM of 256 bits to encrypt'],
    ['a first key that cannot encrypt', [mute, first], 0, 'AES-GCM of 256 bits to decrypt'],
  ])('takes no %s for a key, and says what it was without showing it', (_, keys, at, received) => {
    const needed = at ? 'decrypt' : 'encrypt,decrypt'
    const message = `Cannot use keys[${at}]: expected AES-GCM of 256 bits to ${needed}: received ${received}`
    expect(() => encrypted(plain, keys as never)).toThrow(new TypeError(message))
  })
})
