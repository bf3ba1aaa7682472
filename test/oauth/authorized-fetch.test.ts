/** What a 401 does to the token, to the calls that carried it, and to the issuer. */
import { type BackgroundCache, ValueRejectedError, WaitTimeoutError } from 'evercurrent'
import { type AccessToken, authorizedFetch } from 'evercurrent/oauth'
import { describe, expect, it } from 'vitest'
import { attempt } from '../support/attempt.ts'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'
import { json, tokenCache, tokenIssuer } from '../support/token-issuer.ts'

useFakeTime()

interface Sent {
  readonly token: string
  readonly input: Parameters<typeof fetch>[0]
  readonly init: RequestInit | undefined
}

/** An API that accepts every token but those it is told to refuse. */
function world(lifetime = 3600, options: Parameters<typeof tokenCache>[2] = {}) {
  const from = tokenIssuer(lifetime)
  const token = tokenCache(from, {}, options)
  const refused = new Set<string>()
  const sent: Sent[] = []
  const responses: Response[] = []
  const api = { refusesAll: false, delay: async () => {} }
  const send: typeof fetch = async (input, init) => {
    const carried = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? ''
    sent.push({ token: carried, input, init })
    await api.delay()
    const response = new Response('x', { status: api.refusesAll || refused.has(carried) ? 401 : 200 })
    responses.push(response)
    return response
  }
  return { from, token, refused, sent, responses, api, call: authorizedFetch(token, send) }
}
const url = 'https://api.example/orders'
const statusOf = async (call: Promise<Response>) => (await call).status

describe('a call', () => {
  it('carries the token beside the headers of its own', async () => {
    const { call, sent } = world()
    await call(url, { method: 'PUT', body: 'b', headers: { 'x-id': '7', authorization: 'Basic mine' } })
    const headers = Object.fromEntries(new Headers(sent[0]?.init?.headers))
    expect(headers).toEqual({ 'x-id': '7', authorization: 'Bearer token-1' })
    expect([sent[0]?.init?.method, sent[0]?.init?.body, sent[0]?.input]).toEqual(['PUT', 'b', url])
  })

  it('given as a Request keeps its headers, unless others are given beside it', async () => {
    const { call, sent } = world()
    const request = new Request(url, { headers: { 'x-id': '7' } })
    await call(request)
    await call(request, { headers: { 'x-id': '8' } })
    expect(sent.map(({ init }) => new Headers(init?.headers).get('x-id'))).toEqual(['7', '8'])
    expect(sent[0]?.input).toBe(request)
  })

  it('ends its wait for a token with its own signal, in either place', async () => {
    const { call, from } = world()
    from.answer = () => new Promise(() => {})
    const controllers = [new AbortController(), new AbortController()]
    const [first, second] = controllers.map(({ signal }) => signal)
    const calls = [call(url, { signal: first ?? null }), call(new Request(url, { signal: second ?? null }))].map(
      settlement,
    )
    await flush()
    for (const controller of controllers) controller.abort(new Error('enough'))
    await flush()
    expect(calls.map(({ error }) => (error as Error | undefined)?.message)).toEqual(['enough', 'enough'])
    expect(from.requests).toHaveLength(1)
  })

  it('waits for a token no longer than the cache’s maxWait', async () => {
    const { call, from, sent } = world(3600, { maxWait: '3s' })
    from.answer = () => new Promise(() => {})
    const waiting = settlement(call(url))
    await pass(3_000)
    expect(waiting.error).toBeInstanceOf(WaitTimeoutError)
    expect(sent).toHaveLength(0)
  })

  it.each([undefined, {}, 'token', async () => 'token'])('is not made with what is no cache: %#', (wrong) => {
    expect(() => authorizedFetch(wrong as unknown as BackgroundCache<AccessToken>)).toThrow(
      new TypeError(`Cannot use authorizedFetch(): expected a cache of tokens: received ${typeof wrong}`),
    )
  })

  it('is not made with what does not send', () => {
    const wrong = 'token' as unknown as typeof fetch
    expect(() => authorizedFetch(world().token, wrong)).toThrow(
      new TypeError('Cannot use send: expected a function: received string'),
    )
  })
})

