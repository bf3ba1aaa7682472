/** The whole change every input makes: the next state, the facts that are told, and what follows for the fetches. */

import { describe, expect, it } from 'vitest'
import type { ErrorClass } from '../../src/events/cache-event.ts'
import { makeEntry } from '../../src/policy/lifetime.ts'
import { resolvePolicy } from '../../src/policy/policy.ts'
import type { State, Trouble } from '../../src/state/state.ts'
import { type Change, type Input, transition } from '../../src/state/transition.ts'

const policy = resolvePolicy<string>({ ttl: 1000, refreshWindow: 200, staleIfError: 100 }, { ttl: 1000 })
const entry = (value: string, fetchedAt: number) =>
  makeEntry(policy, value, { fetchedAt, arrivedAt: fetchedAt, ownExpiry: Infinity, draw: () => 0 })
const flightAt = (startedAt: number) => ({ reason: 'aging' as const, startedAt, previous: undefined })
const [held, flight] = [entry('held', 100), flightAt(150)]
const [error, failure] = ['down', { error: 'down', class: 'retry' as const }]
const empty: State<string> = { kind: 'empty' }
const current: State<string> = { kind: 'current', entry: held }
const flying: State<string> = { kind: 'refreshing', entry: held, flight }
const queued: State<string> = { ...flying, queued: true }
const coolDown = { at: 120, attempts: 2, nextAttemptAt: 4000, failure }
const gone = { at: 120, attempts: 1, nextAttemptAt: 4000, failure: { error: 'gone', class: 'gone' as const } }
const troubled = (state: State<string>, trouble: Trouble): State<string> => ({ ...state, trouble })

const changed = (state: State<string>, input: Input<string>) => transition(state, input, policy) as Change<string>
const defeat = (severity: ErrorClass, retryAfter = 0) =>
  ({ kind: 'failed', error, class: severity, draw: 0, retryAfter }) as const
const failed = (severity: ErrorClass, nextAttemptAt: number) => ({
  kind: 'fetch-failed',
  reason: 'aging',
  tookMs: 50,
  error,
  class: severity,
  nextAttemptAt,
})
const discarded = (because: string) => ({ kind: 'fetch-discarded', because })

describe('launch and queue', () => {
  it('take the slot, and keep what is held and what went wrong', () => {
    expect(changed(troubled(current, { setback: coolDown }), { type: 'launch', flight, now: 150 })).toEqual({
      state: { kind: 'refreshing', entry: held, flight, trouble: { setback: coolDown } },
      facts: [{ kind: 'fetch-started', reason: 'aging' }],
      startQueued: false,
    })
    expect(changed(troubled(empty, { setback: gone }), { type: 'launch', flight, now: 150 }).state.trouble).toEqual({
      setback: gone,
    })
    expect(changed(flying, { type: 'queue', now: 0 })).toEqual({
      state: { ...flying, queued: true },
      facts: [],
      startQueued: false,
    })
  })
})

