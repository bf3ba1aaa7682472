/** The options of a policy, completed. */

import { describe, expect, it } from 'vitest'
import { policyRules, resolvePolicy } from '../../src/policy/policy.ts'

describe('policyRules.backoff', () => {
  it('refuses a base above the max', () => {
    expect(() => policyRules.backoff('backoff', { base: 20, max: 10 })).toThrow(/backoff\.base/)
  })
  it.each([
    [{}, { base: 1000, max: 60_000 }],
    [{ base: '2m' }, { base: 120_000, max: 120_000 }],
    [{ max: 500 }, { base: 500, max: 500 }],
    [
      { base: 10, max: 20 },
      { base: 10, max: 20 },
    ],
    [
      { base: 10, max: 10 },
      { base: 10, max: 10 },
    ],
    [false, false],
  ])('%j becomes %j: a default never contradicts what was given', (given, backoff) => {
    expect(policyRules.backoff('backoff', given)).toEqual(backoff)
  })
})

describe('policyRules of durations', () => {
  it.each([
    ['ttl', Infinity, Infinity],
    ['ttl', 0.2, 1],
    ['ttl', 1.5, 2],
    ['fetchTimeout', Infinity, Infinity],
    ['refreshWindow', 0, 0],
    ['refreshWindow', 0.2, 0],
    ['refreshWindow', Number.MAX_VALUE, Number.MAX_VALUE],
    ['staleIfError', Infinity, Infinity],
    ['maxWait', '0s', 0],
    ['maxWait', '1.5m', 90_000],
  ] as const)('%s takes %s, in whole milliseconds: %d', (option, given, ms) => {
    expect(policyRules[option](option, given)).toBe(ms)
  })
})

describe('policyRules.jitter', () => {
  it.each([0, 0.5, 1])('takes %d', (given) => {
    expect(policyRules.jitter('jitter', given)).toBe(given)
  })
  it.each([true, null, {}, '0.5', []])('refuses %j by its kind', (given) => {
    expect(() => policyRules.jitter('jitter', given)).toThrow(TypeError)
    expect(() => policyRules.backoff('backoff', given === true || given === '0.5' ? given : 7)).toThrow(TypeError)
  })
  it.each([-0.1, 1.1, NaN])('refuses %d by its range', (given) => {
    expect(() => policyRules.jitter('jitter', given)).toThrow(RangeError)
  })
})

describe('resolvePolicy', () => {
  it('fills in the documented defaults', () => {
    expect(resolvePolicy({ ttl: 1 }, { ttl: 1 })).toEqual({
      ttl: 1,
      jitter: 0,
      staleIfError: 0,
      fetchTimeout: 30_000,
      maxWait: Infinity,
      backoff: { base: 1000, max: 60_000 },
      equals: Object.is,
    })
  })
  it('has no ttl when only expiresAt is given', () => {
    const expiresAt = () => 1
    expect(resolvePolicy({ expiresAt }, { expiresAt }).ttl).toBe(Infinity)
  })
})
