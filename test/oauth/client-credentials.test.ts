/** What clientCredentials() sends, takes for a token, and makes of every answer that is none. */
import { inspect } from 'node:util'
import { CacheError, InvalidValueError } from 'evercurrent'
import { type ClientCredentials, clientCredentials, TokenError } from 'evercurrent/oauth'
import { describe, expect, it } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { issuer, json, secret, tokenCache, tokenIssuer } from '../support/token-issuer.ts'

useFakeTime()

const minute = 60_000
const errorOf = async (work: Promise<unknown>): Promise<TokenError> =>
  work.then(
    () => expect.unreachable('it has not failed'),
    (error) => error,
  )

describe('a request for a token', () => {
  it('carries id and secret in a Basic header, each encoded as a form is (RFC 6749, 2.3.1)', async () => {
    const from = tokenIssuer()
    await tokenCache(from, { scope: 'orders:read orders:write' }).get()
    const [request] = from.requests
    expect(request?.url).toBe(issuer.tokenEndpoint)
    expect(Object.fromEntries(request?.body ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'orders:read orders:write',
    })
    const [scheme, encoded = ''] = request?.headers.get('authorization')?.split(' ') ?? []
    expect(scheme).toBe('Basic')
    expect(atob(encoded)).toBe('the+reports:S3CR3T%26colon%3A%25plus%2B')
  })

  it('carries letters that no header could', async () => {
    const from = tokenIssuer()
    await tokenCache(from, { clientSecret: 'ключ' }).get()
    const encoded = from.requests[0]?.headers.get('authorization')?.split(' ')[1] ?? ''
    expect(decodeURIComponent(atob(encoded).split(':')[1] ?? '')).toBe('ключ')
  })

  it("carries both in the body with auth: 'post', and no header", async () => {
    const from = tokenIssuer()
    await tokenCache(from, { auth: 'post' }).get()
    expect(from.requests[0]?.headers.has('authorization')).toBe(false)
    expect(Object.fromEntries(from.requests[0]?.body ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: issuer.clientId,
      client_secret: secret,
    })
  })

  it('carries further parameters, which change nothing that is its own', async () => {
    const from = tokenIssuer()
    await tokenCache(from, { parameters: { audience: 'orders', grant_type: 'password' } }).get()
    expect(Object.fromEntries(from.requests[0]?.body ?? [])).toEqual({
      audience: 'orders',
      grant_type: 'client_credentials',
    })
  })

  it('follows no redirect, which would carry the secret elsewhere', async () => {
    const from = tokenIssuer()
    from.answer = () => new Response(null, { status: 307, headers: { location: 'https://elsewhere.example' } })
    const error = await errorOf(tokenCache(from).get())
    expect([from.requests[0]?.redirect, error.status, error.class]).toEqual(['manual', 307, 'retry'])
  })

  it('ends with the fetch', async () => {
    const from = tokenIssuer()
    let seen: AbortSignal | null | undefined
    const cache = tokenCache(from, {
      fetch: (_, init) => {
        seen = init?.signal
        return new Promise(() => {})
      },
    })
    const read = attempt(() => cache.get())
    await flush()
    cache.dispose()
    await read
    expect(seen?.aborted).toBe(true)
  })
})

