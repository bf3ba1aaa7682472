/**
 * tieredBackend over two tiers that are slow and fail, in random interleavings: what a look-up gives was in force in the
 * back at some moment of that look-up, so it is never older than what the back had accepted before it.
 */

import { BackendError, type CacheBackend } from 'evercurrent'
import { memoryBackend, tieredBackend } from 'evercurrent/backend/memory'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { type Gate, gatedBackend, type Outcome } from '../support/gated-backend.ts'
import { storedAt, textOf } from '../support/tier.ts'

const KEYS = ['a', 'ab', 'b']
const PREFIXES = ['a', 'ab', 'b', '']

interface Call {
  readonly kind: 'get' | 'getMany' | 'set' | 'setIf' | 'delete' | 'deletePrefix'
  readonly at: number
}
interface Schedule {
  readonly calls: readonly Call[]
  /** which of what could happen next does */
  readonly choices: readonly number[]
  readonly backFails: readonly number[]
  readonly frontFails: readonly number[]
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  calls: fc.array(
    fc.record({
      kind: fc.constantFrom<Call['kind']>(
        'get',
        'get',
        'get',
        'getMany',
        'set',
        'set',
        'setIf',
        'delete',
        'deletePrefix',
      ),
      at: fc.nat(11),
    }),
    { minLength: 2, maxLength: 25 },
  ),
  choices: fc.array(fc.nat(1000), { minLength: 200, maxLength: 200 }),
  backFails: fc.array(fc.nat(9), { minLength: 50, maxLength: 50 }),
  frontFails: fc.array(fc.nat(9), { minLength: 50, maxLength: 50 }),
})

/** What the back held, moment by moment, for each key. */
class Truth {
  readonly #texts = new Map(KEYS.map((key) => [key, [undefined] as (string | undefined)[]]))
  of = (key: string) => this.#texts.get(key) ?? []
  latest = (key: string) => this.of(key).length - 1
  change(keys: readonly string[], text: string | undefined) {
    for (const key of keys) this.of(key).push(text)
  }
}

const outcomes: Readonly<Record<number, Outcome>> = { 0: 'before', 1: 'after' }

async function run({ calls, choices, backFails, frontFails }: Schedule) {
  const truth = new Truth()
  const waiting: (() => void)[] = []
  const pass = () => new Promise<void>((resolve) => waiting.push(resolve))
  const failing = (draws: readonly number[]): Gate['outcome'] => {
    let next = 0
    return () => outcomes[draws[next++ % draws.length] ?? 9] ?? 'done'
  }
  const failure = (outcome: Outcome) =>
    outcome === 'before'
      ? new BackendError('full', { operation: 'set', reason: 'full' })
      : new BackendError('no answer', { operation: 'set', reason: 'unreachable' })
  const acted: Gate['acted'] = (operation, [key, stored], result) => {
    const text = () => new TextDecoder().decode((stored as { bytes: Uint8Array }).bytes)
    if (operation === 'set' && result !== undefined) truth.change([key as string], text())
    if (operation === 'delete') truth.change([key as string], undefined)
    if (operation === 'deletePrefix')
      truth.change(
        KEYS.filter((one) => one.startsWith(key as string)),
        undefined,
      )
  }
  const back = gatedBackend(memoryBackend(), { pass, outcome: failing(backFails), failure, acted })
  const front = gatedBackend(memoryBackend(), { pass, outcome: failing(frontFails), failure })
  const backend: CacheBackend = tieredBackend(front, back)
  const wrong: string[] = []
  const generations = new Map<string, string>()
  let texts = 0

  const look = async (keys: readonly string[]) => {
    const since = keys.map(truth.latest)
    const lookups = await (keys.length > 1 ? backend.getMany?.(keys) : Promise.all([backend.get(keys[0] ?? '')]))
    for (const [at, lookup] of (lookups ?? []).entries()) {
      const key = keys[at] ?? ''
      generations.set(key, lookup.generation)
      const inForce = truth.of(key).slice(since[at])
      if (!inForce.includes(textOf(lookup))) wrong.push(`${key}: got ${textOf(lookup)}, in force were ${inForce}`)
    }
  }
  const start = ({ kind, at }: Call): Promise<unknown> => {
    const key = KEYS[at % KEYS.length] ?? ''
    if (kind === 'get') return look([key])
    if (kind === 'getMany') return look([...KEYS, key])
    if (kind === 'deletePrefix') return Promise.resolve(backend.deletePrefix(PREFIXES[at % PREFIXES.length] ?? ''))
    if (kind === 'delete') return Promise.resolve(backend.delete(key, {}))
    const ifGeneration = kind === 'setIf' ? generations.get(key) : undefined
    const options = ifGeneration === undefined ? {} : { ifGeneration }
    return Promise.resolve(backend.set(key, storedAt(Date.now(), `${++texts}`), options))
  }

  let [started, settled] = [0, 0]
  const ended = () => settled++
  for (let turn = 0; settled < calls.length; turn++) {
    // Another call is as likely to begin as one of those in the air is to go on.
    const canStart = started < calls.length ? 1 : 0
    const choice = (choices[turn % choices.length] ?? 0) % (waiting.length + canStart)
    const call = choice === waiting.length ? calls[started++] : undefined
    if (call) start(call).then(ended, ended)
    else waiting.splice(choice, 1)[0]?.()
    await flush()
  }
  expect(wrong).toEqual([])
  // At rest, the back tells the truth to everybody.
  for (const key of KEYS) {
    const resting = look([key]).catch(() => undefined)
    for (let turn = 0; turn < 20; turn++) {
      for (const go of waiting.splice(0)) go()
      await flush()
    }
    await resting
  }
  expect(wrong).toEqual([])
}

it('what a look-up gives was in force in the back while it was looked up', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(schedule, run), { numRuns: 300 })
})
