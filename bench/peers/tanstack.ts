/** @tanstack/query-core, as the comparison uses it. */

import { QueryClient } from '@tanstack/query-core'
import type { Contender } from '../compare/contender.ts'

const queryKey = ['k']

function contender(name: string, cancelsFirst: boolean, what: string): Contender {
  return {
    name,
    packages: ['@tanstack/query-core'],
    configuration: `\`staleTime\` 1 min, \`gcTime\` infinite, \`retry\` 3 with its default pauses, \`networkMode\` "always"; read by \`ensureQueryData({ revalidateIfStale })\`, marked as out of date by \`invalidateQueries({ refetchType: 'all' })\`${what}`,
    promises:
      'A stale value is served without a limit. In Node it does not retry unless told to, as here; the retries are what keeps the calls few in an outage. Who waits for a load that is cancelled before there was a value gets a `CancelledError`. No load behind the readers ahead of `staleTime`.',
    ages: { stale: 61_000 },
    start(load) {
      const client = new QueryClient({
        defaultOptions: { queries: { staleTime: 60_000, gcTime: Infinity, retry: 3, networkMode: 'always' } },
      })
      const options = { queryKey, queryFn: load }
      const cancel = async () => {
        if (cancelsFirst) await client.cancelQueries({ queryKey })
      }
      return {
        read: () => client.ensureQueryData({ ...options, revalidateIfStale: true }),
        peek: () => client.getQueryData(queryKey),
        invalidate: async () => {
          await cancel()
          client.removeQueries({ queryKey })
        },
        set: async (value) => {
          await cancel()
          client.setQueryData(queryKey, value)
        },
        expire: async () => {
          await cancel()
          await client.invalidateQueries({ queryKey, refetchType: 'all' })
        },
        refresh: async () => {
          await cancel()
          // Refetching cancels a load in the air, but does nothing before there is a value.
          if (client.getQueryData(queryKey) === undefined) return client.fetchQuery({ ...options, staleTime: 0 })
          await client.refetchQueries({ queryKey }, { throwOnError: true })
          return client.getQueryData(queryKey)
        },
      }
    },
  }
}

export const contenders: readonly Contender[] = [
  contender('tanstack', false, ''),
  contender(
    'tanstack-cancelling',
    true,
    '; every write awaits `cancelQueries()` first, as its guide to optimistic updates does',
  ),
]
