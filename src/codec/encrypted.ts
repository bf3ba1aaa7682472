/** Values that only the holder of a key can read, and only under the name they were stored under. */

import { isKind } from '../time/duration.ts'
import type { Codec } from './codec.ts'

// One byte for the version of this format, then the initialisation vector, then what AES-GCM made with its tag.
const format = 1
const start = 13
const tag = 16

/**
 * Encrypts what another codec makes, with AES-GCM (256 bits) of the platform's WebCrypto and a random initialisation
 * vector each time. The first key encrypts, any of them decrypts: put a new one in front, and drop the old one once what
 * it encrypted has expired. One key is good for 2^32 values (NIST SP 800-38D).
 *
 * The cache's key is authenticated: bytes moved to another key do not decrypt. Who can write to the store can still bring
 * back an older value of the same key; the times of a value and its key are not hidden.
 *
 * `decode` rejects, without a word of the value, for what was tampered with, moved or made with another key.
 * @throws {TypeError} naming what was received for anything but `AES-GCM` keys of 256 bits, the first of them usable to
 * encrypt and all to decrypt, at least one.
 *
 * @example
 * ```ts
 * const secret = crypto.getRandomValues(new Uint8Array(32)) // from your secret store, the same in each process
 * const key = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt'])
 * const codec = encrypted(jsonCodec<{ token: string }>(), key)
 * const bytes = await codec.encode({ token: 't' }, { key: 'tokens/7' })
 * await codec.decode(bytes, { key: 'tokens/7' }) // { token: 't' }
 * await Promise.resolve(codec.decode(bytes, { key: 'tokens/8' })).catch(({ name }) => name) // 'Error'
 * ```
 */
export function encrypted<V>(codec: Codec<V>, key: CryptoKey | readonly CryptoKey[]): Codec<V> {
  const keys = [key].flat() as readonly CryptoKey[]
  // Of no keys, the first one is missing.
  for (let index = 0; index < (keys.length || 1); index++) checkKey(keys[index], index)
  const settings = (key: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(`${format}:${key}`),
  })
  return {
    async encode(value, context) {
      const plain = (await codec.encode(value, context)) as Uint8Array<ArrayBuffer>
      const iv = crypto.getRandomValues(new Uint8Array(start - 1))
      const made = await crypto.subtle.encrypt(settings(context.key, iv), keys[0] as CryptoKey, plain)
      const bytes = new Uint8Array(start + made.byteLength)
      bytes[0] = format
      bytes.set(iv, 1)
      bytes.set(new Uint8Array(made), start)
      return bytes
    },
    async decode(bytes, context) {
      // A copy: whoever gave the bytes may use their memory again while keys are tried.
      const own = new Uint8Array(bytes)
      if (own[0] !== format || own.length < start + tag) throw failure('not encrypted here')
      const how = settings(context.key, own.subarray(1, start))
      for (const key of keys) {
        const plain = await crypto.subtle.decrypt(how, key, own.subarray(start)).catch(() => undefined)
        if (plain) return codec.decode(new Uint8Array(plain), context)
      }
      throw failure('made with another key, moved or tampered with')
    },
  }
}

const failure = (what: string) => new Error(`Cannot decrypt a stored value: ${what}`)

function checkKey(key: CryptoKey | undefined, index: number): void {
  const { algorithm, usages } = Object(key)
  const { name, length } = Object(algorithm)
  const needed = index ? ['decrypt'] : ['encrypt', 'decrypt']
  if (name === 'AES-GCM' && length === 256 && needed.every((usage) => usages?.includes(usage))) return
  // What is no key may be the secret itself.
  const received = isKind(key, 'CryptoKey') ? `${name} of ${length} bits to ${usages}` : typeof key
  throw new TypeError(`Cannot use keys[${index}]: expected AES-GCM of 256 bits to ${needed}: received ${received}`)
}
