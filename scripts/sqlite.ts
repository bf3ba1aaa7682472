/**
 * Runs the tests of the SQLite tier at length, and prints what they measured and how fast the tier is.
 * `--better-sqlite3`: at ordinary length, with that client, installed into a temporary folder, because it compiles.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { type SqliteClient, sqliteClient } from '../test/support/sqlite-clients.ts'
import { storedAt, textOf } from '../test/support/tier.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const better = 'better-sqlite3@12.11.1'

/** Operations a second, of 200 bytes each. */
async function speed(client: SqliteClient, path: string): Promise<string> {
  const count = 20_000
  const database = client.open(path)
  const backend = sqliteBackend({ database })
  const keys = Array.from({ length: count }, (_, at) => `speed/${at}`)
  const value = storedAt(Date.now(), 'x'.repeat(200))
  const perSecond = async (work: () => Promise<unknown>, times = count) => {
    const began = performance.now()
    await work()
    return Math.round((times * 1000) / (performance.now() - began)).toLocaleString('en')
  }
  const batched = await perSecond(() => Promise.all(keys.map((key) => backend.set(key, value, {}))))
  const single = await perSecond(async () => {
    for (const key of keys.slice(0, 2000)) await backend.set(key, value, {})
  }, 2000)
  const get = await perSecond(async () => {
    for (const key of keys) {
      if (textOf(await backend.get(key)) === undefined) throw new Error(`${key} was written and is not there`)
    }
  })
  const many = await perSecond(async () => {
    for (let at = 0; at < count; at += 1000) await backend.getMany?.(keys.slice(at, at + 1000))
  })
  const began = performance.now()
  const dropped = await backend.deletePrefix('speed/')
  if (dropped !== count) throw new Error(`${dropped} of ${count} were dropped`)
  const drop = (performance.now() - began).toFixed(0)
  database.close()
  return `${client.name}: ${get} get/s, ${many} keys/s by getMany(), ${single} set/s one by one, ${batched} set/s in batches; deletePrefix() of ${count} keys takes ${drop} ms`
}

const { values } = parseArgs({ options: { 'better-sqlite3': { type: 'boolean' } } })
const folder = mkdtempSync(join(tmpdir(), 'evercurrent-sqlite-'))
try {
  if (values['better-sqlite3']) {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    execFileSync('npm', ['install', '--no-save', '--loglevel=error', better], { cwd: folder, stdio: 'inherit' })
    process.env['BETTER_SQLITE3'] = join(folder, 'node_modules/better-sqlite3')
  } else process.env['SQLITE_LONG'] = '1'
  const runner = ['--import', 'tsx', 'scripts/test.ts', 'test/backend/sqlite']
  const { status } = spawnSync(process.execPath, runner, { cwd: root, stdio: 'inherit' })
  const names = values['better-sqlite3'] ? ['better-sqlite3'] : ['libsql', 'node:sqlite']
  for (const [at, name] of names.entries()) {
    const isHere = name !== 'node:sqlite' || process.getBuiltinModule?.('node:sqlite') !== undefined
    console.log(
      isHere ? await speed(sqliteClient(name), join(folder, `${at}.db`)) : `${name}: Node ${process.version} has none`,
    )
  }
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