describe('a rejected token', () => {
  it('is replaced by one request, which twenty calls that carried it share', async () => {
    const { call, token, from, sent, refused, responses } = world()
    await token.get()
    refused.add('token-1')
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(call(url))))
    expect(statuses).toEqual(Array(20).fill(200))
    expect(sent.map(({ token }) => token)).toEqual([...Array(20).fill('token-1'), ...Array(20).fill('token-2')])
    expect(from.requests).toHaveLength(2)
    const rejected = responses.filter(({ status }) => status === 401)
    expect(rejected.map(({ bodyUsed }) => bodyUsed)).toEqual(Array(20).fill(true)) // given back, not left open
  })

  it('does not take a newer one with it when the rejection comes late', async () => {
    const { call, token, from, refused, api } = world()
    await token.get()
    refused.add('token-1')
    let release = () => {}
    api.delay = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const late = statusOf(call(url))
    await flush()
    api.delay = async () => {}
    expect(await statusOf(call(url))).toBe(200)
    const newer = token.peek()
    const { generation } = token.inspect()
    release()
    expect(await late).toBe(200)
    expect(token.peek()).toBe(newer)
    expect(token.inspect().generation).toBe(generation)
    expect(from.requests).toHaveLength(2)
  })

  it('stays when the API says anything but 401', async () => {
    const { token, from } = world()
    for (const status of [200, 400, 403, 404, 500]) {
      const call = authorizedFetch(token, async () => new Response(null, { status }))
      expect(await statusOf(call(url))).toBe(status)
    }
    expect(from.requests).toHaveLength(1)
  })

  const stream = () => new ReadableStream({ start: (body) => body.close() })
  async function* parts() {
    yield new TextEncoder().encode('part')
  }
  const streamed: Record<string, () => Parameters<typeof fetch>> = {
    'a stream': () => [url, { method: 'POST', body: stream(), duplex: 'half' } as RequestInit],
    'an async iterable': () => [url, { method: 'POST', body: parts() as unknown as BodyInit }],
    'a Request with a body': () => [new Request(url, { method: 'POST', body: 'text' })],
  }
  it.each(Object.keys(streamed))('is dropped, and %s is not sent again', async (kind) => {
    const { call, token, sent, refused } = world()
    refused.add('token-1')
    const response = await call(...(streamed[kind]?.() ?? [url]))
    expect([response.status, response.bodyUsed, sent.length]).toEqual([401, false, 1])
    expect(token.peek()).toBeUndefined()
  })

  const repeatable: Record<string, () => Parameters<typeof fetch>> = {
    'no body': () => [url],
    text: () => [url, { method: 'POST', body: 'text' }],
    bytes: () => [url, { method: 'POST', body: new Uint8Array(3) }],
    'a form': () => [url, { method: 'POST', body: new FormData() }],
    parameters: () => [url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }],
    'a blob': () => [url, { method: 'POST', body: new Blob(['b']) }],
    'a Request without a body': () => [new Request(url)],
    'a Request whose body is given beside it': () => [new Request(url, { method: 'POST', body: 'a' }), { body: 'b' }],
  }
  it.each(Object.keys(repeatable))('is replaced, and %s is sent again', async (kind) => {
    const { call, sent, refused } = world()
    refused.add('token-1')
    expect(await statusOf(call(...(repeatable[kind]?.() ?? [url])))).toBe(200)
    expect(sent).toHaveLength(2)
  })

  it('whose successor cannot be had leaves the call with the error of the issuer', async () => {
    const { call, token, from, refused } = world()
    await token.get()
    refused.add('token-1')
    from.answer = () => json({ error: 'invalid_client' }, 401)
    await expect(call(url)).rejects.toMatchObject({
      code: 'TOKEN_REFUSED',
      oauthCode: 'invalid_client',
      class: 'fatal',
    })
  })
})

/** Calls every 100 ms for so many seconds: what each ended with, by its status or the name of its error. */
async function outcomes(call: typeof fetch, seconds: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let turn = 0; turn < seconds * 10; turn++) {
    const { value, error } = await attempt(() => call(url))
    const outcome = value instanceof Response ? String(value.status) : (error as Error).name
    counts[outcome] = (counts[outcome] ?? 0) + 1
    await pass(100)
  }
  return counts
}

describe('a permanent 401', () => {
  it('costs the issuer a request at most every few seconds, and ends in ValueRejectedError', async () => {
    const { call, from, sent, api } = world()
    api.refusesAll = true
    const counts = await outcomes(call, 600)
    expect(Object.keys(counts).sort()).toEqual(['401', 'ValueRejectedError'])
    expect(counts['ValueRejectedError']).toBeGreaterThan(5_800)
    // The first two at once, five while the cool-down grows to 5 s, then one every 5 s.
    expect(from.requests.length).toBeLessThanOrEqual(2 + 5 + 600 / 5)
    expect(sent.length).toBe(from.requests.length)
    expect((await attempt(() => call(url))).error).toBeInstanceOf(ValueRejectedError)
  })

  it('is over with the first token that is accepted', async () => {
    const { call, from, api } = world()
    api.refusesAll = true
    await outcomes(call, 60)
    api.refusesAll = false
    await pass(5_000)
    const before = from.requests.length
    expect(await outcomes(call, 60)).toEqual({ '200': 600 })
    expect(from.requests.length - before).toBe(1)
  })

  it('a day after another costs one request, and no cool-down', async () => {
    const { call, from, refused } = world(7 * 24 * 3600)
    for (let day = 1; day <= 3; day++) {
      expect(await statusOf(call(url))).toBe(200)
      await pass(24 * 3_600_000)
      refused.add(`token-${day}`)
      expect(await statusOf(call(url))).toBe(200)
      expect(from.requests).toHaveLength(day + 1)
    }
  })
})

describe('an issuer that is down', () => {
  it('is noticed by no call while the token is valid, and asked at most ten times in its last minute', async () => {
    const { call, from, token } = world(120)
    await token.get()
    from.answer = () => Promise.reject(new TypeError('fetch failed'))
    const before = from.requests.length
    expect(await outcomes(call, 119.9)).toEqual({ '200': 1_199 })
    const asked = from.requests.length - before
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThanOrEqual(10)
    await pass(100)
    expect(await outcomes(call, 10)).toEqual({ TypeError: 100 })
  })

  it('and comes back in time is noticed by no call at all', async () => {
    const { call, from, token } = world(3600)
    await token.get()
    const { answer } = from
    from.answer = () => Promise.reject(new TypeError('fetch failed'))
    await pass(45 * 60_000)
    expect(await outcomes(call, 13 * 60)).toEqual({ '200': 7_800 })
    from.answer = answer
    expect(await outcomes(call, 4 * 60)).toEqual({ '200': 2_400 })
    expect(token.peek()?.accessToken).not.toBe('token-1')
    expect(from.requests.length).toBeLessThanOrEqual(1 + 10 + 13 * 2)
  })
})
