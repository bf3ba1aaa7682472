/** A real registry of four keys in two namespaces beside its model, taking every step together. */
import { BatchError, CacheError, CacheRegistry } from 'evercurrent'
import { expect } from 'vitest'
import { promisesSettle, wallStart } from '../explore/duo.ts'
import { stepClock } from '../explore/step-clock.ts'
import { type Answer, createModel, type Flight, room, ttl } from './registry-model.ts'

type Parts = readonly [string, string]

export interface Key {
  readonly name: string
  readonly parts: Parts
  readonly tenant: boolean
}

/** Two of them have the same parts, and the first part of one begins with that of the others. */
export const keys: readonly Key[] = [
  { name: 'x 1', parts: ['x', '1'], tenant: false },
  { name: 'x1 ""', parts: ['x1', ''], tenant: false },
  { name: 'tenant x 1', parts: ['x', '1'], tenant: true },
  { name: 'tenant x 2', parts: ['x', '2'], tenant: true },
]

interface Call {
  readonly flights: readonly Flight[]
  readonly settle: (outcomes: readonly ({ readonly value: number } | { readonly error: unknown })[]) => void
}

/** What one caller of the real registry has got so far. */
interface Real extends Omit<Answer, 'value'> {
  value?: unknown
}

const outcomeOf = (error: unknown) => (error instanceof CacheError ? error.code : error)

export type Pair = ReturnType<typeof createPair>

export function createPair() {
  const model = createModel()
  const clock = stepClock(0, wallStart)
  const registry = new CacheRegistry({ maxEntries: room, clock })
  /** fetches that the model expects to be called next, by call */
  const expected: (readonly Flight[])[] = []
  const calls: Call[] = []
  const got: { readonly byLaw: readonly Answer[]; readonly real: Real }[] = []
  let values = 0

  const ask = (asked: readonly Key[], isBatch: boolean) =>
    new Promise<never>((resolve, reject) => {
      const flights = expected.shift() ?? []
      expect(asked.map(({ name }) => name)).toEqual(flights.map(({ key }) => key))
      const settle: Call['settle'] = (outcomes) => {
        calls.splice(calls.indexOf(call), 1)
        const [first] = outcomes
        const left = outcomes.flatMap((outcome, at) => ('value' in outcome ? [[asked[at], outcome.value]] : []))
        if (isBatch && left.length > 0) resolve(left.reverse() as never)
        else if (first && 'value' in first) resolve(first.value as never)
        else reject(first?.error)
      }
      const call = { flights, settle }
      calls.push(call)
    })
  const root = registry.define<number, Key>({
    type: 'number',
    ttl,
    refreshWindow: 0,
    fetchTimeout: Infinity,
    backoff: false,
    key: ({ parts }) => parts,
    fetch: (key) => ask([key], false),
    fetchMany: (asked) => ask(asked, true),
  })
  const tenant = root.namespace('tenant')
  const cacheOf = ({ tenant: isTenant }: Key) => (isTenant ? tenant : root)
  const watch = (byLaw: readonly Answer[], call: Promise<number | Map<Key, number>>) => {
    const real: Real = { state: 'pending' }
    got.push({ byLaw, real })
    call.then(
      (value) => Object.assign(real, { state: 'value', value }),
      (error: unknown) => Object.assign(real, { state: 'error', error }),
    )
  }
  const drop = (dropped: readonly Key[]) =>
    dropped.filter(({ name }) => model.isKnown(name) && model.invalidate(name)).length

  return {
    model,
    calls,
    get(key: Key) {
      const { answer, flight } = model.get(key.name)
      if (flight) expected.push([flight])
      if (answer.state === 'error') model.rest(key.name)
      watch([answer], cacheOf(key).get(key))
    },
    getMany(asked: readonly Key[]) {
      const answers = asked.map(({ name }) => model.get(name))
      const flights = answers.flatMap(({ flight }) => flight ?? [])
      if (flights.length > 0) expected.push(flights)
      // Room is made once every key of the call was read.
      for (const [at, { answer }] of answers.entries()) {
        if (answer.state === 'error') model.rest((asked[at] as Key).name)
      }
      watch(
        answers.map(({ answer }) => answer),
        cacheOf(asked[0] as Key).getMany(asked),
      )
    },
    set(key: Key) {
      model.set(key.name, ++values)
      return cacheOf(key).set(key, values)
    },
    async invalidate(key: Key) {
      const byLaw = model.invalidate(key.name)
      expect(await cacheOf(key).invalidate(key)).toBe(byLaw)
    },
    async invalidatePrefix(first: string, isTenant: boolean) {
      const byLaw = drop(keys.filter(({ parts, tenant }) => tenant === isTenant && parts[0] === first))
      expect(await (isTenant ? tenant : root).invalidatePrefix(first)).toBe(byLaw)
    },
    async clear(which: 'type' | 'namespace' | 'registry') {
      drop(keys.filter((key) => which === 'registry' || key.tenant === (which === 'namespace')))
      if (which === 'type') await root.clear()
      else await (which === 'registry' ? registry : registry.namespace('tenant')).clear()
    },
    /** `leftOut`: the keys of a batch that its answer does not contain, unless these are all. */
    settle(call: Call, how: 'ok' | 'fail', leftOut: (at: number) => boolean) {
      const error = { failed: ++values }
      const outcomes = call.flights.map((_, at) => {
        if (how === 'fail') return { error }
        return leftOut(at) && at > 0 ? { error: 'GONE' } : { value: ++values }
      })
      // A key left out is a failure, which lands a turn after a value.
      const isFirst = (at: number) => 'value' in (outcomes[at] as object) || how === 'fail'
      for (const first of [true, false]) {
        for (const [at, flight] of call.flights.entries()) {
          if (isFirst(at) === first) model.land(flight, outcomes[at] as { value: number })
        }
      }
      call.settle(outcomes)
    },
    async pass(ms: number) {
      model.pass(ms)
      while (clock.step(wallStart + model.now())) await promisesSettle()
    },
    check() {
      expect(expected).toEqual([])
      for (const key of keys) expect([key.name, cacheOf(key).peek(key)]).toEqual([key.name, model.peek(key.name)])
      const listed = keys.filter((key) => [...cacheOf(key).keys()].some((parts) => `${parts}` === `${key.parts}`))
      expect(listed.map(({ name }) => name).sort()).toEqual(model.keys())
      expect(registry.stats().entries).toBe(model.keys().length)
      for (const { byLaw, real } of got) compareAnswer(byLaw, real)
    },
    dispose: () => registry.dispose(),
  }
}

function compareAnswer(byLaw: readonly Answer[], real: Real): void {
  if (byLaw.some(({ state }) => state === 'pending')) {
    expect(real.state).toBe('pending')
    return
  }
  const { value, error } = real
  if (!(value instanceof Map || error instanceof BatchError)) {
    expect(real.state).toBe(byLaw[0]?.state)
    expect(value).toBe(byLaw[0]?.value)
    expect(outcomeOf(error)).toBe(byLaw[0]?.error)
    return
  }
  const values: ReadonlyMap<unknown, unknown> = error instanceof BatchError ? error.values : (value as never)
  expect([...values.values()]).toEqual(byLaw.flatMap(({ value }) => value ?? []))
  const errors = error instanceof BatchError ? [...error.errors.values()] : []
  expect(errors).toEqual(byLaw.flatMap(({ error }) => (error === undefined || error === 'GONE' ? [] : [error])))
}