describe('landed', () => {
  const landed = (verdict: Extract<Input<string>, { type: 'landed' }>['verdict'], state: State<string> = flying) =>
    changed(state, { type: 'landed', flight, verdict, now: 200 })
  const next = entry('next', 150)
  const succeeded = { kind: 'fetch-succeeded', reason: 'aging', tookMs: 50 }

  it('with a value replaces what is held, and forgets every trouble', () => {
    const trouble = { setback: coolDown, told: { at: 160 }, rejections: { inARow: 1, heldSince: 130 } }
    expect(landed({ kind: 'replaced', entry: next }, troubled(flying, trouble))).toEqual({
      state: { kind: 'current', entry: next },
      facts: [{ ...succeeded, changed: true }],
    })
  })

  it('with the value that was held keeps since when it is the successor of a rejected one', () => {
    const trouble = { setback: coolDown, told: { at: 160 }, rejections: { inARow: 1, heldSince: 130 } }
    expect(landed({ kind: 'renewed', entry: next }, troubled(flying, trouble))).toEqual({
      state: { kind: 'current', entry: next, trouble: { rejections: { inARow: 1, heldSince: 130 } } },
      facts: [{ ...succeeded, changed: false }],
    })
  })

  it('with the successor of a rejected value remembers since when it is held', () => {
    const emptied: State<string> = { kind: 'refreshing', flight, trouble: { rejections: { inARow: 2 } } }
    expect(landed({ kind: 'replaced', entry: next }, emptied).state.trouble).toEqual({
      rejections: { inARow: 2, heldSince: 200 },
    })
  })

  it('with a value that took longer than it may live keeps nothing, and names both durations', () => {
    const slow = { ...next, expiresAt: 190 }
    expect(landed({ kind: 'slow', entry: slow })).toEqual({
      state: { kind: 'current', entry: held, trouble: { setback: { at: 200, attempts: 0, nextAttemptAt: 200 } } },
      facts: [
        { ...succeeded, changed: false },
        { kind: 'slower-than-ttl', tookMs: 50, ttlMs: 40 },
      ],
    })
  })

  it('with an older value starts a cool-down without an error, and the source is no longer fatally ill', () => {
    const fatal = { error: 'fatal', class: 'fatal' as const }
    const state = troubled(flying, { setback: { ...coolDown, failure: fatal, fatal } })
    expect(landed({ kind: 'older', entry: held, draw: 1 }, state)).toEqual({
      state: { kind: 'current', entry: held, trouble: { setback: { at: 200, attempts: 3, nextAttemptAt: 4200 } } },
      facts: [discarded('older')],
    })
  })

  it('with a failure counts it, and lets a value told to expire serve on', () => {
    expect(landed(defeat('retry'), troubled(flying, { setback: coolDown, told: { at: 160 } }))).toEqual({
      state: {
        kind: 'current',
        entry: held,
        trouble: {
          setback: { at: 200, attempts: 3, nextAttemptAt: 2200, failure },
          told: { at: 160, tried: true },
        },
      },
      facts: [failed('retry', 2200)],
    })
    expect(landed(defeat('retry', 7000)).state.trouble?.setback?.nextAttemptAt).toBe(7200)
  })

  it('with a fatal failure remembers it behind the failures that follow', () => {
    const fatal = { error, class: 'fatal' as const }
    const first = landed(defeat('fatal'))
    expect(first.state.trouble?.setback).toEqual({ at: 200, attempts: 1, nextAttemptAt: 700, failure: fatal, fatal })
    const second = landed(defeat('retry'), { ...flying, trouble: first.state.trouble } as State<string>)
    expect(second.state.trouble?.setback).toMatchObject({ attempts: 2, failure, fatal })
  })

  it.each([
    [1000, 1200],
    [60_000, 5200],
  ])('with "gone" drops the value and remembers that for the ttl (%i), but no longer than 5 s', (ttl, until) => {
    const trouble = { setback: coolDown, told: { at: 160 }, rejections: { inARow: 1, heldSince: 130 } }
    const input = { type: 'landed' as const, flight, verdict: defeat('gone', 9000), now: 200 }
    expect(transition(troubled(flying, trouble), input, { ...policy, ttl })).toEqual({
      state: {
        kind: 'empty',
        trouble: { setback: { at: 200, attempts: 1, nextAttemptAt: until, failure: { error, class: 'gone' } } },
      },
      facts: [failed('gone', until)],
    })
  })

  it('starts the fetch that was queued behind it', () => {
    expect(landed({ kind: 'replaced', entry: next }, queued)).toMatchObject({
      state: { kind: 'current' },
      startQueued: true,
    })
    expect(landed({ kind: 'replaced', entry: next }, queued).state.queued).toBeUndefined()
    expect(landed({ kind: 'replaced', entry: next }).startQueued).toBeUndefined()
  })
})

