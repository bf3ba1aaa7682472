/** What a request does with the token, and with the 401 that says the token is no good. */

import type { BackgroundCache } from '../cache/background-cache.ts'
import type { AccessToken } from './client-credentials.ts'

/**
 * A `fetch` that sends the token along (RFC 6750) and tries once more when it is rejected.
 *
 * A 401 drops exactly the token that this request carried: a newer one stays. The request is then sent again with the next
 * token, once, unless its body is a stream, which is gone. The second answer is given whatever it is. Call only the API
 * that the token is for: every host that is called receives it.
 *
 * Rejects with what `token.get()` rejects with, also for the second attempt: `TokenError`, `ValueRejectedError` while the
 * tokens of a permanent 401 cool down, `WaitTimeoutError` after the cache's `maxWait`; and with what `send` rejects with.
 * The request's own signal also ends its wait for a token. Throws `TypeError` for what is no cache or no function.
 *
 * @param token The cache of tokens, made with `clientCredentials()`.
 * @param send What sends the request. Default: the global `fetch`, looked up at each request.
 * @example
 * ```ts
 * const issuer = { tokenEndpoint: 'https://issuer.example/token', clientId: 'reports', clientSecret: 's3cret' }
 * const call = authorizedFetch(new BackgroundCache(clientCredentials(issuer)))
 * const response = await call('https://api.example/orders')
 * response.status // 200
 * ```
 */
export function authorizedFetch(
  token: BackgroundCache<AccessToken>,
  send: typeof fetch = (input, init) => fetch(input, init),
): typeof fetch {
  if (typeof token?.get !== 'function' || typeof token.invalidate !== 'function')
    throw new TypeError(`Cannot use authorizedFetch(): expected a cache of tokens: received ${typeof token}`)
  if (typeof send !== 'function') throw new TypeError(`Cannot use send: expected a function: received ${typeof send}`)
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const signal = init?.signal ?? request?.signal
    const attempt = async () => {
      const held = await token.get({ signal })
      const headers = new Headers(init?.headers ?? request?.headers)
      headers.set('authorization', `Bearer ${held.accessToken}`)
      const response = await send(input, { ...init, headers })
      if (response.status === 401) token.invalidate({ ifValue: held })
      return response
    }
    const response = await attempt()
    if (response.status !== 401 || !isRepeatable(request, init?.body)) return response
    response.body?.cancel().catch(() => {}) // gives the connection back
    return attempt()
  }
}

/** A stream is sent once. The body of a `Request` is one, whatever it was made from. */
function isRepeatable(request: Request | undefined, body: BodyInit | null | undefined): boolean {
  if (body === undefined || body === null) return !request?.body
  return !(body instanceof ReadableStream || Symbol.asyncIterator in Object(body))
}
