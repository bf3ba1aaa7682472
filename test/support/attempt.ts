/** How a call ended, whether it threw at once or rejected later. */

import { flush } from './flush.ts'
import { type Settlement, settlement } from './settlement.ts'

/** Calls something that may throw at once or return a promise that rejects, and tells which error it was either way. */
export async function attempt(call: () => unknown): Promise<Settlement<unknown>> {
  const settled = settlement(new Promise((resolve) => resolve(call())))
  await flush()
  return settled
}
