/** The client credentials grant: a cache made from the preset, with options of its own, and what it refuses. */
import { BackgroundCache } from 'evercurrent'
import { type AccessToken, authorizedFetch, clientCredentials, TokenError } from 'evercurrent/oauth'

const issuer = { tokenEndpoint: new URL('https://issuer.example/token'), clientId: 'reports', clientSecret: 's' }

const token = new BackgroundCache({
  ...clientCredentials({ ...issuer, scope: 'orders:read', auth: 'post', parameters: { audience: 'orders' } }),
  maxWait: '3s',
  refreshWindow: '10m',
})
export const plain: BackgroundCache<AccessToken> = new BackgroundCache(clientCredentials(issuer))
export const call: typeof fetch = authorizedFetch(token)
export const held: Promise<string> = token.get().then(({ accessToken }) => accessToken)
export const code = (error: unknown): string | undefined => (error instanceof TokenError ? error.oauthCode : undefined)

// @ts-expect-error a client without a secret is not one of this grant
clientCredentials({ tokenEndpoint: 'https://issuer.example/token', clientId: 'reports' })
// @ts-expect-error the names are ours, not those of the form
clientCredentials({ ...issuer, client_secret: 's' })
// @ts-expect-error only these two ways are known
clientCredentials({ ...issuer, auth: 'digest' })
// @ts-expect-error strings are no tokens with an expiry
authorizedFetch(new BackgroundCache({ ttl: '1h', fetch: () => 'token' }))
