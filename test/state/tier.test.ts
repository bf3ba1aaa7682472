/** What a tier, and other processes, make of a state: nothing of it is a write from here, or the end of a fetch. */

import { describe, expect, it } from 'vitest'
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

const rejections = { inARow: 2 }
const at = (fetchedAt: number) => ({ type: 'found', entry: entry('found', fetchedAt), now: 300 }) as const
const nothing = { type: 'found', entry: undefined, now: 300 } as const

describe('found', () => {
  it('is held meanwhile, whatever is in the air or wanted', () => {
    const found = entry('found', 90)
    expect(changed(flying, at(90))).toEqual({
      state: { kind: 'refreshing', entry: found, flight },
      facts: [],
      startQueued: false,
    })
    expect(changed(queued, at(90)).state).toEqual({ kind: 'refreshing', entry: found, flight, queued: true })
    expect(changed(troubled(empty, { setback: gone, rejections }), at(90)).state).toEqual({
      kind: 'current',
      entry: found,
      trouble: { setback: gone, rejections },
    })
  })

  it('obeys expire() only if it was fetched after it', () => {
    const told = { at: 200 }
    expect(changed(troubled(current, { told }), at(200)).state.trouble).toEqual({ told })
    expect(changed(troubled(current, { told }), at(201)).state.trouble).toBe(undefined)
  })

  it('is what another process announced, whenever it was fetched, unless that was before expire()', () => {
    const announced = { at: -Infinity, announced: true }
    expect(changed(troubled(current, { told: announced }), at(1)).state).toEqual({
      kind: 'current',
      entry: entry('found', 1),
    })
    const both = { at: 200, announced: true }
    expect(changed(troubled(current, { told: both }), at(200)).state.trouble).toEqual({ told: both })
  })

  it('is nothing: then what another process announced is that there is nothing any more', () => {
    const trouble = { told: { at: 200, announced: true }, setback: coolDown, rejections }
    expect(changed(troubled(flying, trouble), nothing)).toEqual({
      state: { kind: 'refreshing', flight, trouble: { setback: coolDown } },
      facts: [],
      startQueued: false,
    })
    for (const state of [current, flying, troubled(current, { told: { at: 200 } })])
      expect(transition(state, nothing, policy)).toBe(undefined)
  })
})

describe('announced', () => {
  it('takes the slot from the fetch in the air, and what is held waits to be looked at again', () => {
    expect(changed(flying, { type: 'announced', now: 300 })).toEqual({
      state: { kind: 'current', entry: held, trouble: { told: { at: -Infinity, announced: true } } },
      facts: [discarded('announced'), { kind: 'expired' }],
      because: 'announced',
      lost: flight,
    })
  })

  it('does not undo expire(), nor is undone by it', () => {
    const both = { at: 250, announced: true }
    expect(changed(troubled(current, { told: { at: 250 } }), { type: 'announced', now: 300 }).state.trouble).toEqual({
      told: both,
    })
    const announced = troubled(current, { told: { at: -Infinity, announced: true } })
    expect(changed(announced, { type: 'expire', now: 250 }).state.trouble).toEqual({ told: both })
  })

  it('starts what refresh() queued, and forgets a "gone"', () => {
    expect(changed(queued, { type: 'announced', now: 300 }).startQueued).toBe(true)
    expect(changed(troubled(empty, { setback: gone }), { type: 'announced', now: 300 }).state).toEqual({
      kind: 'empty',
    })
  })
})

describe('refused', () => {
  const refused = (value: string, fetchedAt: number) =>
    ({ type: 'refused', entry: entry(value, fetchedAt), now: 300 }) as const

  it('is kept by nobody, and what is in the air flies on', () => {
    const trouble = { told: { at: 200 }, setback: coolDown, rejections }
    expect(changed(troubled(flying, trouble), refused('held', 100))).toEqual({
      state: { kind: 'refreshing', flight, trouble: { setback: coolDown } },
      facts: [],
      startQueued: false,
    })
  })

  it.each([
    ['another value', current, refused('other', 100)],
    ['the same value of another time', current, refused('held', 101)],
    ['nothing', empty, refused('held', 100)],
  ])('changes nothing where %s is held', (_, state, input) => {
    expect(transition(state, input, policy)).toBe(undefined)
  })
})

it('a fetch that looks in a tier first is not told of, when it is launched, brings something, or loses the slot', () => {
  const lookingUp = { ...flight, isLookingUp: true }
  const looking = { kind: 'refreshing', entry: held, flight: lookingUp } as const
  const verdict = { kind: 'replaced', entry: entry('found', 200) } as const
  expect(changed(current, { type: 'launch', flight: lookingUp, now: 150 }).facts).toEqual([])
  expect(changed(looking, { type: 'landed', flight: lookingUp, verdict, now: 300 }).facts).toEqual([])
  expect(changed(looking, { type: 'invalidate', now: 300 })).toMatchObject({
    facts: [{ kind: 'invalidated' }],
    lost: lookingUp,
  })
})
