/** The client's side of Postgres: queries that end when their signal does. */

import pg from 'pg'

export type Database = pg.Pool

export function openDatabase(port: number, connectTimeout: number): Database {
  const database = new pg.Pool({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    ssl: false,
    max: 1,
    connectionTimeoutMillis: connectTimeout,
  })
  // A connection lost while idle is replaced on the next query; one lost during a query fails that query.
  database.on('error', () => {})
  database.on('connect', (client) => client.on('error', () => {}))
  return database
}

/**
 * A query whose signal fires gives its connection up: nobody knows whether the server still listens. It has no
 * parameters, so that it is one message: behind PGlite's socket all connections share one session, which takes turns
 * after every message, and a statement in several of them would meet another's.
 */
export async function query<Row extends pg.QueryResultRow>(
  database: Database,
  signal: AbortSignal,
  text: string,
): Promise<Row[]> {
  const client = await database.connect()
  let released = false
  const release = (destroy: boolean) => {
    if (!released) client.release(destroy)
    released = true
  }
  const giveUp = () => release(true)
  signal.addEventListener('abort', giveUp)
  try {
    signal.throwIfAborted()
    return (await client.query<Row>(text)).rows
  } finally {
    signal.removeEventListener('abort', giveUp)
    release(false)
  }
}
