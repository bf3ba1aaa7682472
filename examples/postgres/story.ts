/** The story: a cache for each of three tables, and a Postgres that is altered, hung and killed while they are read. */

import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { BackgroundCache } from 'evercurrent'
import { openContenders } from './contenders.ts'
import { openDatabase } from './database.ts'
import { describeTable, type TableDescription } from './describe-table.ts'
import { Readers, type Tally } from './readers.ts'
import type { Source } from './source.ts'
import { messageOf, milliseconds, seconds, type Timeline } from './timeline.ts'
import { Trace } from './trace.ts'

export interface Outcome {
  readonly expectations: readonly { readonly text: string; readonly held: boolean }[]
  readonly figures: string
  /** the same source with and without us: how it was compared, and the table */
  readonly comparison: readonly string[]
}

const tables = `
  CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text);
  CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, placed_at timestamptz DEFAULT now());
  CREATE TABLE line_items (order_id int REFERENCES orders, line int, amount numeric, PRIMARY KEY (order_id, line))`

// A call that hangs has timed out before the value it is to replace expires: that is why nobody waits for it.
const usual = { ttl: 2_000, refreshWindow: 1_000, fetchTimeout: 700, backoff: { base: 250, max: 1_000 } }
const quick = { ttl: 1_000, refreshWindow: 500, fetchTimeout: 400, backoff: { base: 100, max: 400 } }
const patience = 5_000
const staleIfError = '30s'
// The six readers ask some 380 times a second. Without a cache PGlite answers a hundred, and then nobody else.
const traceEvery = 50

