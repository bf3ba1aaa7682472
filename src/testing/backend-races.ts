/** The cases about calls in the air at the same time: whatever their order was, it was one. */

import { check, same } from './contract-case.ts'
import type { Probe } from './probe.ts'

const WRITERS = Array.from({ length: 8 }, (_, at) => `writer ${at}`)
const ROUNDS = 20

const winnersOf = (generations: readonly (string | undefined)[]) =>
  WRITERS.filter((_, at) => generations[at] !== undefined)

export const raceCases: Record<string, (probe: Probe) => Promise<void>> = {
  async 'of writers that saw the same generation exactly one wins'({ generation, putIf, read }) {
    for (let round = 0; round < ROUNDS; round++) {
      const seen = await generation('k')
      const winners = winnersOf(await Promise.all(WRITERS.map((writer) => putIf('k', writer, seen))))
      same(winners.length, 1, `How many of ${WRITERS.length} writers that saw the same generation won`)
      same(await read('k'), winners[0], 'The value after the race')
    }
  },

  async 'of writers that saw the same miss exactly one wins'({ generation, putIf, read }) {
    for (let round = 0; round < ROUNDS; round++) {
      const key = `k${round}`
      const seen = await Promise.all(WRITERS.map(() => generation(key)))
      const winners = winnersOf(await Promise.all(WRITERS.map((writer, at) => putIf(key, writer, seen[at] ?? ''))))
      same(winners.length, 1, `How many of ${WRITERS.length} writers that saw the same miss won`)
      same(await read(key), winners[0], 'The value after the race')
    }
  },

  async 'an unconditional write wins over every conditional one around it'({ put, putIf, holds }) {
    for (let round = 0; round < ROUNDS; round++) {
      const seen = await put('k', 'before')
      const half = WRITERS.length / 2
      await Promise.all([
        ...WRITERS.slice(0, half).map((writer) => putIf('k', writer, seen)),
        put('k', 'decided'),
        ...WRITERS.slice(half).map((writer) => putIf('k', writer, seen)),
      ])
      await holds('k', 'decided', 'After a set() among conditional ones')
    }
  },

  async 'a deletion wins over every conditional write around it'({ backend, generation, putIf, misses }) {
    for (let round = 0; round < ROUNDS; round++) {
      const remove = round % 2 ? () => backend.delete('db/k', {}) : () => backend.deletePrefix('db/')
      const seen = await generation('db/k')
      const [first = '', ...others] = WRITERS
      const racing = [putIf('db/k', first, seen), remove(), ...others.map((writer) => putIf('db/k', writer, seen))]
      await Promise.all(racing)
      await misses('db/k', 'After a deletion among conditional writes')
    }
  },

  async 'of deletions that saw the same generation exactly one finds the value'({ backend, put, misses }) {
    for (let round = 0; round < ROUNDS; round++) {
      const ifGeneration = await put('k', 'a')
      const told = await Promise.all(WRITERS.map(() => backend.delete('k', { ifGeneration })))
      same(told.filter(({ existed }) => existed).length, 1, 'How many deletions at the same generation found a value')
      await misses('k', 'After the deletions')
    }
  },

  async 'each of many unconditional writes moves the key on to a generation of its own'({ put, read, generation }) {
    const generations = await Promise.all(WRITERS.map((writer) => put('k', writer)))
    same(new Set(generations).size, WRITERS.length, 'How many generations as many writes made')
    const last = generations.indexOf(await generation('k'))
    check(last >= 0, 'The generation in force is that of no write')
    same(await read('k'), WRITERS[last], 'The value, and the write whose generation is in force')
  },
}
