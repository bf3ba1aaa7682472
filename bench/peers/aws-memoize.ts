/** `memoize` of @smithy/property-provider, which keeps the credentials of the AWS clients, as the comparison uses it. */

import { memoize } from '@smithy/property-provider'
import type { Contender } from '../compare/contender.ts'

const minute = 60_000

interface Credential {
  readonly token: string
  readonly expiration: number
}

export const contenders: readonly Contender[] = [
  {
    name: 'aws-memoize',
    packages: ['@smithy/property-provider', '@smithy/core'],
    configuration:
      'A credential of 1 h; refreshed when it has less than 5 min left, as the AWS clients have it; `forceRefresh` for a forced refresh',
    promises:
      'A refresh in the last five minutes, for which readers wait; if it fails they get its error although the credential is valid for minutes. A forced refresh joins the one in the air. No invalidating, setting or marking as out of date.',
    ages: { due: 56 * minute, expired: 61 * minute },
    start(load) {
      const provider = memoize<Credential>(
        async () => ({ token: await load(), expiration: Date.now() + 60 * minute }),
        ({ expiration }) => expiration - Date.now() < 5 * minute,
        () => true,
      )
      return {
        read: async () => (await provider()).token,
        refresh: async () => (await provider({ forceRefresh: true })).token,
      }
    },
  },
]
