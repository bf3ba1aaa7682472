/** The `OAuth2Client` of google-auth-library with a refresh token, as the comparison uses it. */

import { OAuth2Client } from 'google-auth-library'
import type { Contender } from '../compare/contender.ts'

const minute = 60_000

export const contenders: readonly Contender[] = [
  {
    name: 'google-auth',
    packages: ['google-auth-library'],
    configuration:
      '`OAuth2Client` with a refresh token; tokens of 1 h, `eagerRefreshThresholdMillis` 5 min (its default), its own retries; the network is a `fetchImplementation`',
    promises:
      'A refresh in the last five minutes, for which readers wait; if it fails they get its error although the token is valid for minutes. A forced refresh joins the one in the air. No marking as out of date. `setCredentials()` sets a token, or drops it and keeps the refresh token.',
    ages: { due: 56 * minute, expired: 61 * minute },
    start(load) {
      const client = new OAuth2Client({
        clientId: 'id',
        clientSecret: 'secret',
        transporterOptions: {
          fetchImplementation: async () => Response.json({ access_token: await load(), expires_in: 3600 }),
        },
      })
      const withoutToken = { refresh_token: 'refresh' }
      client.setCredentials(withoutToken)
      return {
        read: async () => (await client.getAccessToken()).token,
        peek: () => client.credentials.access_token,
        invalidate: () => client.setCredentials(withoutToken),
        set: (value) =>
          client.setCredentials({ ...withoutToken, access_token: value, expiry_date: Date.now() + 60 * minute }),
        refresh: async () => (await client.refreshAccessToken()).credentials.access_token,
      }
    },
  },
]
