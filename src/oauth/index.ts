/** OAuth 2.0 client credentials for a cache: how a token is asked for, when it ends, what a refusal of it means. */

export { authorizedFetch } from './authorized-fetch.ts'
export {
  type AccessToken,
  type ClientCredentials,
  clientCredentials,
  type TokenOptions,
} from './client-credentials.ts'
export { TokenError } from './token-error.ts'
