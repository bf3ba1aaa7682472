/** Every row of "How a read is decided", at the milliseconds where one row ends and the next begins. */

import { describe, expect, it } from 'vitest'
import { makeEntry } from '../../src/policy/lifetime.ts'
import { resolvePolicy } from '../../src/policy/policy.ts'
import { isUsable, mayServeStale, nextFetchAt, nextUnattendedFetchAt, planRead } from '../../src/state/read-plan.ts'
import type { Setback, State, Trouble } from '../../src/state/state.ts'

const policy = resolvePolicy<string>({ ttl: 1000, refreshWindow: 200, staleIfError: 100 }, { ttl: 1000 })
const entry = makeEntry(policy, 'v', { fetchedAt: 0, arrivedAt: 0, ownExpiry: Infinity, draw: () => 0 })
const flight = { reason: 'aging' as const, startedAt: 900, previous: entry }
const failure = { error: 'down', class: 'retry' as const }
const fatal = { error: 'fatal', class: 'fatal' as const }

const state = (trouble?: Trouble, flying = false): State<string> =>
  flying ? { kind: 'refreshing', entry, trouble, flight } : { kind: 'current', entry, trouble }
const without = (trouble?: Trouble, flying = false): State<string> =>
  flying ? { kind: 'refreshing', trouble, flight } : { kind: 'empty', trouble }
const setback = (nextAttemptAt: number, some: Partial<Setback> = {}): Setback => ({
  at: 850,
  attempts: 1,
  nextAttemptAt,
  failure,
  ...some,
})
const serve = (stale = false) => ({ step: 'serve', entry, stale })
const behind = (reason: string, stale = false) => ({ step: 'serve-and-refresh', entry, stale, reason })
const join = { step: 'join', flight }
const fetch = (reason: string) => ({ step: 'fetch', reason })
const reject = (error: string) => ({ step: 'reject', error })

describe('planRead', () => {
  const told = { at: 500 }
  const tried = { at: 500, tried: true }
  it.each<[string, State<string>, number, object]>([
    ['1: fatal, in the cool-down', state({ setback: setback(950, { failure: fatal, fatal }) }), 949, reject('fatal')],
    ['1: fatal, after it', state({ setback: setback(950, { failure: fatal, fatal }) }), 950, fetch('aging')],
    ['1: fatal, with a fetch', state({ setback: setback(950, { failure: fatal, fatal }) }, true), 949, reject('fatal')],
    ['1: fatal, and a fetch after it', state({ setback: setback(950, { fatal }) }, true), 950, join],
    ['1: fatal, behind a later failure', state({ setback: setback(950, { fatal }) }), 949, reject('fatal')],
    ['2: fresh', state(), 799, serve()],
    ['2: fresh, with a fetch', state(undefined, true), 799, serve()],
    ['3: aging', state(), 800, behind('aging')],
    ['3: aging, with a fetch', state(undefined, true), 800, serve()],
    ['3: aging, in a cool-down', state({ setback: setback(950) }), 949, serve()],
    ['3: aging, after it', state({ setback: setback(950) }), 950, behind('aging')],
    ['4: expired, with a fetch', state(undefined, true), 1000, join],
    ['4: expired, with a fetch, after a failure', state({ setback: setback(950) }, true), 1000, serve(true)],
    ['4: told, with a fetch', state({ told }, true), 900, join],
    ['4: told since a failure, with a fetch', state({ told, setback: setback(880) }, true), 900, join],
    ['4: told, with a fetch, one failed since', state({ told: tried, setback: setback(880) }, true), 900, serve(true)],
    ['4: empty, with a fetch', without(undefined, true), 0, join],
    ['4: empty, with a fetch, after a failure', without({ setback: setback(950) }, true), 900, join],
    ['5: expired, in a cool-down', state({ setback: setback(2000) }), 1099, serve(true)],
    ['5: too stale, in a cool-down', state({ setback: setback(2000) }), 1100, reject('down')],
    ['5: told, in a cool-down', state({ told, setback: setback(900) }), 899, serve(true)],
    [
      '5: told, in a cool-down without an error',
      state({ told, setback: setback(900, { failure: undefined }) }),
      899,
      serve(true),
    ],
    [
      '5: too stale, in a cool-down without an error',
      state({ setback: setback(2000, { failure: undefined }) }),
      1100,
      fetch('expired'),
    ],
    ['5: empty, in a cool-down', without({ setback: setback(950) }), 949, reject('down')],
    [
      '5: empty, in one without an error',
      without({ setback: setback(950, { failure: undefined }) }),
      949,
      fetch('first'),
    ],
    ['6: expired', state(), 1000, fetch('expired')],
    ['6: expired, after a failure', state({ setback: setback(1050) }), 1050, behind('expired', true)],
    [
      '6: expired, after an answer that was not kept',
      state({ setback: setback(1050, { failure: undefined }) }),
      1050,
      fetch('expired'),
    ],
    ['6: too stale, after a failure', state({ setback: setback(1050) }), 1100, fetch('expired')],
    ['6: told', state({ told }), 600, fetch('expired')],
    ['6: told since a failure', state({ told, setback: setback(880) }), 880, fetch('expired')],
    ['6: told, and one failed since', state({ told: tried, setback: setback(880) }), 880, behind('expired', true)],
    ['6: empty', without(), 0, fetch('first')],
    ['6: empty, after a cool-down', without({ setback: setback(950) }), 950, fetch('first')],
  ])('row %s', (_, before, now, plan) => {
    expect(planRead(before, policy, now)).toMatchObject(plan)
  })
})