describe('writes', () => {
  const next = entry('next', 200)

  it('set takes the slot from the fetch in the air and answers who queued', () => {
    expect(changed(troubled(queued, { setback: coolDown }), { type: 'set', entry: next, now: 200 })).toEqual({
      state: { kind: 'current', entry: next },
      facts: [discarded('set'), { kind: 'value-set' }],
      because: 'set',
      lost: flight,
    })
    expect(changed(empty, { type: 'set', entry: next, now: 200 })).toEqual({
      state: { kind: 'current', entry: next },
      facts: [{ kind: 'value-set' }],
      because: 'set',
    })
  })

  it('seed ends no cool-down, and outdates only a fetch that started no later', () => {
    expect(
      changed(troubled(flying, { setback: coolDown }), { type: 'seed', entry: entry('s', 149), now: 200 }),
    ).toEqual({
      state: { kind: 'refreshing', entry: entry('s', 149), flight, trouble: { setback: coolDown } },
      facts: [{ kind: 'value-seeded' }],
      startQueued: false,
    })
    expect(changed(flying, { type: 'seed', entry: entry('s', 150), now: 200 })).toEqual({
      state: { kind: 'current', entry: entry('s', 150) },
      facts: [discarded('seeded'), { kind: 'value-seeded' }],
      because: 'seeded',
      lost: flight,
    })
    expect(changed(queued, { type: 'seed', entry: entry('s', 149), now: 200 })).toMatchObject({
      state: { queued: true },
    })
  })

  it.each([
    ['a value as old is held', current, entry('s', 100), 200],
    ['a newer value is held', current, entry('s', 99), 200],
    ['it could not even serve as stale', empty, entry('s', 100), 1200],
  ])('seed is refused when %s', (_, state, seed, now) => {
    expect(transition(state, { type: 'seed', entry: seed, now }, policy)).toBeUndefined()
  })

  it('seed is taken while it could serve as stale, and forgets a "gone"', () => {
    expect(changed(troubled(empty, { setback: gone }), { type: 'seed', entry: held, now: 1199 })).toEqual({
      state: { kind: 'current', entry: held },
      facts: [{ kind: 'value-seeded' }],
    })
  })

  it.each([
    [299, { at: 300 }],
    [300, undefined],
  ])('seed from %i is told to expire if that was said at 300, after it', (fetchedAt, told) => {
    const state = troubled(current, { told: { at: 300 } })
    const change = changed(state, { type: 'seed', entry: entry('s', fetchedAt), now: 400 })
    expect(change.state.trouble?.told).toEqual(told)
  })

  it('invalidate drops the value, starts who queued, and ends no cool-down but "gone"', () => {
    const trouble = { setback: coolDown, told: { at: 160 }, rejections: { inARow: 1, heldSince: 130 } }
    expect(changed(troubled(queued, trouble), { type: 'invalidate', now: 200 })).toEqual({
      state: { kind: 'empty', trouble: { setback: coolDown } },
      facts: [discarded('invalidated'), { kind: 'invalidated' }],
      because: 'invalidated',
      lost: flight,
      startQueued: true,
    })
    expect(changed(troubled(empty, { setback: gone }), { type: 'invalidate', now: 200 }).state).toEqual(empty)
  })

  it('expire keeps the value, the cool-down and what was rejected', () => {
    const trouble = { setback: coolDown, rejections: { inARow: 1, heldSince: 130 } }
    expect(changed(troubled(flying, trouble), { type: 'expire', now: 200 })).toEqual({
      state: { kind: 'current', entry: held, trouble: { ...trouble, told: { at: 200 } } },
      facts: [discarded('expired'), { kind: 'expired' }],
      because: 'expired',
      lost: flight,
    })
  })

  it('dispose leaves nothing, and starts nobody who queued', () => {
    const trouble = { setback: coolDown, told: { at: 160 }, rejections: { inARow: 1, heldSince: 130 } }
    expect(changed(troubled(queued, trouble), { type: 'dispose', now: 0 })).toEqual({
      state: { kind: 'disposed' },
      facts: [discarded('disposed'), { kind: 'disposed' }],
      because: 'disposed',
      lost: flight,
    })
  })
})

describe('reject', () => {
  const reject = (trouble: Trouble, now: number, state: State<string> = current) =>
    changed(troubled(state, trouble), { type: 'reject', value: 'held', draw: 1, now })

  it('drops the value and counts it', () => {
    expect(reject({ told: { at: 160 } }, 200, flying)).toEqual({
      state: { kind: 'empty', trouble: { rejections: { inARow: 1 } } },
      facts: [discarded('invalidated'), { kind: 'invalidated' }],
      because: 'invalidated',
      lost: flight,
    })
  })

  it('of a successor held for less than backoff.max is a failed fetch', () => {
    const rejected = transition(
      troubled(current, { rejections: { inARow: 2, heldSince: 150 } }),
      { type: 'reject', value: 'held', draw: 1, now: 60_149 },
      policy,
    )
    const told = {
      name: 'ValueRejectedError',
      message: 'The value was rejected, as the one before it was (3 in a row)',
    }
    expect(rejected?.facts).toEqual([
      { kind: 'invalidated' },
      {
        kind: 'fetch-failed',
        reason: 'first',
        tookMs: 0,
        error: expect.objectContaining(told),
        class: 'retry',
        nextAttemptAt: 62_149,
      },
    ])
    expect(rejected?.state).toMatchObject({
      kind: 'empty',
      trouble: { setback: { at: 60_149, attempts: 2, nextAttemptAt: 62_149 }, rejections: { inARow: 3 } },
    })
    expect(reject({ rejections: { inARow: 2, heldSince: 150 } }, 60_150).state.trouble).toEqual({
      rejections: { inARow: 1 },
    })
  })

  it('forgets a "gone" without a trace', () => {
    expect(reject({ setback: gone }, 200).state.trouble).toEqual({ rejections: { inARow: 1 } })
  })
})
