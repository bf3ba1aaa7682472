/** @tanstack/query-core, as the comparison uses it. */

import { environmentManager, QueryClient, QueryObserver } from '@tanstack/query-core'
import { type Contender, expiringEarly, minute } from '../compare/contender.ts'

const queryKey = ['k']

const open = (staleTime: number) =>
  new QueryClient({ defaultOptions: { queries: { staleTime, gcTime: Infinity, retry: 3, networkMode: 'always' } } })

function contender(name: string, cancelsFirst: boolean, what: string): Contender {
  return {
    name,
    packages: ['@tanstack/query-core'],
    configuration: `\`staleTime\` 1 min, \`gcTime\` infinite, \`retry\` 3 with its default pauses, \`networkMode\` "always"; read by \`ensureQueryData({ revalidateIfStale })\`, marked as out of date by \`invalidateQueries({ refetchType: 'all' })\`${what}`,
    promises:
      'A stale value is served without a limit. In Node it does not retry unless told to, as here; the retries are what keeps the calls few in an outage. Who waits for a load that is cancelled before there was a value gets a `CancelledError`. No load behind the readers ahead of `staleTime`.',
    ages: { stale: 61_000 },
    start(load, wish = minute) {
      const client = open(expiringEarly(wish).fresh)
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
    startMany(load, wish) {
      const client = open(expiringEarly(wish).fresh)
      return {
        read: (at) => client.ensureQueryData({ queryKey: [at], queryFn: () => load(at), revalidateIfStale: true }),
        peek: (at) => client.getQueryData([at]),
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

const packages = ['@tanstack/query-core']

/** Other ways of reading it, whose answers to the experiments of the comparison would be those above. */
export const onlyMeasured: readonly Contender[] = [
  {
    name: 'tanstack-fetch',
    packages,
    configuration: 'as tanstack, read by `fetchQuery()`',
    promises: 'Nothing is served after `staleTime`, and nothing is loaded ahead of it.',
    ages: { expired: 61_000 },
    start(load, { ttl } = minute) {
      const client = open(ttl)
      return { read: () => client.fetchQuery({ queryKey, queryFn: load }) }
    },
    startMany(load, { ttl }) {
      const client = open(ttl)
      return { read: (at) => client.fetchQuery({ queryKey: [at], queryFn: () => load(at) }) }
    },
  },
  {
    name: 'tanstack-observer',
    packages,
    configuration:
      '`QueryObserver` with a `refetchInterval` of the time until a value is due, on timers as in a browser; read is its current result',
    promises: 'Loads whether anybody reads or not. Readers get what is there, however old.',
    ages: { stale: 61_000 },
    start(load, { due } = minute) {
      environmentManager.setIsServer(() => false)
      const client = open(due)
      client.mount()
      const observer = new QueryObserver(client, {
        queryKey,
        queryFn: load,
        refetchInterval: due,
        refetchIntervalInBackground: true,
      })
      observer.subscribe(() => {})
      const queries = client.getQueryCache()
      return {
        read() {
          const { data } = observer.getCurrentResult()
          return data ?? queries.find({ queryKey })?.promise
        },
        peek: () => observer.getCurrentResult().data,
      }
    },
  },
]
