/** How a state looks from outside, key by key, and which states look the same. */

import { describe, expect, it } from 'vitest'
import { inspect, looksSame, snapshotOf } from '../../src/state/snapshot.ts'
import type { State } from '../../src/state/state.ts'

const toEpoch = (at: number) => at + 1_000_000
const entry = { value: 'v', fetchedAt: 100, agingAt: 900, expiresAt: 1100 }
const flight = { reason: 'aging' as const, startedAt: 900, previous: entry }
const failure = { error: 'down', class: 'retry' as const }
const setback = { at: 950, attempts: 2, nextAttemptAt: 2000, failure }
const counts = { generation: 3, waiting: 4, observers: 5 }
const empty: State<string> = { kind: 'empty' }
const current: State<string> = { kind: 'current', entry }

describe('snapshotOf', () => {
  it('gives an empty state every key', () => {
    const nothing = { value: undefined, fetchedAt: undefined, expiresAt: undefined, failure: undefined }
    expect(snapshotOf(empty, toEpoch)).toStrictEqual({ status: 'empty', ...nothing })
    expect(snapshotOf({ kind: 'disposed' }, toEpoch)).toStrictEqual({ status: 'disposed', ...nothing })
  })
  it('gives epoch times, and the failure since the last success', () => {
    expect(snapshotOf({ kind: 'refreshing', entry, flight, trouble: { setback } }, toEpoch)).toStrictEqual({
      status: 'refreshing',
      value: 'v',
      fetchedAt: 1_000_100,
      expiresAt: 1_001_100,
      failure: { error: 'down', at: 1_000_950, attempts: 2, nextAttemptAt: 1_002_000 },
    })
  })
  it('tells of no failure where the source did answer', () => {
    const trouble = { setback: { at: 950, attempts: 1, nextAttemptAt: 2000 }, told: { at: 960 } }
    expect(snapshotOf({ ...current, trouble } as State<string>, toEpoch).failure).toBeUndefined()
  })
})

describe('looksSame', () => {
  it('goes by status, entry and failure', () => {
    const same: State<string> = {
      ...current,
      trouble: { told: { at: 960 }, setback: { ...setback, failure: undefined } },
    }
    const others: State<string>[] = [
      empty,
      { kind: 'refreshing', entry, flight },
      { kind: 'current', entry: { ...entry } },
      { kind: 'current', entry, trouble: { setback } },
    ]
    expect(looksSame(current, same)).toBe(true)
    expect(others.map((other) => looksSame(current, other))).toEqual([false, false, false, false])
    expect(looksSame({ ...current, trouble: { setback } } as State<string>, others[3] as State<string>)).toBe(true)
  })
})

describe('inspect', () => {
  it('tells of an empty state', () => {
    expect(inspect(empty, 500, toEpoch, counts)).toStrictEqual({
      status: 'empty',
      freshness: undefined,
      age: undefined,
      refreshAt: undefined,
      expiresAt: undefined,
      nextAttemptAt: undefined,
      lastError: undefined,
      ...counts,
    })
  })
  it('tells of a value without showing it', () => {
    const state: State<string> = { ...current, entry: { ...entry, refreshAt: 950 }, trouble: { setback } }
    expect(inspect(state, 500, toEpoch, counts)).toStrictEqual({
      status: 'current',
      freshness: 'fresh',
      age: 400,
      refreshAt: 1_000_950,
      expiresAt: 1_001_100,
      nextAttemptAt: 1_002_000,
      lastError: 'down',
      ...counts,
    })
  })
  it('calls a value that was told to expire expired, and an answer that was not kept no error', () => {
    const trouble = { told: { at: 400 }, setback: { at: 300, attempts: 0, nextAttemptAt: 300 } }
    const seen = inspect({ ...current, trouble } as State<string>, 500, toEpoch, counts)
    expect(seen).toMatchObject({ freshness: 'expired', lastError: undefined, nextAttemptAt: 1_000_300 })
    expect(inspect({ ...current, trouble: {} } as State<string>, 900, toEpoch, counts).freshness).toBe('aging')
  })
})
