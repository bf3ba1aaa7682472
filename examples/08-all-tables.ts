/** All tables of a database through one type: the first look is one query, later ones are none. */
import { CacheRegistry } from 'evercurrent'
import pg from 'pg'
import { openDatabase, query } from './postgres/database.ts'
import { Source } from './postgres/source.ts'

const source = new Source() // a real Postgres (PGlite) in a process of its own
await source.start()
const database = openDatabase(source.port, 10_000)
await database.query(`
  CREATE TABLE customers (id int, email text);
  CREATE TABLE orders (id int, customer_id int);
  CREATE TABLE line_items (order_id int, line int, amount numeric);
  CREATE TABLE returns (order_id int)`)

const columnsOf = (tables: readonly string[]) => `
  select table_name as "table", string_agg(column_name, ', ' order by ordinal_position) as columns
    from information_schema.columns where table_schema = 'public' and table_name in (${tables.map(pg.escapeLiteral)}) group by 1`

const schemas = new CacheRegistry({ maxEntries: 10_000 }).define({
  type: 'schema',
  ttl: '5m',
  fetchMany: async (tables: readonly string[], { signal }) => {
    console.log(`  query: what are the columns of ${tables.join(', ')}?`)
    const rows = await query<{ table: string; columns: string }>(database, signal, columnsOf(tables))
    return rows.map(({ table, columns }) => [table, columns] as const) // a table that is not there is left out
  },
})

const tables = ['customers', 'orders', 'line_items', 'returns']
const show = (found: ReadonlyMap<string, string>): void => {
  for (const table of tables) console.log(`${table}: ${found.get(table) ?? '(no such table)'}`)
}

try {
  console.log('the first look at all tables')
  show(await schemas.getMany(tables))

  console.log('a thousand more, and a thousand at one of them')
  for (let read = 0; read < 1000; read++) {
    await schemas.getMany(tables)
    await schemas.get('orders')
  }

  console.log('ALTER TABLE orders, and the cache is told: only that table is asked for')
  await database.query('ALTER TABLE orders ADD COLUMN shipped_at timestamptz')
  await schemas.invalidate('orders')
  show(await schemas.getMany(tables))

  console.log('DROP TABLE returns, the same way')
  await database.query('DROP TABLE returns')
  await schemas.invalidate('returns')
  show(await schemas.getMany(tables))
} finally {
  await database.end()
  await source.remove()
}
