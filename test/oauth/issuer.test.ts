/** The preset against a real issuer and an API that checks signatures, over HTTP and in real time. */
import { BackgroundCache } from 'evercurrent'
import { type AccessToken, authorizedFetch, type ClientCredentials, clientCredentials } from 'evercurrent/oauth'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Api } from '../../examples/credentials/api.ts'
import { client, Issuing } from '../../examples/credentials/issuing.ts'

let issuer: Issuing
let api: Api
const caches: BackgroundCache<AccessToken>[] = []

beforeEach(async () => {
  issuer = new Issuing()
  await issuer.start()
  api = new Api(`http://127.0.0.1:${issuer.port}/jwks`)
  await api.start()
})
afterEach(async () => {
  for (const cache of caches.splice(0)) cache.dispose()
  await api.stop()
  await issuer.stop().catch(() => {}) // a test may have stopped it
})

/** A cache of its tokens; a failed request is followed by another soon. */
function tokens(credentials: Partial<ClientCredentials> = {}): BackgroundCache<AccessToken> {
  const tokenEndpoint = `http://127.0.0.1:${issuer.port}/token`
  const preset = clientCredentials({ tokenEndpoint, ...client, ...credentials })
  const cache = new BackgroundCache({ ...preset, backoff: { base: 50, max: 400 } })
  caches.push(cache)
  return cache
}
const calls = (token: BackgroundCache<AccessToken>) => {
  const call = authorizedFetch(token)
  return async (path = '/orders') => (await call(api.url + path)).status
}
const until = async (isSo: () => boolean) => {
  const limit = performance.now() + 10_000
  while (!isSo()) {
    expect(performance.now()).toBeLessThan(limit)
    await new Promise(setImmediate)
  }
}

it.each(['basic', 'post'] as const)('knows the client by %s, and the API accepts its token', async (auth) => {
  const token = tokens({ auth, scope: 'orders:read' })
  expect(await calls(token)()).toBe(200)
  const { expiresAt = 0, refreshAt = 0 } = token.inspect()
  expect(expiresAt - refreshAt).toBe(15 * 60_000)
  expect(token.peek()).toMatchObject({ expiresIn: 3600, scope: 'orders:read' })
})

it('refuses a wrong secret with a code, which is fatal', async () => {
  const call = calls(tokens({ clientSecret: 'wrong' }))
  await expect(call()).rejects.toMatchObject({ status: 401, oauthCode: 'invalid_client', class: 'fatal' })
  expect(api.accepted + api.rejected).toBe(0)
})

it('gives twenty rejected calls one new token, which a late rejection of the old one leaves alone', async () => {
  const token = tokens()
  const call = calls(token)
  await call()
  const late = call('/slow')
  await until(() => api.slow === 1)
  await issuer.renewKey()
  await api.reloadKeys()
  expect(await Promise.all(Array.from({ length: 20 }, () => call()))).toEqual(Array(20).fill(200))
  expect([api.rejected, issuer.requests]).toEqual([20, 2])
  const newest = token.peek()
  api.openGate()
  expect(await late).toBe(200)
  expect(token.peek()).toBe(newest)
  expect([api.rejected, issuer.requests]).toEqual([21, 2])
})

it('is missed by no call while the token is valid', async () => {
  issuer.mood = { lifetime: 3 }
  const token = tokens()
  const call = calls(token)
  await call()
  const { port } = issuer
  await issuer.stop()
  const { expiresAt = 0, refreshAt = 0 } = token.inspect()
  const asked = token.stats().fetches
  let failed = 0
  // Calls as fast as they come, to shortly before the end: the API looks at the token when the call arrives.
  while (Date.now() < expiresAt - 700) if ((await call()) !== 200) failed += 1
  expect(refreshAt).toBeLessThan(expiresAt - 700)
  expect([failed, token.stats().misses]).toEqual([0, 1])
  expect(token.stats().fetchFailures).toBeGreaterThan(0)
  expect(token.stats().fetches - asked).toBeLessThanOrEqual(10)
  // By the cache's own time: the two clocks may differ by a millisecond.
  await until(() => token.peek() === undefined)
  await expect(call()).rejects.toThrow('fetch failed')
  issuer = new Issuing()
  await issuer.start(port)
  await api.reloadKeys()
  await expect.poll(() => call().catch(String), { timeout: 10_000 }).toBe(200)
})

it.each([
  ['seconds', () => '120'],
  ['a date', () => new Date(Date.now() + 120_000).toUTCString()],
])('is left alone for as long as it asks for in %s', async (_, retryAfter) => {
  const token = tokens()
  const call = calls(token)
  await call()
  issuer.mood = { lifetime: 3600, busy: retryAfter() }
  await expect(token.refresh()).rejects.toMatchObject({ status: 503, oauthCode: 'temporarily_unavailable' })
  const { nextAttemptAt = 0 } = token.inspect()
  expect(nextAttemptAt - Date.now()).toBeGreaterThan(110_000)
  expect(nextAttemptAt - Date.now()).toBeLessThanOrEqual(120_000)
  expect(await call()).toBe(200)
  expect(issuer.requests).toBe(2)
})

it('is not hammered when the API refuses every token', async () => {
  api.refusesAll = true
  const call = calls(tokens())
  const ends: (number | string)[] = []
  while (ends.length < 500) {
    ends.push(await call().catch((error: Error) => error.name))
    await new Promise(setImmediate)
  }
  expect(new Set(ends)).toEqual(new Set([401, 'ValueRejectedError']))
  expect(issuer.requests).toBeLessThan(25)
  expect(api.rejected).toBe(issuer.requests)
  api.refusesAll = false
  await expect.poll(() => call().catch(String), { timeout: 10_000 }).toBe(200)
})
