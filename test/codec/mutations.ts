/** What can happen to bytes in a store, drawn from a seed: bits flip, ends are cut, pages of something else get between. */

export interface Dice {
  /** a whole number below `limit` */
  below(limit: number): number
  of<T>(choices: readonly T[]): T
}

/** The same numbers for the same seed (mulberry32). */
export function dice(seed: number): Dice {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number) => next() % Math.max(1, limit)
  return { below, of: (choices) => choices[below(choices.length)] as (typeof choices)[number] }
}

type Mutation = (bytes: Uint8Array, roll: Dice, other: Uint8Array) => Uint8Array

const range = (bytes: Uint8Array, { below }: Dice): [number, number] => {
  const from = below(bytes.length + 1)
  return [from, from + below(Math.min(16, bytes.length - from) + 1)]
}
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const numbers = [NaN, Infinity, -Infinity, 0, -0, -1, 0.5, 1, 64, 2 ** 31, 2 ** 32, 2 ** 53, Number.MAX_VALUE]

const mutations: readonly Mutation[] = [
  function flip(bytes, { below }) {
    const changed = bytes.slice()
    for (let times = 1 + below(4); times > 0; times--) {
      const bit = below(bytes.length * 8)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
    return changed
  },
  function overwrite(bytes, { below, of }) {
    const changed = bytes.slice()
    for (let times = 1 + below(4); times > 0; times--)
      changed[below(bytes.length)] = of([0, 1, 127, 128, 255, below(256)])
    return changed
  },
  function cut(bytes, { below }) {
    return bytes.slice(0, below(bytes.length + 1))
  },
  function behead(bytes, { below }) {
    return bytes.slice(below(bytes.length + 1))
  },
  function lengthen(bytes, { below }) {
    return join(
      bytes,
      Uint8Array.from({ length: 1 + below(20) }, () => below(256)),
    )
  },
  function remove(bytes, roll) {
    const [from, to] = range(bytes, roll)
    return join(bytes.subarray(0, from), bytes.subarray(to))
  },
  function repeat(bytes, roll) {
    const [from, to] = range(bytes, roll)
    return join(bytes.subarray(0, to), bytes.subarray(from))
  },
  function blank(bytes, roll) {
    const [from, to] = range(bytes, roll)
    return bytes.slice().fill(roll.of([0, 255]), from, to)
  },
  /** of a header, where they are aligned to its fields now and then */
  function number(bytes, { below, of }) {
    const changed = bytes.slice()
    const at = of([5 + 8 * below(6), below(bytes.length)])
    if (at + 8 <= bytes.length) new DataView(changed.buffer).setFloat64(at, of(numbers))
    return changed
  },
  function graft(bytes, { below }, other) {
    const at = below(bytes.length + 1)
    return join(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)))
  },
  function replace(_bytes, _roll, other) {
    return other.slice()
  },
]

/** One of them, now and then two. */
export function mutate(bytes: Uint8Array, roll: Dice, other: Uint8Array): Uint8Array {
  const once = roll.of(mutations)(bytes, roll, other)
  return roll.below(4) ? once : roll.of(mutations)(once, roll, other)
}
