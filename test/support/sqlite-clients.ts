/** The SQLite clients that the tests run with: libsql everywhere, node:sqlite where there is one, others by name. */
import { createRequire } from 'node:module'
import type { SqliteLike } from 'evercurrent/backend/sqlite'

export interface OpenDatabase extends SqliteLike {
  close(): unknown
}

export interface SqliteClient {
  /** what a worker process is told, to open the same */
  readonly name: string
  open(path: string): OpenDatabase
}

type Constructor = new (path: string) => OpenDatabase

const require = createRequire(import.meta.url)

/** `BETTER_SQLITE3` is the folder of an installed one: it compiles, so it is not among our own packages. */
const betterSqlite = () => process.env['BETTER_SQLITE3']

/** Not by `import`, which bundlers look into, and only some versions of Node have it. */
const builtin = () =>
  (process.getBuiltinModule?.('node:sqlite') as { readonly DatabaseSync: Constructor } | undefined)?.DatabaseSync

const constructors: Readonly<Record<string, () => Constructor | undefined>> = {
  libsql: () => require('libsql'),
  'node:sqlite': builtin,
  'better-sqlite3': () => {
    const folder = betterSqlite()
    return folder === undefined ? undefined : require(folder)
  },
}

/** Throws for one that is not here. */
export function sqliteClient(name: string): SqliteClient {
  const Database = constructors[name]?.()
  if (!Database) throw new Error(`there is no ${name} here (Node ${process.version})`)
  return { name, open: (path) => new Database(path) }
}

const isHere = (name: string) => constructors[name]?.() !== undefined

export const sqliteClients: readonly SqliteClient[] =
  betterSqlite() === undefined
    ? ['libsql', 'node:sqlite'].filter(isHere).map(sqliteClient)
    : [sqliteClient('better-sqlite3')]

/** Why a client is not among them, in a line for the title of a skipped test. */
export const missingClients: readonly string[] =
  betterSqlite() === undefined && !isHere('node:sqlite')
    ? [`node:sqlite, which Node ${process.version} does not have (22.13 and later do)`]
    : []
