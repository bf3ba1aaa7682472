/** Calls the user's fetch once, whatever it does: throws at once, answers at once, settles twice, or never. */

import { type Fetch, type FetchContext, type Held, isNotModified, type NotModified } from './fetch.ts'
import { type StandardSchema, validate } from './schema.ts'

/** Calls it now, and settles later, with the schema's output where there is one. */
export function attempt<V>(
  fetch: Fetch<V>,
  context: FetchContext,
  previous: Held<V> | undefined,
  schema: StandardSchema<V> | undefined,
): Promise<V | NotModified> {
  // A promise's executor turns what is thrown into a rejection, and its resolve tames any thenable.
  const result = new Promise<V | NotModified>((resolve) => resolve(fetch(context, previous)))
  return schema
    ? result.then((value) => (isNotModified(value) || value === undefined ? value : validate(schema, value)))
    : result
}
