/** `npm run start:tiers`: two programs, one file, and a database that is away when the second one starts. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../postgres/database.ts'
import { Source } from '../postgres/source.ts'
import { milliseconds, print, seconds, Timeline } from '../postgres/timeline.ts'
import type { FirstRead, Reads } from './program.ts'

const deadline = 110_000
const months = 60

const timeline = new Timeline()
const source = new Source()
const folder = mkdtempSync(join(tmpdir(), 'evercurrent-tiers-'))
const path = join(folder, 'schemas.db')
const expectations: { readonly text: string; readonly held: boolean }[] = []
const expect = (text: string, held: boolean) => expectations.push({ text, held })

process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
const tooLate = setTimeout(() => {
  print('this takes too long: ending, and the database too', 'bad')
  process.exit(1)
}, deadline)

print(`evercurrent: the descriptions of ${months + 2} tables, in a file that outlives the program\n`, 'strong')
await source.start()
timeline.say('source', `a Postgres in process ${source.pid}, data in ${source.directory}`)
const owner = openDatabase(source.port, 10_000)
await owner.query(allTables())
await owner.end()
timeline.say('file', path)

const first = start()
const cold = await first.says<FirstRead>()
timeline.say('first', `a program in process ${first.pid} reads all ${cold.tables} tables: ${told(cold)}`)
await first.ended
// SQLite writes to a second file beside it first.
const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
timeline.say('first', `it has ended, and left ${Math.ceil(size / 1024)} kB`)
expect('the first program asked the database, once for the names and once for all tables', cold.calls === 2)

await source.kill()
timeline.say('source', 'killed (SIGKILL)', 'strong')

const second = start('orders', 'shipped_at')
const warm = await second.says<FirstRead>()
timeline.say(
  'second',
  `a program in process ${second.pid} starts now, and reads all ${warm.tables}: ${told(warm)}`,
  'good',
)
expect('the second one found all tables in the file', warm.tables === cold.tables && warm.fromFile === cold.tables + 1)
expect('and asked nobody for them, while the database was down', warm.calls === 0 && warm.error === undefined)

const reading = second.says<Reads>()
timeline.say('source', 'starting again, on the same port and the same data')
await source.start()
const altering = openDatabase(source.port, 10_000)
await altering.query('ALTER TABLE orders ADD COLUMN shipped_at timestamptz')
await altering.end()
const alteredAt = performance.now()
timeline.say('source', 'ALTER TABLE orders ADD COLUMN shipped_at', 'strong')

const reads = await reading
const later = seconds(performance.now() - alteredAt)
timeline.say('second', `orders.shipped_at seen ${later} later, by a refresh behind the reads`, 'good')
const failures = `${reads.errors} errors, ${reads.failedFetches} fetches failed behind them`
const slowest = `the slowest took ${milliseconds(reads.slowest)}`
timeline.say('second', `${reads.reads} more reads of all tables: ${failures}, ${slowest}`)
await second.ended
expect('the new column was seen, and no read failed', reads.isSeen && reads.errors === 0)

const third = start()
const again = await third.says<FirstRead>()
timeline.say('third', `one more program reads all ${again.tables}: ${told(again)}`)
await third.ended
expect('what the second program fetched is in the file, too', again.calls === 0 && again.fromFile === cold.tables + 1)
expect('the database is gone, and its data', await source.remove())
clearTimeout(tooLate)

for (const { text, held } of expectations) timeline.say(held ? 'held' : 'BROKEN', text, held ? 'plain' : 'bad')
const took = `${milliseconds(cold.took)} from the database, ${milliseconds(warm.took)} from the file with it down`
print(
  `\nfigures: all tables in ${took}; ${warm.calls} calls meanwhile; ${reads.reads} reads, ${reads.errors} errors`,
  'strong',
)
process.exitCode = expectations.every(({ held }) => held) ? 0 : 1

function told({ took, calls, fromFile, error }: FirstRead): string {
  return `${milliseconds(took)}, ${calls} calls of the database, ${fromFile} values from the file${error ? `, ${error}` : ''}`
}

function start(...column: readonly string[]) {
  const program = fileURLToPath(new URL('./program.ts', import.meta.url))
  const child = fork(program, [String(source.port), path, ...column])
  const ended = once(child, 'exit')
  const says = <T>() =>
    Promise.race([
      once(child, 'message').then(([message]) => message as T),
      ended.then(([code]): T => {
        throw new Error(`a program ended with ${code}`)
      }),
    ])
  return { pid: child.pid, says, ended }
}

function allTables(): string {
  const invoices = Array.from({ length: months }, (_, month) => {
    const name = `invoices_${2021 + Math.floor(month / 12)}_${String((month % 12) + 1).padStart(2, '0')}`
    return `CREATE TABLE ${name} (id int, customer_id int, total numeric, issued_at timestamptz);`
  })
  return `CREATE TABLE customers (id int, email text); CREATE TABLE orders (id int, customer_id int); ${invoices.join(' ')}`
}
