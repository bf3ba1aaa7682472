/** A token that says itself when it expires, and a client that drops exactly the one that was rejected. */
import { BackgroundCache } from 'evercurrent'

interface Token {
  readonly access_token: string
  readonly expires_in: number
}

const token = new BackgroundCache({
  fetch: async ({ signal }): Promise<Token> =>
    (await fetch('https://idp.example/token', { method: 'POST', signal })).json() as Promise<Token>,
  expiresAt: (held, fetchedAt) => fetchedAt + held.expires_in * 1000,
  refreshWindow: '5m',
  name: 'idp',
  classifyError: (error) => ((error as { status?: number }).status === 400 ? 'fatal' : 'retry'),
})

export async function call(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const held = await token.get({ maxWait: '3s' })
    const response = await fetch(url, { headers: { authorization: `Bearer ${held.access_token}` } })
    if (response.status !== 401 || attempt > 0) return response
    const dropped: boolean = token.invalidate({ ifValue: held })
    if (!dropped) continue
  }
}

export const now: string | undefined = token.tryGet()?.access_token

// @ts-expect-error neither ttl nor expiresAt: it could never end
new BackgroundCache({ fetch: async () => 1 })
// @ts-expect-error a class of errors that does not exist
new BackgroundCache({ ttl: '1m', fetch: () => 1, classifyError: () => 'permanent' })
// @ts-expect-error only that very token can be the rejected one
token.invalidate({ ifValue: 'the access token' })
