/** What each of the programs has: the descriptions of all tables, in its memory and in a SQLite file they share. */

import { CacheRegistry } from 'evercurrent'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { jsonCodec } from 'evercurrent/codec'
import Database from 'libsql'
import pg from 'pg'
import { openDatabase, query } from '../postgres/database.ts'

/** By table, its columns. */
export type Tables = ReadonlyMap<string, string>

const namesOf = "select table_name as name from information_schema.tables where table_schema = 'public' order by 1"
const columnsOf = (tables: readonly string[]) => `
  select table_name as "table", string_agg(column_name, ', ' order by ordinal_position) as columns
    from information_schema.columns
   where table_schema = 'public' and table_name in (${tables.map(pg.escapeLiteral)}) group by 1`

/** Short, so that a refresh can be watched; long enough for a slow machine to start the second program meanwhile. */
const policy = {
  ttl: '24s',
  refreshWindow: '12s',
  staleIfError: '7d',
  backoff: { base: 200, max: 1_000 },
} as const

export function openSchemas(port: number, path: string) {
  let calls = 0
  const source = openDatabase(port, 2_000)
  const ask = <Row extends pg.QueryResultRow>(signal: AbortSignal, text: string) => {
    calls += 1
    return query<Row>(source, signal, text)
  }
  const file = new Database(path)
  const registry = new CacheRegistry({ backend: sqliteBackend({ database: file }) })
  const names = registry.define({
    ...policy,
    type: 'table-names',
    codec: jsonCodec<string[]>(),
    fetch: async (_schema: string, { signal }) =>
      (await ask<{ name: string }>(signal, namesOf)).map(({ name }) => name),
  })
  const tables = registry.define({
    ...policy,
    type: 'table',
    codec: jsonCodec<string>(),
    fetchMany: async (wanted: readonly string[], { signal }) => {
      const rows = await ask<{ table: string; columns: string }>(signal, columnsOf(wanted))
      return rows.map(({ table, columns }) => [table, columns] as const)
    },
  })
  return {
    registry,
    /** questions to the database, by this program */
    calls: () => calls,
    readAll: async (): Promise<Tables> => tables.getMany(await names.get('public')),
    async close() {
      await registry.dispose() // waits until what was fetched is in the file
      file.close()
      await source.end()
    },
  }
}
