/** What your program would have: a LanceDB connection whose calls carry the token of a cache, and what a 401 does to it. */

import { type Connection, connect, type Table } from '@lancedb/lancedb'
import type { BackgroundCache } from 'evercurrent'
import type { AccessToken } from 'evercurrent/oauth'

/**
 * A connection that asks the cache for each request's token, retries included.
 *
 * An `apiKey` has to be given, although the header decides; together with `oauthConfig` it is refused. The provider keeps
 * the process alive, also after `close()`: a program that uses one ends by `process.exit()`.
 */
export function connectWith(token: BackgroundCache<AccessToken>, host: string): Promise<Connection> {
  return connect('db://shop', { apiKey: '', hostOverride: host }, undefined, async () => {
    const { accessToken } = await token.get()
    return { authorization: `Bearer ${accessToken}` }
  })
}

/** A token with a 401 is dropped, exactly that one, and the call is made once more with the next. */
export async function authorized<T>(token: BackgroundCache<AccessToken>, call: () => Promise<T>): Promise<T> {
  try {
    return await attempt(token, call)
  } catch (error) {
    if (!isUnauthorized(error)) throw error
    return attempt(token, call)
  }
}

/**
 * LanceDB does not say which token a call carried, so it is looked up before the call. Should it be replaced before the
 * provider asks, nothing is dropped: never a token that was not rejected.
 */
async function attempt<T>(token: BackgroundCache<AccessToken>, call: () => Promise<T>): Promise<T> {
  // An error of the issuer comes from here as it is; from the provider only its message would.
  const held = await token.get()
  try {
    return await call()
  } catch (error) {
    if (isUnauthorized(error)) token.invalidate({ ifValue: held })
    throw error
  }
}

/** The status is in the message alone: `code` is 'GenericFailure', whatever happened. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof Error && /^Http error: \(request_id=[\w-]+\) 401 /.test(error.message)
}

/** The columns as the server has them now: a table answers `schema()` from its own cache, unless it is told this. */
export async function columnsOf(table: Table): Promise<readonly string[]> {
  await table.checkoutLatest()
  return (await table.schema()).fields.map(({ name }) => name)
}
