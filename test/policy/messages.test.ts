/** The whole message of every refused option: what was attempted, what is expected, what came in, and no secret. */
import { BackgroundCache } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { emptyCache } from '../support/one-value.ts'

const good = { ttl: 1000, fetch: () => 'v' }
const make = (options: unknown) => new BackgroundCache<string>(options as never)
const duration = "such as 30000 or '30s'"
const all =
  'ttl, refreshWindow, jitter, expiresAt, staleIfError, fetchTimeout, maxWait, backoff, equals, isNewer, ' +
  'classifyError, retryAfter, freeze, fetch, schema, pauseWhile, clock, random, name, waitUntil'

describe('the message of a refused option', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ ttl: 0 }, `ttl: expected a duration above 0, ${duration}: received 0`],
    [{ fetchTimeout: '0s' }, `fetchTimeout: expected a duration above 0, ${duration}: received '0s'`],
    [{ staleIfError: -1 }, `staleIfError: expected a duration of at least 0, ${duration}: received -1`],
    [{ maxWait: NaN }, `maxWait: expected a duration of at least 0, ${duration}: received NaN`],
    [{ refreshWindow: 1000 }, 'refreshWindow: expected less than ttl (1000): received 1000'],
    [{ refreshWindow: '2s' }, "refreshWindow: expected less than ttl (1000): received '2s'"],
    [
      { ttl: undefined, expiresAt: () => undefined, refreshWindow: Infinity },
      `refreshWindow: expected a duration of at least 0, ${duration}: received Infinity`,
    ],
    [{ jitter: 1.5 }, 'jitter: expected a number from 0 to 1: received 1.5'],
    [{ jitter: -0.1 }, 'jitter: expected a number from 0 to 1: received -0.1'],
    [{ backoff: { base: 20, max: 10 } }, 'backoff.base: expected at most backoff.max (10): received 20'],
    [{ backoff: { base: 0 } }, `backoff.base: expected a duration above 0, ${duration}: received 0`],
    [{ backoff: { base: Infinity } }, `backoff.base: expected a duration above 0, ${duration}: received Infinity`],
    [{ backoff: { max: Infinity } }, `backoff.max: expected a duration above 0, ${duration}: received Infinity`],
  ])('is complete for what is out of range: %o', (options, message) => {
    expect(() => make({ ...good, ...options })).toThrow(new RangeError(`Cannot use ${message}`))
  })

  it.each<[Record<string, unknown>, string]>([
    [{ ttl: true }, `ttl: expected a duration above 0, ${duration}: received true`],
    [{ ttl: 10n }, `ttl: expected a duration above 0, ${duration}: received 10`],
    [{ ttl: Symbol('long') }, `ttl: expected a duration above 0, ${duration}: received Symbol(long)`],
    [{ ttl: undefined }, "ttl: expected a duration such as '30s', unless expiresAt is given: received undefined"],
    [{ maxWait: new Date(0) }, `maxWait: expected a duration of at least 0, ${duration}: received object`],
    [{ jitter: null }, 'jitter: expected a number from 0 to 1: received null'],
    [{ backoff: 7 }, 'backoff: expected false, or an object with base and max: received 7'],
    [{ backoff: true }, 'backoff: expected false, or an object with base and max: received true'],
    [{ backoff: [] }, 'backoff: expected an object with options: received object'],
    [{ backoff: { bse: 1 } }, 'backoff.bse: expected one of base, max: received 1'],
    [{ equals: 1 }, 'equals: expected a function: received 1'],
    [{ freeze: 'yes' }, "freeze: expected a boolean: received 'yes'"],
    [{ name: 4711 }, 'name: expected a string: received 4711'],
    [{ retry: 3 }, `retry: expected one of ${all}: received 3`],
  ])('is complete for what is of another kind: %o', (options, message) => {
    expect(() => make({ ...good, ...options })).toThrow(new TypeError(`Cannot use ${message}`))
  })

  it.each([
    ['abc', "'abc'"],
    ['30 seconds', "'30 seconds'"],
    ['7w7', "'7w7'"],
    ['-'.repeat(24), `'${'-'.repeat(24)}'`],
    ['-'.repeat(25), 'a string of 25 characters'],
    ['ghp_16C7e42F', 'a string of 12 characters'],
    ['s3', 'a string of 2 characters'],
    [() => 'v', 'function'],
    [Symbol('why'), 'Symbol(why)'],
    [{ token: 's3cret' }, 'object'],
  ])('quotes what cannot be a secret, and of anything else the kind: %o', (given, received) => {
    expect(() => make({ ...good, jitter: given })).toThrow(
      new TypeError(`Cannot use jitter: expected a number from 0 to 1: received ${received}`),
    )
  })

  it.each([
    ['undefined', undefined],
    ['object', null],
    ['string', 's3cret'],
    ['function', () => 'v'],
    ['object', []],
  ])('names only the kind of what is no options at all: %s', (kind, given) => {
    const message = `Cannot use new BackgroundCache(): expected an object with options: received ${kind}`
    expect(() => make(given)).toThrow(new TypeError(message))
  })

  it('is the same for arguments, with the call as what was attempted', async () => {
    const cache = make(good)
    const refused = `expected epoch milliseconds or a Date: received`
    expect(() => cache.set('v', { expiresAt: NaN })).toThrow(new RangeError(`Cannot use expiresAt: ${refused} NaN`))
    expect(() => cache.seed('v', { fetchedAt: -Infinity })).toThrow(
      new RangeError(`Cannot use fetchedAt: ${refused} -Infinity`),
    )
    expect(() => cache.set('v', { expiresAt: '1h' as never })).toThrow(
      new TypeError(`Cannot use expiresAt: ${refused} '1h'`),
    )
    expect(() => cache.set('v', { expiresAt: new Date(NaN) })).toThrow(
      new TypeError(`Cannot use expiresAt: ${refused} object`),
    )
    expect(() => cache.set('v', { ttl: 1 } as never)).toThrow(
      new TypeError('Cannot use ttl: expected one of expiresAt: received 1'),
    )
    await expect(cache.get({ maxWait: -1 })).rejects.toThrow(
      new RangeError(`Cannot use maxWait: expected a duration of at least 0, ${duration}: received -1`),
    )
    await expect(cache.get(4711 as never)).rejects.toThrow(
      new TypeError('Cannot use get(): expected an object with options: received number'),
    )
  })
})

describe('the message of a failed fetch', () => {
  const refusal = async (options: object) => {
    const { cache, call } = emptyCache(options)
    const read = cache.get()
    await flush()
    call().resolve('v')
    return read.then(
      () => undefined,
      (error) => error,
    )
  }

  it('names the callback that answered with a promise, whose rejection harms nobody', async () => {
    const expiresAt = () => Promise.reject(new Error('later')) as never
    expect(await refusal({ expiresAt })).toEqual(
      new TypeError('Cannot use expiresAt: expected a function that answers at once: received a promise'),
    )
  })

  it.each([
    [NaN, 'object'],
    ['soon', 'object'],
    [new Date(NaN), 'object'],
  ])('names expiresAt and, as it was derived from a value, the kind of its answer: %s', async (answer, kind) => {
    expect(await refusal({ expiresAt: () => answer })).toEqual(
      new TypeError(`Cannot use expiresAt: expected epoch milliseconds or a Date: received ${kind}`),
    )
  })
})
