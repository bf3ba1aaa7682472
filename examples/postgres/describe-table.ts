/** The fetch: what a table looks like now, read from information_schema. */

import pg from 'pg'
import { type Database, query } from './database.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly default: string | null
  /** 'PRIMARY KEY', 'FOREIGN KEY', 'UNIQUE' */
  readonly keys: readonly string[]
}

export interface TableDescription {
  readonly table: string
  readonly columns: readonly Column[]
}

const columnsOf = (table: string) => `
  select c.column_name as name, c.data_type as type, c.is_nullable = 'YES' as nullable, c.column_default as "default",
         array(
           select t.constraint_type::text
             from information_schema.key_column_usage k
             join information_schema.table_constraints t using (constraint_schema, constraint_name)
            where (k.table_schema, k.table_name, k.column_name) = (c.table_schema, c.table_name, c.column_name)
            order by 1
         ) as keys
    from information_schema.columns c
   where c.table_schema = 'public' and c.table_name = ${pg.escapeLiteral(table)}
   order by c.ordinal_position`

export async function describeTable(database: Database, table: string, signal: AbortSignal): Promise<TableDescription> {
  const columns = await query<Column>(database, signal, columnsOf(table))
  if (columns.length === 0) throw new Error(`there is no table ${table}`)
  return { table, columns }
}
