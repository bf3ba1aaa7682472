/** Random histories of four keys in two namespaces with room for two, against a map in the order of use. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { promisesSettle } from '../explore/duo.ts'
import { unhandledDuring } from '../support/unhandled.ts'
import type { Model } from './registry-model.ts'
import { createPair, type Key, keys, type Pair } from './registry-pair.ts'

/** More of them: `MODEL_RUNS=100000 npx vitest run test/model`. A failure prints its seed. */
const numRuns = Math.ceil(Number(process.env['MODEL_RUNS'] ?? 2000) / 2)
const timeout = 30_000 + numRuns * 60

type Command = fc.AsyncCommand<Model, Pair>

const command = (name: string, take: (pair: Pair) => unknown): Command => ({
  check: () => true,
  async run(_, pair) {
    await take(pair)
    await promisesSettle()
    pair.check()
  },
  toString: () => name,
})

const anyKey = fc.constantFrom(...keys)
const onKey = (name: string, take: (pair: Pair, key: Key) => unknown) =>
  anyKey.map((key) => command(`${name} ${key.name}`, (pair) => take(pair, key)))

const gets = onKey('get', (pair, key) => pair.get(key))
const settles = fc
  .tuple(fc.nat({ max: 5 }), fc.constantFrom('ok', 'ok', 'ok', 'fail'), fc.boolean())
  .map(([pick, how, leavesOut]) =>
    command(`settle ${pick}: ${how}${leavesOut ? ', the second left out' : ''}`, ({ calls, settle }) => {
      const call = calls[pick % calls.length]
      if (call) settle(call, how as 'ok' | 'fail', () => leavesOut)
    }),
  )
const getsOfMany = fc.tuple(fc.boolean(), fc.boolean()).map(([tenant, reversed]) => {
  const asked = keys.filter((key) => key.tenant === tenant)
  const inOrder = reversed ? asked.toReversed() : asked
  return command(`get ${inOrder.map(({ name }) => name).join(' and ')}`, (pair) => pair.getMany(inOrder))
})

const anyCommands = fc.commands(
  [
    gets,
    gets,
    getsOfMany,
    settles,
    settles,
    settles,
    onKey('set', (pair, key) => pair.set(key)),
    onKey('invalidate', (pair, key) => pair.invalidate(key)),
    fc
      .tuple(fc.constantFrom('x', 'x1', ''), fc.boolean())
      .map(([first, tenant]) =>
        command(`invalidate ${tenant ? 'tenant ' : ''}${first} …`, (pair) => pair.invalidatePrefix(first, tenant)),
      ),
    fc
      .constantFrom('type' as const, 'namespace' as const, 'registry' as const)
      .map((which) => command(`clear the ${which}`, (pair) => pair.clear(which))),
    fc.constantFrom(1, 2500, 5000, 10_000).map((ms) => command(`${ms} ms pass`, (pair) => pair.pass(ms))),
  ],
  { maxCommands: 40, size: 'max' },
)

it(
  'CacheRegistry keeps what was used last, and no key what was fetched before it was dropped (L5 L6 L7 L9)',
  async () => {
    const property = fc.asyncProperty(anyCommands, async (commands) => {
      const pair = createPair()
      await fc.asyncModelRun(() => ({ model: pair.model, real: pair }), commands)
      await pair.dispose()
    })
    const unhandled = await unhandledDuring(() => fc.assert(property, { numRuns }))
    expect(unhandled).toEqual([])
  },
  timeout,
)
