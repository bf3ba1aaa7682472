/** An issuer made of a function: it answers requests for tokens as the test says, and keeps what it was asked. */
import { BackgroundCache, type CacheOptions } from 'evercurrent'
import { type AccessToken, type ClientCredentials, clientCredentials } from 'evercurrent/oauth'

export const secret = 'S3CR3T&colon:%plus+'
export const issuer = { tokenEndpoint: 'https://issuer.example/token', clientId: 'the reports', clientSecret: secret }

export interface TokenRequest {
  readonly url: string
  readonly headers: Headers
  readonly body: URLSearchParams
  readonly redirect: RequestInit['redirect']
}

type Answer = () => Response | Promise<Response>

export interface TokenIssuer {
  readonly send: typeof fetch
  readonly requests: TokenRequest[]
  answer: Answer
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers })
}

/** Issues token-1, token-2, … that live for an hour, until it is told otherwise. */
export function tokenIssuer(lifetime = 3600): TokenIssuer {
  const requests: TokenRequest[] = []
  const send: typeof fetch = async (input, init) => {
    const { headers, body, redirect } = init ?? {}
    const copy = new URLSearchParams(String(body))
    requests.push({ url: String(input), headers: new Headers(headers), body: copy, redirect })
    return made.answer()
  }
  const answer = () => json({ access_token: `token-${requests.length}`, token_type: 'Bearer', expires_in: lifetime })
  const made = { send, requests, answer }
  return made
}

/** A cache of the tokens of such an issuer. */
export function tokenCache(
  from: TokenIssuer,
  credentials: Partial<ClientCredentials> = {},
  options: Partial<CacheOptions<AccessToken>> = {},
): BackgroundCache<AccessToken> {
  const preset = clientCredentials({ ...issuer, fetch: from.send, ...credentials })
  return new BackgroundCache<AccessToken>({ ...preset, random: () => 0.5, ...options })
}
