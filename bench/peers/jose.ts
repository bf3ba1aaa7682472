/** `createRemoteJWKSet` of jose, as the comparison uses it. */

import { createRemoteJWKSet, customFetch } from 'jose'
import type { Contender } from '../compare/contender.ts'

/** The example key of RFC 8037, appendix A.2. */
const publicKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  alg: 'EdDSA',
  kid: 'k',
}

export const contenders: readonly Contender[] = [
  {
    name: 'jose',
    packages: ['jose'],
    configuration: '`cacheMaxAge` 10 min and `cooldownDuration` 30 s, the defaults; the network is its `customFetch`',
    promises:
      'Keys are used for `cacheMaxAge` and not a moment longer. No refresh ahead of that, no invalidating, setting or marking as out of date. A reload joins the one in the air. It keeps a sequence, so that of two in the air (which there are only on Cloudflare Workers and the like) the older cannot win. The cool-down is about unknown key ids, and counts from the last success.',
    ages: { expired: 11 * 60_000 },
    start(load) {
      const keys = createRemoteJWKSet(new URL('https://issuer.example/jwks'), {
        [customFetch]: async () => Response.json({ keys: [{ ...publicKey, says: await load() }] }),
      })
      const read = async () => {
        await keys({ alg: 'EdDSA', kid: 'k' })
        const [held] = keys.jwks()?.keys ?? []
        return held && 'says' in held ? held.says : undefined
      }
      return {
        read,
        refresh: async () => {
          await keys.reload()
          return read()
        },
      }
    },
  },
]
