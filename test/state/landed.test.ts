/** The whole change a fetch makes: the next state, the facts that are told, and what is started behind it. */

import { describe, expect, it } from 'vitest'
import type { ErrorClass } from '../../src/events/cache-event.ts'
import type { State } from '../../src/state/state.ts'
import { type Input, transition } from '../../src/state/transition.ts'
import {
  changed,
  coolDown,
  current,
  discarded,
  empty,
  entry,
  failure,
  flight,
  flying,
  gone,
  held,
  policy,
  queued,
  troubled,
} from '../support/states.ts'

const defeat = (severity: ErrorClass, retryAfter = 0) =>
  ({ kind: 'failed', error: 'down', class: severity, draw: 0, retryAfter }) as const
const failed = (severity: ErrorClass, nextAttemptAt: number) => ({
  kind: 'fetch-failed',
  reason: 'aging',
  tookMs: 50,
  error: 'down',
  class: severity,
  nextAttemptAt,
})
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
    const fatal = { error: 'down', class: 'fatal' as const }
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
        trouble: { setback: { at: 200, attempts: 1, nextAttemptAt: until, failure: { error: 'down', class: 'gone' } } },
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
