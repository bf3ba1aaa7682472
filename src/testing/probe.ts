/** One backend under test, with the questions that the cases of its contract ask. */

import type { CacheBackend, Lookup, Stored } from '../backend/backend.ts'
import { check, same, shown } from './contract-case.ts'

export type Probe = ReturnType<typeof probe>

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  check(actual instanceof Uint8Array, `${what}: expected a Uint8Array, got ${shown(actual)}`)
  same(actual.byteLength, expected.byteLength, `${what}: its length`)
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  check(at < 0, `${what}: byte ${at} is ${actual[at]}, stored was ${expected[at]}`)
}

/** `now`: epoch milliseconds of the clock the backend lives by. */
export function probe(backend: CacheBackend, now: () => number) {
  const stored = (bytes: Uint8Array): Omit<Stored, 'generation'> => {
    const fetchedAt = now()
    return { bytes, fetchedAt, expiresAt: fetchedAt + 600_000, keepUntil: fetchedAt + 3_600_000 }
  }

  const read = async (key: string): Promise<string | undefined> => {
    const { stored } = await backend.get(key)
    return stored && new TextDecoder().decode(stored.bytes)
  }

  const put = async (key: string, text: string): Promise<string> => {
    const generation = await backend.set(key, stored(bytesOf(text)), {})
    check(
      typeof generation === 'string',
      `set() of ${shown(key)} without ifGeneration was refused, it has to store always`,
    )
    return generation
  }

  /** Resolves to the generation now in force, or to undefined: refused. */
  const putIf = async (key: string, text: string, ifGeneration: string): Promise<string | undefined> =>
    await backend.set(key, stored(bytesOf(text)), { ifGeneration })

  const isMiss = ({ stored }: Lookup) => stored === undefined

  return {
    backend,
    now,
    stored,
    read,
    put,
    putIf,

    async generation(key: string): Promise<string> {
      const { generation } = await backend.get(key)
      check(typeof generation === 'string', `get() of ${shown(key)} gave no generation: a miss has one too`)
      return generation
    },

    async holds(key: string, text: string, when: string): Promise<void> {
      same(await read(key), text, `${when}, the value of ${shown(key)}`)
    },

    async misses(key: string, when: string): Promise<void> {
      check(isMiss(await backend.get(key)), `${when}, ${shown(key)} still holds a value, expected a miss`)
    },

    async accepts(key: string, text: string, ifGeneration: string, why: string): Promise<string> {
      const generation = await putIf(key, text, ifGeneration)
      check(typeof generation === 'string', `set() with ifGeneration was refused, although ${why}`)
      same(await read(key), text, `After an accepted set(), the value of ${shown(key)}`)
      return generation
    },

    /** Checks too that the refused write changed nothing. */
    async refuses(key: string, ifGeneration: string, why: string): Promise<void> {
      const before = await read(key)
      const generation = await putIf(key, 'late', ifGeneration)
      check(generation === undefined, `set() with ifGeneration was accepted, although ${why}`)
      same(await read(key), before, `After a refused set(), the value of ${shown(key)}`)
    },
  }
}
