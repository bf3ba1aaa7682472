/** One program of the story: reads all tables at its start and, if it is told a column, again and again until it is there. */

import { setTimeout as pause } from 'node:timers/promises'
import { openSchemas } from './schemas.ts'

/** The first read of all tables. */
export interface FirstRead {
  readonly tables: number
  /** milliseconds */
  readonly took: number
  /** questions to the database */
  readonly calls: number
  /** how many values came from the file */
  readonly fromFile: number
  /** what it failed with, if it did */
  readonly error?: string
}

/** All reads, the first one not counted. */
export interface Reads {
  readonly reads: number
  readonly errors: number
  /** milliseconds that the slowest took */
  readonly slowest: number
  /** questions to the database that failed */
  readonly failedFetches: number
  /** whether it was found within the time that a program goes on */
  readonly isSeen: boolean
}

const patience = 60_000

// If the story dies, nothing of it may stay.
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})

const [port, path, table, column] = process.argv.slice(2)
const { registry, calls, readAll, close } = openSchemas(Number(port), path ?? '')
const tell = (message: FirstRead | Reads) => new Promise((resolve) => process.send?.(message, resolve))

const began = performance.now()
const first = await readAll().catch((error: Error) => error)
await tell({
  tables: first instanceof Error ? 0 : first.size,
  took: performance.now() - began,
  calls: calls(),
  fromFile: registry.stats().backendHits,
  ...(first instanceof Error && { error: String(first) }),
})
if (table && column) await tell(await readUntil(table, column))
await close()
process.disconnect()

async function readUntil(table: string, column: string): Promise<Reads> {
  let [reads, errors, slowest, isSeen] = [0, 0, 0, false]
  for (const limit = performance.now() + patience; !isSeen && performance.now() < limit; await pause(20)) {
    const asked = performance.now()
    reads += 1
    try {
      const columns = (await readAll()).get(table)
      isSeen = columns?.split(', ').includes(column) ?? false
    } catch {
      errors += 1
    }
    slowest = Math.max(slowest, performance.now() - asked)
  }
  return { reads, errors, slowest, failedFetches: registry.stats().fetchFailures, isSeen }
}