export async function tellStory(source: Source, timeline: Timeline, fast: boolean): Promise<Outcome> {
  const policy = fast ? quick : usual
  const lasts = fast ? { calm: 300, hang: 950, down: 700 } : { calm: 2_400, hang: 2_500, down: 4_000 }
  const expectations: { text: string; held: boolean }[] = []
  const expect = (text: string, held: boolean) => expectations.push({ text, held })

  timeline.say('source', 'starting Postgres (PGlite) in a process of its own; the first start takes some seconds')
  await source.start()
  timeline.say('source', `ready: process ${source.pid}, port ${source.port}, data in ${source.directory}`)
  const database = openDatabase(source.port, policy.fetchTimeout)
  const writer = openDatabase(source.port, patience)
  await writer.query(tables)
  timeline.say('writer', 'created the tables customers, orders and line_items')

  // The main job. All that follows makes its life hard, and counts.
  const describing = (table: string) =>
    new BackgroundCache<TableDescription>({
      name: table,
      ...policy,
      staleIfError,
      equals: isDeepStrictEqual,
      fetch: ({ signal }) => describeTable(database, table, signal),
    })
  const orders = describing('orders')
  const caches = [describing('customers'), orders, describing('line_items')]
  const [ttl, window, timeout] = [policy.ttl, policy.refreshWindow, policy.fetchTimeout].map(seconds)
  timeline.say('cache', `a description lives ${ttl}, refreshed in its last ${window}; a call may take ${timeout}`)
  for (const cache of caches) cache.on((event) => timeline.event(event))

  const readers = new Readers(caches, (error) => timeline.say('readers', `error: ${messageOf(error)}`, 'bad'))
  const whole = readers.open()
  let second = readers.open()
  const pulse = setInterval(() => {
    timeline.pulse(readers.close(second))
    second = readers.open()
  }, 1_000)

  await coldStart()
  const names = ['customers', 'orders', 'line_items']
  const contenders = await openContenders(source.port, { ...policy, staleIfError }, names)
  const trace = new Trace(contenders, names, traceEvery)
  trace.start()
  await pause(lasts.calm)
  const alteredAt = await schemaChanges()
  await Promise.all([pause(lasts.calm / 2), trace.seenByAll('customers.loyalty_tier', patience)])
  await sourceHangs()
  await sourceDies()
  await pause(lasts.calm / 2)

  await trace.stop()
  clearInterval(pulse)
  readers.stop()
  readers.close(whole)
  for (const cache of caches) cache.dispose()
  await Promise.all([database.end(), writer.end()])
  expect('no read failed', whole.errors === 0)
  const comparison = trace.compare('customers.loyalty_tier', alteredAt)
  return { expectations, figures: figuresOf(whole), comparison }

  /** The first readers wait, and share one call for each table. */
  async function coldStart(): Promise<void> {
    timeline.say('readers', 'six readers start, each reading every 15 ms', 'strong')
    const first = readers.open()
    readers.start(6, 15)
    await Promise.all(caches.map((cache) => cache.get()))
    readers.close(first)
    timeline.say('readers', `the first ${first.waited} reads waited, sharing ${first.calls} calls`, 'good')
  }

  /** Once the refresh has to find it, behind the readers; once the writer says so, and the very next read has it. */
  async function schemaChanges(): Promise<number> {
    const [quietly, alteredAt] = await alter('customers', 'loyalty_tier', 'text')
    expect('no read waited for the refresh that found it', quietly.waited === 0)
    const [aloud] = await alter('orders', 'shipped_at', 'timestamptz', () => orders.invalidate())
    expect('the reads after invalidate() waited for it', aloud.waited > 0)
    return alteredAt
  }

  /** The process is stopped: connections stay open, and nothing answers. */
  async function sourceHangs(): Promise<void> {
    timeline.say('source', `hangs: the process is stopped (SIGSTOP) for ${seconds(lasts.hang)}`, 'strong')
    const during = readers.open()
    await source.hang(lasts.hang)
    timeline.say('source', 'continues (SIGCONT)', 'strong')
    await recovery()
    reportCost('the hang', readers.close(during))
    expect('the hang was real: calls timed out', during.timedOutCalls > 0)
    expect('no read waited because of the hang', during.waited === 0)
  }

  /** The process is killed, started again some seconds later, and altered before any cache has reached it. */
  async function sourceDies(): Promise<void> {
    timeline.say('source', `killed (SIGKILL), to be down for ${seconds(lasts.down)}`, 'strong')
    const during = readers.open()
    await source.kill()
    await pause(lasts.down)
    timeline.say('source', 'starting again, on the same port and data')
    await source.start()
    timeline.say('source', `ready: process ${source.pid}`, 'strong')
    await alter('line_items', 'discount', 'numeric DEFAULT 0')
    await recovery()
    reportCost('the outage', readers.close(during))
    expect('the outage was real: calls failed', during.failedCalls > 0)
    expect('no read waited because of the outage', during.waited === 0)
  }

  /** A real ALTER TABLE, until a reader has been given the new column; and when it was. */
  async function alter(
    table: string,
    column: string,
    type: string,
    afterwards?: () => void,
  ): Promise<[during: Tally, alteredAt: number]> {
    const statement = `ALTER TABLE ${table} ADD COLUMN ${column} ${type}`
    const during = readers.open()
    const seen = readers.see(table, column, patience)
    await writer.query(statement)
    const altered = performance.now()
    timeline.say('writer', statement, 'strong')
    afterwards?.()
    const seenAt = await seen
    const { reads, waited } = readers.close(during)
    expect(`the new column ${table}.${column} reached the readers`, seenAt !== undefined)
    if (seenAt === undefined) {
      timeline.say('readers', `nobody saw ${table}.${column}`, 'bad')
    } else {
      const after = milliseconds(Math.max(0, seenAt - altered))
      timeline.say('readers', `${table}.${column} seen ${after} later; ${waited} of ${reads} reads waited`, 'good')
    }
    return [during, altered]
  }

  /** Until every cache that has failed has succeeded again. */
  async function recovery(): Promise<void> {
    const limit = performance.now() + patience
    while (caches.some((cache) => cache.getSnapshot().failure) && performance.now() < limit) await pause(10)
  }

  function reportCost(what: string, { reads, waited, stale, errors, oldest, failedCalls }: Tally): void {
    const served = `${reads} reads: ${errors} errors, ${waited} waited, ${stale} got an expired value`
    const text = `${what} cost ${failedCalls} failed calls; ${served}, the oldest ${seconds(oldest)} old`
    timeline.say('readers', text, 'good')
  }
}

function figuresOf(tally: Tally): string {
  const { reads, waited, oldest, calls, failedCalls, errors } = tally
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => milliseconds(tally.percentile(share)))
  return (
    `${reads} reads, p50 ${p50}, p99 ${p99}, max ${max}, ${waited} waited, oldest ${seconds(oldest)}, ` +
    `${calls} calls (${failedCalls} failed), ${errors} errors`
  )
}