describe('a token', () => {
  it('is what the issuer answered, and ends that many seconds after its request began', async () => {
    const from = tokenIssuer()
    const { answer } = from
    from.answer = async () => {
      const response = await answer()
      await new Promise((resolve) => setTimeout(resolve, 4_000))
      return response
    }
    const cache = tokenCache(from)
    const read = cache.read()
    await pass(4_000)
    const { value, expiresAt } = await read
    expect(value).toEqual({ accessToken: 'token-1', expiresIn: 3600, scope: undefined })
    expect(expiresAt).toBe(START + 3_600_000)
  })

  it.each([
    [10 * minute, 5 * minute],
    [20 * minute, 5 * minute],
    [60 * minute, 15 * minute],
    [120 * minute, 60 * minute],
    [4_000, 2_000],
  ])('that lives for %d ms is refreshed %d ms before it ends', async (lifetime, ahead) => {
    const cache = tokenCache(tokenIssuer(lifetime / 1000))
    await cache.get()
    expect(cache.inspect().refreshAt).toBe(START + lifetime - ahead)
  })

  it.each(['3599', 3599])('may say its seconds as %j', async (expires_in) => {
    const from = tokenIssuer()
    from.answer = () => json({ access_token: 'a', token_type: 'bearer', expires_in })
    expect((await tokenCache(from).read()).expiresAt).toBe(START + 3_599_000)
  })

  it('may leave out its type, and name its scope', async () => {
    const from = tokenIssuer()
    from.answer = () => json({ access_token: 'a', expires_in: 60, scope: 'orders:read' })
    expect((await tokenCache(from).get()).scope).toBe('orders:read')
  })

  it.each([undefined, null])('with %s for its seconds lives until it is rejected', async (expires_in) => {
    const from = tokenIssuer()
    from.answer = () => json({ access_token: 'a', expires_in })
    const cache = tokenCache(from)
    const token = await cache.get()
    await pass(365 * 24 * 60 * minute)
    expect(await cache.get()).toBe(token)
    cache.invalidate({ ifValue: token })
    await cache.get()
    expect(from.requests).toHaveLength(2)
  })

  it('without seconds lives for the ttl beside the options', async () => {
    const from = tokenIssuer()
    from.answer = () => json({ access_token: 'a' })
    expect((await tokenCache(from, {}, { ttl: '1h' }).read()).expiresAt).toBe(START + 60 * minute)
  })

  it.each([
    ['no object', '"token"'],
    ['null', 'null'],
    ['no JSON', `<html>${secret}</html>`],
    ['an empty body', ''],
    ['no access_token', '{"expires_in":60}'],
    ['an access_token that no header carries', JSON.stringify({ access_token: `${secret}\n`, expires_in: 60 })],
    ['another token_type', JSON.stringify({ access_token: secret, token_type: 'mac', expires_in: 60 })],
    ['seconds that are no number', JSON.stringify({ access_token: secret, expires_in: secret })],
    ['seconds that are true', JSON.stringify({ access_token: secret, expires_in: true })],
  ])('is not made of %s, and the error says nothing of it', async (_, body) => {
    const from = tokenIssuer()
    from.answer = () => new Response(body)
    const cache = tokenCache(from)
    const error = await errorOf(cache.get())
    expect(error).toBeInstanceOf(TokenError)
    expect([error.status, error.class, error.oauthCode]).toEqual([200, 'retry', undefined])
    expect(inspect([error, error.stack, cache.inspect()], { depth: 9 })).not.toContain(secret)
  })

  it.each([0, -5])('that has %d seconds left is a failed fetch', async (expires_in) => {
    const from = tokenIssuer()
    from.answer = () => json({ access_token: 'a', expires_in })
    await expect(tokenCache(from).get()).rejects.toBeInstanceOf(InvalidValueError)
  })
})

describe('an issuer that refuses', () => {
  const refusal = { error: 'invalid_client', error_description: `no such secret: ${secret}` }

  it.each([400, 401])('with %d is fatal while nothing valid is held', async (status) => {
    const from = tokenIssuer()
    from.answer = () => json(refusal, status)
    const cache = tokenCache(from)
    const error = await errorOf(cache.get())
    expect(error).toBeInstanceOf(TokenError)
    expect(error).toBeInstanceOf(CacheError)
    expect({ ...error }).toEqual({
      code: 'TOKEN_REFUSED',
      name: 'TokenError',
      status,
      oauthCode: 'invalid_client',
      retryAfter: undefined,
      class: 'fatal',
    })
    expect(error.message).toBe(`Cannot get a token: the issuer answered ${status} invalid_client`)
    expect(inspect([error, error.stack, cache], { depth: 9 })).not.toContain(secret)
    await expect(cache.get()).rejects.toBe(error)
    expect(from.requests).toHaveLength(1)
  })

  it('takes no valid token away: its readers are served to the end, and events tell of it', async () => {
    const from = tokenIssuer()
    const cache = tokenCache(from)
    const classes: string[] = []
    cache.on((event) => event.kind === 'fetch-failed' && classes.push(event.class))
    const token = await cache.get()
    from.answer = () => json(refusal, 401)
    await pass(45 * minute)
    for (let second = 0; second < 15 * 60 - 1; second++) {
      expect(await cache.get()).toBe(token)
      await pass(1_000)
    }
    expect(new Set(classes)).toEqual(new Set(['retry']))
    await pass(1_000)
    expect((await errorOf(cache.get())).class).toBe('fatal')
    expect(classes.at(-1)).toBe('fatal')
  })

  it.each([403, 404, 408, 429, 500, 503])('with %d is tried again', async (status) => {
    const from = tokenIssuer()
    from.answer = () => json({ error: 'server_error' }, status)
    expect((await errorOf(tokenCache(from).get())).class).toBe('retry')
  })

  it.each([
    ['with digits', 'k3y'],
    ['with spaces', 'the secret is'],
    ['no string', { secret }],
    ['too long', 'a'.repeat(41)],
  ])('with a code %s is not quoted', async (_, error) => {
    const from = tokenIssuer()
    from.answer = () => json({ error }, 400)
    const refused = await errorOf(tokenCache(from).get())
    expect([refused.oauthCode, refused.message]).toEqual([undefined, 'Cannot get a token: the issuer answered 400'])
  })

  it('is not confused with one that does not answer, whose error is passed on as it is', async () => {
    const from = tokenIssuer()
    const down = new TypeError('fetch failed')
    from.answer = () => Promise.reject(down)
    const cache = tokenCache(from)
    await expect(cache.get()).rejects.toBe(down)
    await pass(5_000)
    from.answer = () => new Response(new ReadableStream({ start: (body) => body.error(down) }))
    await expect(cache.get()).rejects.toBe(down)
  })
})

