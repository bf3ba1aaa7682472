/** The token cycler inside `bearerTokenAuthenticationPolicy` of @azure/core-rest-pipeline, as the comparison uses it. */

import {
  bearerTokenAuthenticationPolicy,
  createHttpHeaders,
  createPipelineRequest,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline'
import type { Contender } from '../compare/contender.ts'

const minute = 60_000
const claims = Buffer.from('{"access_token":{"nbf":{"essential":true}}}').toString('base64')
const challenge = `Bearer realm="", error="insufficient_claims", claims="${claims}"`

export const contenders: readonly Contender[] = [
  {
    name: 'azure-cycler',
    packages: ['@azure/core-rest-pipeline'],
    configuration:
      'A token of 1 h, refreshed in its last 2 min; asked through `bearerTokenAuthenticationPolicy`, the only way in. A forced refresh is a 401 with a claims challenge, which the policy answers with a new token',
    promises:
      'It is internal: one per policy, with fixed scopes. No invalidating, setting or marking as out of date by the user. What it is held to here is that a challenged request does not go out with the token that was asked for before the challenge. The unhandled rejection is that of a refresh behind the readers that ends, with the token, when nobody waits for it.',
    ages: { due: 58.5 * minute, expired: 61 * minute },
    start(load) {
      const policy = bearerTokenAuthenticationPolicy({
        scopes: 'https://service.example/.default',
        credential: {
          getToken: async () => ({ token: await load(), expiresOnTimestamp: Date.now() + 60 * minute }),
        },
      })
      /** What the service receives; with `challenges` it rejects the first request. */
      const send = async (challenges: number) => {
        let left = challenges
        const next = async (request: PipelineRequest): Promise<PipelineResponse> => {
          if (left-- <= 0) return { request, status: 200, headers: createHttpHeaders() }
          return { request, status: 401, headers: createHttpHeaders({ 'www-authenticate': challenge }) }
        }
        const { request } = await policy.sendRequest(createPipelineRequest({ url: 'https://service.example/' }), next)
        return request.headers.get('authorization')?.replace('Bearer ', '')
      }
      return { read: () => send(0), refresh: () => send(1) }
    },
  },
]
