/** Random schedules of calls and landings: nothing old ever overwrites something newer, and nobody waits for ever. */
import { BackgroundCache } from 'evercurrent'
import * as fc from 'fast-check'
import { it, vi } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { type Settlement, settlement } from '../support/settlement.ts'

useFakeTime()

/** Where a value came from, and the step at which that began. */
interface Origin {
  readonly kind: 'fetched' | 'set' | 'seeded'
  readonly began: number
  readonly at: number
}

type Step =
  | readonly ['get' | 'refresh' | 'set' | 'seed' | 'invalidate' | 'expire']
  | readonly ['resolve' | 'reject' | 'pass', number]

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Step>(['get'], ['get'], ['refresh']) },
    { weight: 3, arbitrary: fc.constantFrom<Step>(['set'], ['seed'], ['invalidate'], ['expire']) },
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom('resolve', 'resolve', 'reject'), fc.nat(9)) as fc.Arbitrary<Step>,
    },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constant('pass'), fc.constantFrom(1, 50, 200, 799, 1000)) as fc.Arbitrary<Step>,
    },
  ),
  { minLength: 4, maxLength: 40 },
)

const ttl = 1000

async function play(schedule: readonly Step[], eager: boolean) {
  const fetch = deferredFetch<Origin>()
  const launched: number[] = []
  let step = 0
  const cache = new BackgroundCache<Origin>({
    ttl,
    refreshWindow: 200,
    fetchTimeout: '1h',
    random: () => 0.5,
    fetch: (context, previous) => {
      launched.push(step)
      return fetch(context, previous)
    },
  })
  const readers: { how: 'get' | 'refresh'; asked: number; after: number; outcome: Settlement<Origin>; at: number }[] =
    []
  let lastMutation = -1
  let lastInvalidation = -1
  let newestSeen = -1
  const fail = (message: string): never => {
    throw new Error(`${message} at step ${step}`)
  }
  const check = () => {
    const held = cache.peek()
    if (held !== undefined) {
      if (held.kind === 'fetched' && held.began < lastMutation) fail('a fetch from before a mutation is held')
      if (Date.now() - held.at >= ttl) fail('a value older than its ttl is held')
      if (held.began < newestSeen) fail('an older value has overwritten a newer one')
      newestSeen = held.began
    }
    if (launched.filter((began, index) => began >= lastMutation && fetch.calls[index]?.settled === false).length > 1) {
      fail('two fetches own the slot')
    }
  }
  const land = (index: number, how: 'resolve' | 'reject') => {
    const open = fetch.calls.map((call, at) => ({ call, at })).filter(({ call }) => !call.settled)
    const chosen = open[index % open.length]
    if (chosen === undefined) return
    if (how === 'reject') chosen.call.reject(new Error(`fetch ${chosen.at}`))
    else {
      const began = launched[chosen.at] ?? fail('a fetch without a launch')
      chosen.call.resolve({ kind: 'fetched', began, at: chosen.call.context.startedAt })
    }
  }
  for (const [name, argument] of schedule) {
    step++
    if (name === 'get' || name === 'refresh') {
      const outcome = settlement(cache[name]())
      readers.push({ how: name, asked: step, after: lastInvalidation, outcome, at: Date.now() })
    } else if (name === 'set') {
      cache.set({ kind: 'set', began: step, at: Date.now() })
      lastMutation = step
    } else if (name === 'seed') {
      // a millisecond later than whatever is in the air, so that an accepted seed supersedes it
      vi.advanceTimersByTime(1)
      if (cache.seed({ kind: 'seeded', began: step, at: Date.now() })) lastMutation = step
    } else if (name === 'invalidate' || name === 'expire') {
      cache[name]()
      lastMutation = step
      if (name === 'invalidate') lastInvalidation = step
    } else if (name === 'pass') await pass(argument ?? 0)
    else land(argument ?? 0, name)
    if (!eager) await flush()
    check()
  }
  for (let round = 0; round < 20; round++) {
    step++
    await flush()
    for (let count = fetch.calls.length; count > 0; count--) land(0, 'resolve')
    await flush()
    check()
  }
  for (const { how, asked, after, outcome } of readers) {
    step = asked
    if (outcome.state === 'pending') fail(`a ${how}() waits for ever`)
    const value = outcome.value
    if (value === undefined || value.kind !== 'fetched') continue
    if (value.began < after) fail(`a ${how}() after an invalidate() got a fetch from before it`)
    if (how === 'refresh' && value.began < asked) fail('a refresh() got a fetch that began before it')
  }
  if (fetch.calls.length > 2 * schedule.length) fail('more fetches than anybody asked for')
}

it.each([
  ['every step drained', false],
  ['steps within one turn', true],
])('L6 L7 L8 L9 random schedules keep every promise, %s', async (_, eager) => {
  await fc.assert(
    fc.asyncProperty(steps, (schedule) => play(schedule, eager)),
    { numRuns: 500, seed: START % 1_000_003 },
  )
})