describe('isUsable', () => {
  it.each([
    ['held', state(), 999, true],
    ['expired', state(), 1000, false],
    ['told to expire', state({ told: { at: 500 } }), 600, false],
    ['held through a failure', state({ setback: setback(2000) }), 999, true],
    ['nothing', without(), 0, false],
  ])('%s', (_, before, now, usable) => {
    expect(isUsable(before, now)).toBe(usable)
  })
})

describe('mayServeStale', () => {
  it.each([
    ['until the end of staleIfError', state(), 1099, true],
    ['no longer', state(), 1100, false],
    ['through failures', state({ setback: setback(2000) }), 1099, true],
    ['but not a fatal one', state({ setback: setback(2000, { fatal }) }), 1000, false],
    ['nothing is held', without(), 0, false],
  ])('%s', (_, before, now, may) => {
    expect(mayServeStale(before, policy, now)).toBe(may)
  })
})

describe('nextFetchAt', () => {
  it.each([
    ['of an empty cache is at once', without(), -Infinity],
    ['of an empty cache waits for a cool-down', without({ setback: setback(950) }), 950],
    ['of an empty cache waits five seconds of it at most', without({ setback: setback(99_999) }), 5850],
    ['of a value is when the window begins', state(), 800],
    ['of a value waits for a cool-down', state({ setback: setback(950) }), 950],
    ['of a value is no sooner for a cool-down that ends before', state({ setback: setback(700, { at: 600 }) }), 800],
    ['of a value waits at most until its expiry', state({ setback: setback(99_999, { at: -9000 }) }), 1000],
    ['of a value waits five seconds at least', state({ setback: setback(99_999) }), 5850],
    ['of a value told to expire is at once', state({ told: { at: 500 } }), -Infinity],
    ['of a value told to expire waits for a cool-down', state({ told: { at: 500 }, setback: setback(700) }), 700],
    ['after a fatal failure is the end of the cool-down', state({ setback: setback(700, { fatal }) }), 700],
  ])('%s', (_, before, at) => {
    expect(nextFetchAt(before)).toBe(at)
  })
})

describe('nextUnattendedFetchAt', () => {
  it.each([
    ['is that of a read', state(), 800],
    ['is that of a read after a cool-down', state({ setback: setback(851) }), 851],
    ['comes a second after a failure without a cool-down', state({ setback: setback(850) }), 1850],
    ['is that of a read where that comes later', state({ setback: setback(-300, { at: -300 }) }), 800],
    ['of an empty cache is at once', without(), -Infinity],
  ])('%s', (_, before, at) => {
    expect(nextUnattendedFetchAt(before)).toBe(at)
  })
})
