/** The whole change a write makes: the next state, the facts that are told, and the fetch that lost the slot. */

import { describe, expect, it } from 'vitest'
import type { State, Trouble } from '../../src/state/state.ts'
import { transition } from '../../src/state/transition.ts'
import {
  changed,
  coolDown,
  current,
  discarded,
  empty,
  entry,
  flight,
  flying,
  gone,
  held,
  policy,
  queued,
  troubled,
} from '../support/states.ts'

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
