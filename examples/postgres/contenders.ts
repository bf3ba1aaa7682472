/** The same source asked in three ways: through evercurrent, through the cache people write, and each time anew. */

import { setTimeout as pause } from 'node:timers/promises'
import { BackgroundCache, type Duration } from 'evercurrent'
import { openDatabase } from './database.ts'
import { describeTable, type TableDescription } from './describe-table.ts'
import { PlainTtl, within } from './plain-ttl.ts'
import { Tally } from './readers.ts'

export interface Answer extends TableDescription {
  /** when the source was asked, in performance.now() */
  readonly askedAt: number
}

export interface Contender {
  readonly name: string
  /** calls by the contender, everything else by who reads */
  readonly tally: Tally
  readonly ask: Ask
  end(): Promise<void>
}

interface Policy {
  readonly ttl: number
  readonly refreshWindow: number
  readonly fetchTimeout: number
  readonly backoff: { readonly base: number; readonly max: number }
  readonly staleIfError: Duration
}

type Ask = (table: string) => Promise<Answer>
type Describe = (table: string, signal: AbortSignal) => Promise<Answer>
type Way = (describe: Describe, policy: Policy) => Ask

/** One cache for each table, with the policy of the story. */
const evercurrent: Way = (describe, policy) => {
  const caches = new Map<string, BackgroundCache<Answer>>()
  return (table) => {
    const cache =
      caches.get(table) ?? new BackgroundCache<Answer>({ ...policy, fetch: ({ signal }) => describe(table, signal) })
    caches.set(table, cache)
    return cache.get()
  }
}

const plainTtl: Way = (describe, { ttl, fetchTimeout }) => {
  const cache = new PlainTtl<Answer>(
    () => ttl,
    (table) => within(fetchTimeout, (signal) => describe(table, signal)),
  )
  return (table) => cache.get(table)
}

const noCache: Way =
  (describe, { fetchTimeout }) =>
  (table) =>
    within(fetchTimeout, (signal) => describe(table, signal))

/** Each over a connection of its own, so that none waits for another's; and one, so that none floods the source. */
export async function openContenders(port: number, policy: Policy, tables: readonly string[]): Promise<Contender[]> {
  const ways: [string, Way][] = [
    ['evercurrent', evercurrent],
    ['plain TTL cache', plainTtl],
    ['no cache', noCache],
  ]
  const opening = ways.map(async ([name, way]) => {
    const tally = new Tally()
    const database = openDatabase(port, policy.fetchTimeout)
    const describe: Describe = async (table, signal) => {
      tally.calls += 1
      const askedAt = performance.now()
      return { ...(await describeTable(database, table, signal)), askedAt }
    }
    // The cold start is not compared: each has its first answers before the trace begins.
    const ask = way(describe, policy)
    for (const table of tables) await firstAnswer(ask, table)
    tally.calls = 0
    return { name, tally, ask, end: () => database.end() }
  })
  return Promise.all(opening)
}

async function firstAnswer(ask: Ask, table: string): Promise<void> {
  for (const limit = performance.now() + 5_000; ; await pause(50)) {
    try {
      await ask(table)
      return
    } catch (error) {
      if (performance.now() > limit) throw error
    }
  }
}
