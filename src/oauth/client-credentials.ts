/** The client credentials grant (RFC 6749, section 4.4), as options of a cache of tokens. */

import type { ErrorClass } from '../events/cache-event.ts'
import type { Fetch } from '../fetch/fetch.ts'
import { TokenError } from './token-error.ts'

export interface ClientCredentials {
  /** Where tokens are issued: an absolute URL, without credentials in it. */
  readonly tokenEndpoint: string | URL
  readonly clientId: string
  readonly clientSecret: string
  /** The scopes to ask for, with spaces between. Default: the issuer's own. */
  readonly scope?: string | undefined
  /** Where the credentials go: into an HTTP Basic header, or into the body (`'post'`). Default `'basic'`. */
  readonly auth?: 'basic' | 'post' | undefined
  /** What else the issuer wants in the body, such as `{ audience: 'orders' }`. Default: nothing. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** What sends the request. Default: the global `fetch`, looked up at each request. */
  readonly fetch?: typeof globalThis.fetch | undefined
}

export interface AccessToken {
  readonly accessToken: string
  /** seconds it lives from its request on, as the issuer said; `undefined`: it did not say */
  readonly expiresIn: number | undefined
  /** what was granted, where that differs from what was asked for */
  readonly scope: string | undefined
}

/** Options to spread into `new BackgroundCache({ … })`; what is written behind them wins. */
export interface TokenOptions {
  /** the host of the token endpoint */
  readonly name: string
  readonly fetch: Fetch<AccessToken>
  readonly expiresAt: (token: AccessToken, fetchedAt: number) => number | undefined
  readonly classifyError: (error: unknown) => ErrorClass
  readonly retryAfter: (error: unknown) => number | undefined
}

/**
 * What a cache needs to keep a token of this client current.
 *
 * A token ends `expires_in` seconds after its request began, and is refreshed before that (5 minutes before for lifetimes
 * up to 20 minutes, 15 up to 90, 60 beyond; at most half of what is left). Without `expires_in` it lives for the `ttl`
 * that you give beside these options, else until it is rejected. A `Retry-After` lengthens the cool-down, to at most 1 h.
 *
 * Throws `TypeError` or `RangeError` naming the option, never what was given for it. A fetch fails with `TokenError`, or
 * with the error of `fetch` when the issuer does not answer. A refusal (400, 401) is fatal only once no valid token is
 * held: until then readers are served, and events tell of it.
 *
 * @example
 * ```ts
 * const issuer = { tokenEndpoint: 'https://issuer.example/token', clientId: 'reports', clientSecret: 's3cret' }
 * const token = new BackgroundCache({ ...clientCredentials({ ...issuer, scope: 'orders:read' }), maxWait: '3s' })
 * const { expiresIn } = await token.get()
 * expiresIn // 3600
 * ```
 */
export function clientCredentials(credentials: ClientCredentials): TokenOptions {
  checkCredentials(credentials)
  const { tokenEndpoint, clientId, clientSecret, scope, auth, parameters } = credentials
  const url = String(tokenEndpoint)
  const send = credentials.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const body = new URLSearchParams({ ...parameters, grant_type: 'client_credentials', ...(scope && { scope }) })
  const headers = new Headers({ accept: 'application/json' })
  if (auth === 'post') {
    body.set('client_id', clientId)
    body.set('client_secret', clientSecret)
  } else headers.set('authorization', `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`)}`)
  return {
    name: new URL(url).host,
    fetch: async ({ signal, startedAt }, previous) => {
      // A redirect would carry the secret to a place that nobody configured.
      const response = await send(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
      const answer = parsed(await response.text())
      if (response.ok) return tokenOf(response, answer)
      const { error } = answer
      // A code is a word: what has digits in it may be anything.
      const code = typeof error === 'string' && /^[a-z_]{1,40}$/i.test(error) ? error : undefined
      const refused = response.status === 400 || response.status === 401
      const severity = refused && !(previous && previous.expiresAt > startedAt) ? 'fatal' : 'retry'
      throw new TokenError(`the issuer answered ${response.status} ${code ?? ''}`.trimEnd(), response, code, severity)
    },
    expiresAt: ({ expiresIn }, fetchedAt) => (expiresIn === undefined ? undefined : fetchedAt + expiresIn * 1000),
    classifyError: (error) => (error instanceof TokenError ? error.class : 'retry'),
    retryAfter: (error) => (error instanceof TokenError ? error.retryAfter : undefined),
  }
}

/** What is no JSON says nothing: the error of `JSON.parse` would quote it. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** RFC 6749, section 5.1. Some issuers write the seconds as a string, or leave the type out. */
function tokenOf(response: Response, answer: ReturnType<typeof parsed>): AccessToken {
  const { access_token, token_type = 'Bearer', expires_in, scope } = answer
  const wrong = (what: string) => new TokenError(`${what} in the issuer's answer`, response)
  // What no header can carry must not get into the message of the one who tries.
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) throw wrong('no access_token')
  if (!/^bearer$/i.test(String(token_type))) throw wrong('a token_type other than Bearer')
  const seconds = typeof expires_in === 'string' && expires_in ? Number(expires_in) : (expires_in ?? undefined)
  if (seconds !== undefined && !Number.isFinite(seconds)) throw wrong('an expires_in that is no number of seconds')
  return {
    accessToken: access_token,
    expiresIn: seconds as number | undefined,
    scope: typeof scope === 'string' ? scope : undefined,
  }
}

/** `application/x-www-form-urlencoded`, as RFC 6749, section 2.3.1, wants both halves of the header. */
const formEncoded = (text: string): string => String(new URLSearchParams([['', text]])).slice(1)

type Check = readonly [expected: string, fits: (value: unknown) => boolean, optional?: 'optional']

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const checks: Record<keyof ClientCredentials, Check> = {
  tokenEndpoint: ['an absolute URL without credentials', isPlainUrl],
  clientId: ['a string that is not empty', isText],
  clientSecret: ['a string that is not empty', isText],
  scope: ['a string', (value) => typeof value === 'string', 'optional'],
  auth: ["'basic' or 'post'", (value) => value === 'basic' || value === 'post', 'optional'],
  parameters: ['an object of strings', isRecordOfStrings, 'optional'],
  fetch: ['a function', (value) => typeof value === 'function', 'optional'],
}

function isPlainUrl(value: unknown): boolean {
  try {
    const { protocol, username, password } = new URL(String(value))
    return /^https?:$/.test(protocol) && !username && !password
  } catch {
    return false
  }
}

function isRecordOfStrings(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string')
}

/** Refuses by name and kind alone: a secret in the wrong place is an easy slip. */
function checkCredentials(given: unknown): void {
  const refuse = (option: string, expected: string, value: unknown): never => {
    const received = value === null ? 'null' : value === '' ? 'an empty string' : typeof value
    const Refusal = typeof value === 'string' || value instanceof URL ? RangeError : TypeError
    throw new Refusal(`Cannot use ${option}: expected ${expected}: received ${received}`)
  }
  if (typeof given !== 'object' || given === null) refuse('clientCredentials()', 'an object with options', given)
  for (const option of Object.keys(given as object)) {
    if (!Object.hasOwn(checks, option))
      throw new TypeError(`Cannot use ${option}: expected one of ${Object.keys(checks).join(', ')}`)
  }
  for (const [option, [expected, fits, optional]] of Object.entries(checks)) {
    const value = (given as Record<string, unknown>)[option]
    if (!(optional && value === undefined) && !fits(value)) refuse(option, expected, value)
  }
}
