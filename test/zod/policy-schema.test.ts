/** Policies from config files and the environment: the rules of the core, with its messages, and a cache made of them. */
import { BackgroundCache } from 'evercurrent'
import { policySchema } from 'evercurrent/zod'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'

const messages = (given: unknown): string[] =>
  policySchema.safeParse(given).error?.issues.map(({ message }) => message) ?? []
const duration = "such as 30000 or '30s'"
const all = 'ttl, refreshWindow, staleIfError, fetchTimeout, maxWait, backoff, jitter'

describe('policySchema', () => {
  it('takes numbers and durations, as JSON has them', () => {
    const json = '{"ttl":"1.5m","refreshWindow":5000,"staleIfError":"1h","backoff":{"base":"2s"},"jitter":0.2}'
    expect(policySchema.parse(JSON.parse(json))).toEqual({
      ttl: 90_000,
      refreshWindow: 5000,
      staleIfError: 3_600_000,
      backoff: { base: 2000, max: 60_000 },
      jitter: 0.2,
    })
  })

  it('takes strings, as the environment has them, and what is not set there', () => {
    const given = {
      ttl: '30000',
      refreshWindow: undefined,
      staleIfError: '0',
      fetchTimeout: '5s',
      maxWait: 'Infinity',
      backoff: 'false',
      jitter: '.25',
    }
    expect(policySchema.parse(given)).toEqual({
      ttl: 30_000,
      staleIfError: 0,
      fetchTimeout: 5000,
      maxWait: Infinity,
      backoff: false,
      jitter: 0.25,
    })
    expect(policySchema.parse({ ttl: '1s', backoff: { base: '10', max: '20' } }).backoff).toEqual({ base: 10, max: 20 })
  })

  it('makes the policy of a cache, and is a part of other schemas', async () => {
    const { cache: policy } = z.object({ cache: policySchema }).parse({ cache: { ttl: '30s', refreshWindow: '5s' } })
    const cache = new BackgroundCache({ ...policy, fetch: () => 'v1' })
    expect(await cache.get()).toBe('v1')
    const { fetchedAt, expiresAt } = await cache.read()
    expect(expiresAt - fetchedAt).toBe(30_000)
    cache.dispose()
  })

  it.each<[unknown, string]>([
    [{}, `ttl: expected a duration above 0, ${duration}: received undefined`],
    [{ ttl: '' }, `ttl: expected a duration above 0, ${duration}: received ''`],
    [{ ttl: 'soon' }, `ttl: expected a duration above 0, ${duration}: received 'soon'`],
    [{ ttl: 's3cret' }, `ttl: expected a duration above 0, ${duration}: received a string of 6 characters`],
    [{ ttl: '0' }, `ttl: expected a duration above 0, ${duration}: received 0`],
    [{ ttl: '-5' }, `ttl: expected a duration above 0, ${duration}: received -5`],
    [{ ttl: '0x10' }, `ttl: expected a duration above 0, ${duration}: received '0x10'`],
    [{ ttl: null }, `ttl: expected a duration above 0, ${duration}: received null`],
    [{ ttl: 1, jitter: '1.5' }, 'jitter: expected a number from 0 to 1: received 1.5'],
    [{ ttl: 1, jitter: 'false' }, 'jitter: expected a number from 0 to 1: received false'],
    [{ ttl: 1, backoff: 'true' }, "backoff: expected false, or an object with base and max: received 'true'"],
    [{ ttl: 1, backoff: { base: '20', max: '10' } }, 'backoff.base: expected at most backoff.max (10): received 20'],
    [{ ttl: 1, backoff: { bse: 1 } }, 'backoff.bse: expected one of base, max: received 1'],
    [{ ttl: '5s', refreshWindow: '5s' }, 'refreshWindow: expected less than ttl (5000): received 5000'],
    [{ ttl: 1, retry: 3 }, `retry: expected one of ${all}: received 3`],
    [{ ttl: 1, fetch: 'ghp_16C7e42F' }, `fetch: expected one of ${all}: received a string of 12 characters`],
    ['s3cret', 'policySchema: expected an object with options: received string'],
    [undefined, 'policySchema: expected an object with options: received undefined'],
    [[], 'policySchema: expected an object with options: received object'],
  ])('refuses %o in the words of the core', (given, message) => {
    expect(messages(given)).toEqual([`Cannot use ${message}`])
  })

  it('says the same as the cache itself', () => {
    for (const wrong of [
      { staleIfError: -1 },
      { fetchTimeout: 'x' },
      { maxWait: NaN },
      { jitter: 2 },
      { backoff: 1 },
    ]) {
      const [message] = messages({ ttl: '30s', ...wrong })
      expect(() => new BackgroundCache({ ttl: '30s', ...wrong, fetch: () => 1 } as never)).toThrow(message)
    }
  })

  it('tells all that is wrong at once, each with the option it is about', () => {
    const { error } = policySchema.safeParse({ ttl: 'x', jitter: 2, backoff: 7, retry: 3, tries: 4 })
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['ttl', 'backoff', 'jitter', ''])
    expect(error?.issues.at(-1)?.message).toBe(
      `Cannot use retry: expected one of ${all}: received 3; Cannot use tries: expected one of ${all}: received 4`,
    )
    const crossed = policySchema.safeParse({ ttl: 1, refreshWindow: 2 })
    expect(crossed.error?.issues[0]?.path).toEqual(['refreshWindow'])
  })
})
