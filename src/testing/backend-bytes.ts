/** The cases about what is kept: any bytes, exactly, as long as they are to be kept, and nobody can change them from outside. */

import { check, same } from './contract-case.ts'
import { bytesOf, type Probe, sameBytes } from './probe.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
const HOUR = 3_600_000

/** What is stored under the key, which has to hold something. */
async function stored({ backend }: Probe, key = 'k') {
  const lookup = await backend.get(key)
  check(lookup.stored !== undefined, `A value was stored and get() misses it`)
  return lookup.stored
}

async function roundTrip(probe: Probe, bytes: Uint8Array, what: string) {
  await probe.backend.set('k', probe.stored(bytes), {})
  sameBytes((await stored(probe)).bytes, bytes, what)
}

export const byteCases: Record<string, (probe: Probe) => Promise<void>> = {
  async 'all 256 byte values come back'(probe) {
    await roundTrip(probe, everyByte, 'All byte values')
    for (const byte of everyByte) await roundTrip(probe, Uint8Array.of(byte), `The byte ${byte} alone`)
  },

  async 'an empty value is a value'(probe) {
    await roundTrip(probe, new Uint8Array(), 'An empty value')
    same((await probe.backend.delete('k', {})).existed, true, 'existed of an empty value')
  },

  async 'a value of more than 1 MB comes back'(probe) {
    const bytes = Uint8Array.from({ length: 1_100_003 }, (_, at) => (at * 31 + (at >> 8)) & 255)
    await roundTrip(probe, bytes, 'A value of 1.1 MB')
    await roundTrip(probe, bytesOf('short'), 'A short value after a long one')
  },

  async 'bytes of no known format come back as they are: judging them is not up to the tier'(probe) {
    const whole = bytesOf('{"value":"text"}')
    const flipped = Uint8Array.from(whole, (byte, at) => (at === 3 ? byte ^ 1 : byte))
    for (const bytes of [whole, whole.slice(0, 5), flipped, Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xc3, 0x28)]) {
      await roundTrip(probe, bytes, `The bytes ${bytes.join(' ')}`)
    }
  },

  async 'a part of a larger buffer is stored as that part'(probe) {
    await roundTrip(probe, everyByte.subarray(100, 110), 'A view of ten bytes')
  },

  async 'whoever changes the bytes given in, or got out, changes nothing that is stored'(probe) {
    // A Buffer's own slice() is no copy.
    const kinds = typeof Buffer === 'function' ? [new Uint8Array(3), Buffer.alloc(3)] : [new Uint8Array(3)]
    for (const given of kinds) {
      given.set([1, 2, 3])
      await probe.backend.set('k', probe.stored(given), {})
      given.fill(9)
      const first = await stored(probe)
      sameBytes(first.bytes, Uint8Array.of(1, 2, 3), 'After the bytes given to set() were changed')
      first.bytes.fill(9)
      sameBytes((await stored(probe)).bytes, Uint8Array.of(1, 2, 3), 'After the bytes got from get() were changed')
    }
    const many = await probe.backend.getMany?.(['k', 'k'])
    many?.[0]?.stored?.bytes.fill(9)
    if (many?.[1]?.stored) sameBytes(many[1].stored.bytes, Uint8Array.of(1, 2, 3), 'The second of two look-ups')
    sameBytes((await stored(probe)).bytes, Uint8Array.of(1, 2, 3), 'After the bytes got from getMany() were changed')
  },

  async 'times come back exactly'(probe) {
    const now = probe.now()
    const rows = [
      { fetchedAt: now, expiresAt: now + 1, keepUntil: now + HOUR },
      { fetchedAt: now - 1_234_567, expiresAt: now - 1, keepUntil: now + HOUR + 1 },
      { fetchedAt: 0, expiresAt: 1, keepUntil: 8_640_000_000_000_000 },
      { fetchedAt: -1, expiresAt: 2 ** 31, keepUntil: now + 2 ** 33 },
      { fetchedAt: now, expiresAt: Infinity, keepUntil: Infinity },
    ]
    for (const row of rows) {
      await probe.backend.set('k', { bytes: bytesOf('a'), ...row }, {})
      const { fetchedAt, expiresAt, keepUntil } = await stored(probe)
      const [kept, given] = [{ fetchedAt, expiresAt, keepUntil }, row].map((times) => Object.values(times).join(' '))
      same(kept, given, 'fetchedAt, expiresAt and keepUntil')
    }
  },

  async 'what has expired and is to be kept is kept'(probe) {
    const now = probe.now()
    const row = { fetchedAt: now - 2 * HOUR, expiresAt: now - HOUR, keepUntil: now + HOUR }
    await probe.backend.set('k', { bytes: bytesOf('stale'), ...row }, {})
    await probe.holds('k', 'stale', 'Expired, and keepUntil is to come')
  },

  async 'what need not be kept any more is as it was, or a miss, and can be written'(probe) {
    const now = probe.now()
    const before = await probe.put('k', 'a')
    const row = { fetchedAt: now - 2 * HOUR, expiresAt: now - HOUR, keepUntil: now - 60_000 }
    const accepted = await probe.backend.set('k', { bytes: bytesOf('old'), ...row }, {})
    check(accepted !== undefined, 'A set() without ifGeneration was refused')
    if ((await probe.backend.get('k')).stored) await probe.holds('k', 'old', 'With keepUntil a minute ago')
    await probe.refuses('k', before, 'the key was written since')
    await probe.accepts('k', 'b', await probe.generation('k'), 'nothing happened since the miss')
  },
}
