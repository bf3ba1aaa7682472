/** memoryBackend against a model that forgets nothing: random schedules of every call, with eviction and passing time. */

import { memoryBackend } from 'evercurrent/backend/memory'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { storedAt, textOf } from '../support/tier.ts'

const KEYS = ['a', 'ab', 'abc', 'b', 'b%', '']
const MAX_ENTRIES = 3
const MAX_BYTES = 12

type Step =
  | {
      readonly kind: 'set'
      readonly key: string
      readonly size: number
      readonly keepFor: number
      readonly with: number
    }
  | { readonly kind: 'delete'; readonly key: string; readonly with: number }
  | { readonly kind: 'get' | 'deletePrefix'; readonly key: string }
  | { readonly kind: 'pass'; readonly ms: number }

const key = fc.constantFrom(...KEYS)
/** Which of the generations handed out to compare with; above 10: none. */
const compared = fc.nat(14)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get'), key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('set'),
      key,
      size: fc.integer({ min: 0, max: 13 }),
      keepFor: fc.constantFrom(10, 1000),
      with: compared,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), key, with: compared }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deletePrefix'), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(1, 10, 90_000_000) }) },
)

/** Versions of every key for ever; what is held, the least recently used first. */
class Model {
  time = 0
  held: { readonly key: string; readonly text: string; readonly keepUntil: number }[] = []
  readonly #versions = new Map<string, number>()

  version = (key: string) => this.#versions.get(key) ?? 0
  moveOn = (key: string) => this.#versions.set(key, this.version(key) + 1)
  find = (key: string) => this.held.find((one) => one.key === key && one.keepUntil > this.time)
  drop(key: string) {
    this.held = this.held.filter((one) => one.key !== key)
  }
  use(key: string) {
    const found = this.find(key)
    this.drop(key)
    if (found) this.held.push(found)
    return found
  }
  bytes = () => this.held.reduce((sum, { text }) => sum + text.length, 0)

  set(key: string, text: string, keepFor: number) {
    this.drop(key)
    this.moveOn(key)
    if (text.length > MAX_BYTES) return
    while (this.held.length >= MAX_ENTRIES || this.bytes() + text.length > MAX_BYTES) {
      const evicted = this.held.shift()
      if (evicted) this.moveOn(evicted.key)
    }
    this.held.push({ key, text, keepUntil: this.time + keepFor })
  }
}

async function run(steps: readonly Step[]) {
  const model = new Model()
  const backend = memoryBackend({ maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES, now: () => model.time })
  /** everything handed out, the newest first */
  const seen: { readonly key: string; readonly version: number; readonly generation: string; readonly at: number }[] =
    []
  const note = (key: string, generation: string) =>
    seen.unshift({ key, version: model.version(key), generation, at: model.time })
  const conditionOf = (key: string, at: number) => {
    const known = at > 10 ? undefined : seen.filter((one) => one.key === key)[at % 4]
    const expected = known === undefined || known.version === model.version(key)
    // After a day it may have forgotten what it would need to know: then it refuses.
    const mayRefuse = known !== undefined && model.time - known.at >= 86_400_000
    return { options: known ? { ifGeneration: known.generation } : {}, expected, mayRefuse }
  }
  let texts = 0
  /** The two may drop what has run out at different times: it is never counted. */
  const purge = async () => {
    for (const key of KEYS) if (!model.find(key)) model.drop(key)
    const order = model.held.map((one) => one.key)
    const ranOut = KEYS.filter((key) => !order.includes(key))
    await backend.getMany(ranOut)
  }

  for (const step of steps) {
    if (step.kind === 'pass') {
      model.time += step.ms
      await purge()
    } else if (step.kind === 'get') {
      const lookup = await backend.get(step.key)
      expect(textOf(lookup)).toBe(model.use(step.key)?.text)
      note(step.key, lookup.generation)
    } else if (step.kind === 'set') {
      const text = `${++texts}`.padEnd(step.size, '.').slice(0, step.size)
      const { options, expected, mayRefuse } = conditionOf(step.key, step.with)
      const generation = await backend.set(step.key, storedAt(model.time, text, step.keepFor), options)
      if (!mayRefuse || generation !== undefined) expect(generation !== undefined).toBe(expected)
      if (generation === undefined) continue
      model.set(step.key, text, step.keepFor)
      note(step.key, generation)
    } else if (step.kind === 'delete') {
      const { options, expected, mayRefuse } = conditionOf(step.key, step.with)
      const { existed, generation } = await backend.delete(step.key, options)
      // Nothing is held after a day here, so only the next write tells whether it was refused: not asked for.
      if (mayRefuse) continue
      expect(existed).toBe(expected && model.find(step.key) !== undefined)
      if (expected) {
        model.drop(step.key)
        model.moveOn(step.key)
      }
      note(step.key, generation)
    } else {
      const covered = KEYS.filter((key) => key.startsWith(step.key))
      expect(await backend.deletePrefix(step.key)).toBe(covered.filter((key) => model.find(key)).length)
      for (const key of covered) {
        model.drop(key)
        model.moveOn(key)
      }
    }
    expect(await backend.size()).toEqual({ entries: model.held.length, bytes: model.bytes() })
  }
}

it('memoryBackend does what a model does that remembers every version of every key', async () => {
  const schedules = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), run)
  await fc.assert(schedules, { numRuns: 500 })
})
