/** The pure machine, input by input: what each does to a state, and what it leaves alone. */

import { describe, expect, it } from 'vitest'
import { coolDown } from '../../src/policy/backoff.ts'
import { makeEntry } from '../../src/policy/lifetime.ts'
import { resolvePolicy } from '../../src/policy/policy.ts'
import type { State } from '../../src/state/state.ts'
import { type Input, transition } from '../../src/state/transition.ts'

const policy = resolvePolicy<string>({ ttl: 1000, refreshWindow: 200 }, { ttl: 1000 })
const entry = (value: string, fetchedAt: number) =>
  makeEntry(policy, value, { fetchedAt, arrivedAt: fetchedAt, ownExpiry: Infinity, draw: () => 0 })
const flightAt = (startedAt: number) => ({ reason: 'first' as const, startedAt, previous: undefined })
const held = entry('held', 100)
const flight = flightAt(150)
const at = (input: Input<string>, state: State<string>) => transition(state, input, policy)
const flying: State<string> = { kind: 'refreshing', entry: held, flight }
const defeat = { kind: 'failed', error: 'down', class: 'retry', draw: 0, retryAfter: 0 } as const

describe('transition', () => {
  it('launch puts the flight into the empty slot, and never into a taken one', () => {
    expect(at({ type: 'launch', flight, now: 150 }, { kind: 'empty' })?.state).toMatchObject({
      kind: 'refreshing',
      flight,
    })
    expect(at({ type: 'launch', flight: flightAt(160), now: 160 }, flying)).toBeUndefined()
  })

  it.each<Input<string>>([
    { type: 'landed', flight: flightAt(150), verdict: { kind: 'replaced', entry: entry('late', 150) }, now: 200 },
    { type: 'landed', flight: flightAt(150), verdict: defeat, now: 200 },
  ])('landed changes nothing unless that very flight owns the slot: %#', (input) => {
    expect(at(input, flying)).toBeUndefined()
  })

  it.each<State<string>['kind']>(['empty', 'current', 'refreshing'])('dispose ends %s for good', (kind) => {
    const before = {
      empty: { kind: 'empty' },
      current: { kind: 'current', entry: held },
      refreshing: flying,
      disposed: flying,
    }
    const disposed = at({ type: 'dispose', now: 200 }, before[kind] as State<string>)?.state as State<string>
    expect(disposed).toMatchObject({ kind: 'disposed', entry: undefined, flight: undefined })
    expect(at({ type: 'set', entry: held, now: 210 }, disposed)).toBeUndefined()
  })

  it('seed keeps a value told to expire told, when it is from before', () => {
    const told: State<string> = { kind: 'current', entry: held, trouble: { told: { at: 300 } } }
    const older = at({ type: 'seed', entry: entry('older', 200), now: 400 }, told)?.state
    const newer = at({ type: 'seed', entry: entry('newer', 350), now: 400 }, told)?.state
    expect([older?.trouble?.told, newer?.trouble?.told]).toEqual([{ at: 300 }, undefined])
  })

  it('reject of another value is refused', () => {
    expect(at({ type: 'reject', value: 'other', draw: 0, now: 200 }, flying)).toBeUndefined()
  })

  it('reject without a back-off never starts a cool-down', () => {
    const never = { ...policy, backoff: false } as const
    const again: State<string> = {
      kind: 'current',
      entry: held,
      trouble: { rejections: { inARow: 1, heldSince: 100 } },
    }
    const change = transition(again, { type: 'reject', value: 'held', draw: 0, now: 150 }, never)
    expect(change?.state.trouble?.setback).toBeUndefined()
  })

  it('reject never shortens a cool-down that runs, however long', () => {
    const slow = { ...policy, backoff: { base: 1000, max: 36_000_000 } }
    const setback = {
      at: 100,
      attempts: 1,
      nextAttemptAt: 30_000_000,
      failure: { error: 'down', class: 'retry' as const },
    }
    const again: State<string> = {
      kind: 'current',
      entry: held,
      trouble: { setback, rejections: { inARow: 1, heldSince: 100 } },
    }
    const change = transition(again, { type: 'reject', value: 'held', draw: 0, now: 150 }, slow)
    expect(change?.state.trouble?.setback).toMatchObject({ nextAttemptAt: 30_000_000, attempts: 2 })
  })

  it('landed: an outage after gone starts at the first delay', () => {
    const gone = at({ type: 'landed', flight, verdict: { ...defeat, class: 'gone' }, now: 200 }, flying)?.state
    const next = at({ type: 'launch', flight, now: 9000 }, gone as State<string>)?.state
    const failed = at({ type: 'landed', flight, verdict: defeat, now: 9000 }, next as State<string>)?.state
    expect(failed?.trouble?.setback).toMatchObject({ attempts: 1, nextAttemptAt: 9500 })
  })

  it('leaves its input untouched', () => {
    const frozen = Object.freeze({ ...flying, trouble: Object.freeze({ told: Object.freeze({ at: 120 }) }) })
    expect(at({ type: 'landed', flight, verdict: defeat, now: 200 }, frozen)?.state.trouble?.told).toEqual({
      at: 120,
      tried: true,
    })
    expect(frozen.trouble.told).toEqual({ at: 120 })
  })
})

describe('coolDown', () => {
  const backoff = { base: 1000, max: 60_000 }
  it.each([
    [1, 0, 500],
    [1, 1, 1000],
    [3, 0, 2000],
    [3, 1, 4000],
    [7, 1, 60_000],
    [5000, 0, 30_000],
  ])('of attempt %i at draw %d is %i ms: between half the delay and the delay', (attempts, draw, ms) => {
    expect(coolDown(backoff, attempts, draw, 0)).toBe(ms)
  })
  it('is lengthened by retryAfter, to at most an hour, and is 0 when it is turned off', () => {
    expect([coolDown(backoff, 1, 0, 7000), coolDown(backoff, 1, 0, 1e9), coolDown(false, 3, 1, 7000)]).toEqual([
      7000, 3_600_000, 0,
    ])
  })
})
