/** The ages of a value at their very boundaries, and the times an entry is given when it arrives. */
import { describe, expect, it, vi } from 'vitest'
import { explainExpired, freshness, makeEntry, ownExpiryOf, refreshAt } from '../../src/policy/lifetime.ts'
import { type PolicyOptions, resolvePolicy } from '../../src/policy/policy.ts'

const minute = 60_000
const policyOf = (options: object) => resolvePolicy<string>(options as never, options as PolicyOptions<string>)
const timeline = {
  toEpoch: (at: number) => at + 1_000_000,
  fromEpoch: (epoch: number) => epoch - 1_000_000,
} as Parameters<typeof ownExpiryOf>[1]

describe('makeEntry', () => {
  const arrive = (options: object, arrival: Partial<Parameters<typeof makeEntry>[2]> = {}) => {
    const draw = vi.fn(() => 0.5)
    const times = { fetchedAt: 100, arrivedAt: 100, ownExpiry: Infinity, draw, ...arrival }
    return { entry: makeEntry(policyOf(options), 'v', times), draw }
  }

  it('gives a value the times it is compared with, and nothing it need not carry', () => {
    const { entry, draw } = arrive({ ttl: 1000, jitter: 0 })
    expect(entry).toStrictEqual({ value: 'v', fetchedAt: 100, agingAt: 900, expiresAt: 1100 })
    expect(refreshAt(entry)).toBe(900)
    expect(draw).not.toHaveBeenCalled()
  })

  it('puts the refresh inside the window with jitter, by one draw', () => {
    const { entry, draw } = arrive({ ttl: 1000, refreshWindow: 201, jitter: 0.5 })
    expect(entry).toStrictEqual({ value: 'v', fetchedAt: 100, agingAt: 899, expiresAt: 1100, refreshAt: 949 })
    expect(refreshAt(entry)).toBe(949)
    expect(draw).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['a fifth of the ttl', { ttl: 1004 }, {}, 904],
    ['what was configured', { ttl: 1000, refreshWindow: 1 }, {}, 1099],
    ['none', { ttl: 1000, refreshWindow: 0 }, {}, 1100],
    ['half of what is left at most', { ttl: 1000, refreshWindow: 999 }, { arrivedAt: 700 }, 900],
    ['half of what is left, in whole milliseconds', { ttl: 1000, refreshWindow: 999 }, { arrivedAt: 101 }, 601],
    ['none for a value that had expired when it arrived', { ttl: 1000 }, { arrivedAt: 1500 }, 1100],
    ['a fifth of the ttl, if the expiry of its own is no earlier', { ttl: 1000 }, { ownExpiry: 1100 }, 900],
    ['tiers for an expiry of its own', { ttl: 60 * minute }, { ownExpiry: 100 + 20 * minute }, 100 + 15 * minute],
  ])('gives it a window of its own: %s', (_, options, arrival, agingAt) => {
    expect(arrive(options, arrival).entry.agingAt).toBe(agingAt)
  })

  it.each([
    [8 * minute, 4 * minute],
    [20 * minute, 5 * minute],
    [20 * minute + 1, 10 * minute],
    [30 * minute, 15 * minute],
    [90 * minute - 1, 15 * minute],
    [90 * minute, 45 * minute],
    [300 * minute, 60 * minute],
  ])('refreshes a value with an expiry of its own %i ms ahead in the last %i ms', (left, window) => {
    const { entry } = arrive({ expiresAt: () => undefined }, { ownExpiry: 100 + left })
    expect(entry.expiresAt - entry.agingAt).toBe(window)
  })

  it('counts in whole milliseconds, and the window from the arrival', () => {
    const { entry } = arrive({ ttl: 1000 }, { ownExpiry: 300.7, arrivedAt: 200 })
    expect(entry).toMatchObject({ expiresAt: 300, agingAt: 250 })
  })

  it.each([{}, { refreshWindow: 10 }])('leaves a value that never expires fresh for ever: %o', (options) => {
    const { entry } = arrive({ expiresAt: () => undefined, ...options })
    expect(entry).toMatchObject({ agingAt: Infinity, expiresAt: Infinity })
    expect(freshness(entry, Number.MAX_SAFE_INTEGER)).toBe('fresh')
  })
})

describe('freshness', () => {
  const entry = { value: 'v', fetchedAt: 0, agingAt: 800, expiresAt: 1000 }
  it.each([
    [0, 'fresh'],
    [799, 'fresh'],
    [800, 'aging'],
    [999, 'aging'],
    [1000, 'expired'],
  ])('at %i ms is %s', (now, age) => {
    expect(freshness(entry, now)).toBe(age)
  })
})

describe('ownExpiryOf', () => {
  it('asks with the value and the epoch time of its fetch, and answers in the time of the cache', () => {
    const expiresAt = vi.fn(() => 1_000_500)
    expect(ownExpiryOf(policyOf({ expiresAt }), timeline, 'v', 100)).toBe(500)
    expect(expiresAt.mock.calls).toEqual([['v', 1_000_100]])
  })

  it.each([
    [undefined, undefined, Infinity],
    [undefined, 1_000_300, 300],
    [new Date(1_000_200), 1_000_300, 200],
    [1_000_400, 1_000_300, 300],
  ])('takes the earlier of its own %s and the one given, %s', (own, given, expiry) => {
    expect(ownExpiryOf(policyOf({ expiresAt: () => own }), timeline, 'v', 0, given)).toBe(expiry)
    if (own === undefined) expect(ownExpiryOf(policyOf({ ttl: 1 }), timeline, 'v', 0, given)).toBe(expiry)
  })
})

describe('explainExpired', () => {
  const epoch = { toEpoch: (at: number) => at } as Parameters<typeof explainExpired>[0]
  const suspected = ': seconds instead of milliseconds?'
  it.each([
    [999_999, 1_000_000, ''],
    [1_000_000, 1_000_000_000, suspected],
    [500_000, 1_000_000_000, ''],
    [500_001, 1_000_000_000, suspected],
    [9_999_999, 1_000_000_000, suspected],
    [10_000_000, 1_000_000_000, ''],
    [0, 1_000_000_000, ''],
  ])('names the expiry %d and the time %d, and the suspicion: "%s"', (expiry, now, suspicion) => {
    expect(explainExpired(epoch, expiry, now)).toBe(`expiresAt (${expiry}) is past at ${now} ms${suspicion}`)
  })
})