describe('Retry-After', () => {
  /** How long the cache leaves the issuer alone after this answer, in seconds, while a token is held. */
  const pauseAfter = async (headers: Record<string, string>, status = 503) => {
    const from = tokenIssuer()
    const cache = tokenCache(from, {}, { backoff: { base: 1_000, max: 1_000 } })
    await cache.get()
    from.answer = () => json({}, status, headers)
    await attempt(() => cache.refresh())
    return (Number(cache.inspect().nextAttemptAt) - Date.now()) / 1000
  }
  const date = (ms: number) => new Date(START + ms).toUTCString()

  it.each([
    ['seconds', { 'retry-after': '120' }, 120],
    ['a date', { 'retry-after': date(120_000) }, 120],
    [
      'a date beside a Date of an issuer whose clock is an hour slow',
      { 'retry-after': date(-3_480_000), date: date(-3_600_000) },
      120,
    ],
    ['more than an hour in seconds', { 'retry-after': '7200' }, 3600],
    ['more than an hour as a date', { 'retry-after': date(7_200_000) }, 3600],
    ['more than there is', { 'retry-after': '9'.repeat(400) }, 3600],
    ['less than the cool-down', { 'retry-after': '0' }, 0.75],
    ['a date that has passed', { 'retry-after': date(-1_000) }, 0.75],
    ['nothing', {}, 0.75],
    ['nonsense', { 'retry-after': 'soon, in 2099' }, 0.75],
    ['a negative number', { 'retry-after': '-120' }, 0.75],
    ['a nonsense date', { 'retry-after': 'some day GMT' }, 0.75],
  ])('with %s', async (_, headers, expected) => {
    expect(await pauseAfter(headers)).toBe(expected)
  })

  it.each([400, 401, 429, 500])('counts beside %d too', async (status) => {
    expect(await pauseAfter({ 'retry-after': '120' }, status)).toBe(120)
  })

  it('holds the issuer’s peace while the token is valid, and for five seconds at a time when none is', async () => {
    const from = tokenIssuer(600)
    const cache = tokenCache(from)
    await cache.get()
    from.answer = () => json({}, 429, { 'retry-after': '3600' })
    const requestsIn = async (seconds: number) => {
      const before = from.requests.length
      for (let second = 0; second < seconds; second++) {
        await attempt(() => cache.get())
        await pass(1_000)
      }
      return from.requests.length - before
    }
    expect(await requestsIn(600)).toBe(1)
    expect(await requestsIn(60)).toBe(12)
  })
})

describe('clientCredentials()', () => {
  const refused = (given: unknown): Error => {
    try {
      clientCredentials(given as ClientCredentials)
    } catch (error) {
      return error as Error
    }
    return expect.unreachable('it was taken')
  }
  const url = 'an absolute URL without credentials'
  const text = 'a string that is not empty'

  it.each<[string, object, new () => Error, string]>([
    ['tokenEndpoint', { tokenEndpoint: undefined }, TypeError, `${url}: received undefined`],
    ['tokenEndpoint', { tokenEndpoint: '/token' }, RangeError, `${url}: received string`],
    ['tokenEndpoint', { tokenEndpoint: `https://id:${secret}@issuer.example` }, RangeError, `${url}: received string`],
    ['tokenEndpoint', { tokenEndpoint: new URL(`ftp://issuer.example`) }, RangeError, `${url}: received object`],
    ['clientId', { clientId: '' }, RangeError, `${text}: received an empty string`],
    ['clientSecret', { clientSecret: undefined }, TypeError, `${text}: received undefined`],
    ['clientSecret', { clientSecret: null }, TypeError, `${text}: received null`],
    ['clientSecret', { clientSecret: { secret } }, TypeError, `${text}: received object`],
    ['scope', { scope: ['a'] }, TypeError, 'a string: received object'],
    ['auth', { auth: secret }, RangeError, "'basic' or 'post': received string"],
    ['parameters', { parameters: { audience: 1 } }, TypeError, 'an object of strings: received object'],
    ['fetch', { fetch: secret }, RangeError, 'a function: received string'],
  ])('refuses a wrong %s by name and kind', (option, wrong, kind, expected) => {
    const error = refused({ ...issuer, ...wrong })
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toBe(`Cannot use ${option}: expected ${expected}`)
  })

  it('refuses what it does not know without quoting it', () => {
    const error = refused({ ...issuer, client_secret: secret })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^Cannot use client_secret: expected one of tokenEndpoint, clientId, clientSecret, /)
    expect(error.message).not.toContain(secret)
  })

  it.each([undefined, null, secret, 1])('refuses what are no options: %#', (given) => {
    expect(refused(given).message).toMatch(
      /^Cannot use clientCredentials\(\): expected an object with options: received \w+$/,
    )
  })

  it('names the cache after the host of the issuer, unless it is told otherwise', async () => {
    const from = tokenIssuer()
    const names: unknown[] = []
    for (const options of [{}, { name: 'orders' }]) {
      const cache = tokenCache(from, {}, options)
      cache.on(({ name }) => names.push(name))
      await cache.get()
    }
    expect([...new Set(names)]).toEqual(['issuer.example', 'orders'])
  })
})
