/** What a SQLite file holds, and what one transaction does to it. It does not know who asks, nor when. */

import type { Lookup, Stored } from './backend.ts'

/** What is used of `libsql`, `better-sqlite3` or `node:sqlite`: their databases fit as they are. */
export interface SqliteLike {
  exec(sql: string): unknown
  prepare(sql: string): {
    run(...values: never[]): unknown
    get(...values: never[]): unknown
    all(...values: never[]): unknown[]
  }
}

/** The same, as it is used here. Never with one blob as its only value: libsql would end the process. */
interface Client {
  exec(sql: string): unknown
  prepare<R = Row>(
    sql: string,
  ): {
    run(...values: unknown[]): unknown
    get(...values: unknown[]): R | undefined
    all(...values: unknown[]): readonly R[]
  }
}

/** What a transaction may do. Nothing here checks that there is one. */
export type Store = ReturnType<typeof openStore>

/** What a look-up gives. */
interface Row {
  readonly epoch: string
  /** of the last change */
  readonly now: number
  /** one above the last change whose record is gone */
  readonly floor: number
  /** null: there is no row of this key */
  readonly seq: number | null
  readonly bytes: Uint8Array | null
  readonly expiresAt: number
  readonly keepUntil: number
  /** null in a tombstone and in a barrier */
  readonly fetchedAt: number | null
}

const version = 1
const day = 86_400_000
/** For so long at least a value stays on record, or short-lived ones would defeat every fetch that is slower. */
const leastRecord = 600_000
/** Rows past their time that one transaction deletes: more than it may write. */
const mostPurged = 200

/**
 * Every change takes the next `seq` of the store, and a generation says "as of this seq": it holds for a key that no
 * later change has touched. So a miss needs no row, and a row that goes away need only raise the `floor`: what was looked
 * up until that row was written is refused from then on, if no row tells more of its key.
 *
 * `span` is -1 for a key, with a value or as a tombstone; else it is the length of a dropped prefix, a barrier: a key
 * under it without a row was touched by it last. Keys are blobs, so they are compared byte by byte, and numbers are REAL,
 * which no client turns into a BigInt.
 */
const schema = `CREATE TABLE evercurrent (version REAL, epoch TEXT, seq REAL, floor REAL, entries REAL, bytes REAL);
INSERT INTO evercurrent VALUES (${version}, lower(hex(randomblob(8))), 0, 0, 0, 0);
CREATE TABLE evercurrent_row (span REAL, key BLOB, seq REAL, until REAL, bytes BLOB, fetchedAt REAL, expiresAt REAL,
keepUntil REAL, PRIMARY KEY (span, key)) WITHOUT ROWID;
CREATE INDEX evercurrent_u ON evercurrent_row (until);
CREATE TRIGGER evercurrent_i AFTER INSERT ON evercurrent_row BEGIN UPDATE evercurrent SET seq = new.seq,
entries = entries + (new.fetchedAt NOT NULL), bytes = bytes + ifnull(length(new.bytes), 0); END;
CREATE TRIGGER evercurrent_d AFTER DELETE ON evercurrent_row BEGIN UPDATE evercurrent SET
entries = entries - (old.fetchedAt NOT NULL), bytes = bytes - ifnull(length(old.bytes), 0); END`

/** The last barrier over a key: one step for each length that a barrier has. */
const lastBarrier = `WITH RECURSIVE k(key) AS (SELECT CAST(? AS BLOB)), n(n) AS (
SELECT min(span) FROM evercurrent_row WHERE span >= 0
UNION ALL SELECT (SELECT min(span) FROM evercurrent_row WHERE span > n) FROM n WHERE n >= 0)
SELECT max(seq) AS seq FROM k CROSS JOIN n CROSS JOIN evercurrent_row r
ON span = n AND r.key = ifnull(substr(k.key, 1, n), x'')`

/** Opens the store of this file, or makes it. Throws what the client throws, and when the tables are not ours. */
export function openStore(given: SqliteLike) {
  const database = given as Client
  const transaction = <T>(kind: string, work: () => T): T => {
    database.exec(`BEGIN ${kind}`)
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      try {
        database.exec('ROLLBACK')
      } catch {
        // SQLite has done it already, as it may when the disk is full.
      }
      throw error
    }
  }

  // A row that is replaced leaves by the trigger, too, with recursive triggers only.
  database.exec('PRAGMA busy_timeout = 50; PRAGMA synchronous = NORMAL; PRAGMA recursive_triggers = ON')
  try {
    database.prepare('PRAGMA journal_mode = WAL').get()
  } catch {
    // It can only be read, or somebody is writing to it: it works as it is.
  }
  const made = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'evercurrent'")
  if (!made.get()) transaction('IMMEDIATE', () => made.get() ?? database.exec(schema))
  const state = database.prepare<{ version?: number; entries: number; bytes: number }>('SELECT * FROM evercurrent')
  const found = state.get()?.version
  if (found !== version) throw new Error(`table evercurrent has version ${found}, not ${version}`)

  const find = database.prepare(`SELECT epoch, s.seq AS now, floor, r.seq, r.bytes, fetchedAt, expiresAt, keepUntil
FROM evercurrent s LEFT JOIN evercurrent_row r ON span = -1 AND key = CAST(? AS BLOB)`)
  const barrier = database.prepare(lastBarrier)
  const put = database.prepare('REPLACE INTO evercurrent_row VALUES (?, CAST(? AS BLOB), ?, ?, ?, ?, ?, ?)')
  const drop = database.prepare('DELETE FROM evercurrent_row WHERE span = -1 AND key >= CAST(? AS BLOB) AND key < ?')
  const purge = database.prepare(`DELETE FROM evercurrent_row WHERE (span, key) IN (SELECT span, key
FROM evercurrent_row WHERE until <= ? ORDER BY until LIMIT ${mostPurged}) RETURNING seq`)
  const raise = database.prepare('UPDATE evercurrent SET floor = max(floor, ?), seq = seq + 1')
  const size = () => {
    const { entries, bytes } = state.get() as { readonly entries: number; readonly bytes: number }
    return { entries, bytes }
  }

  const lookup = (key: string) => {
    const row = find.get(key) as Row
    const isValue = row.fetchedAt !== null
    return { ...row, isValue, generation: `${row.epoch}.${row.seq ?? row.now}` }
  }

  return {
    get(key: string): Lookup {
      const { generation, isValue, fetchedAt, expiresAt, keepUntil, ...row } = lookup(key)
      const bytes = new Uint8Array(row.bytes ?? [])
      const stored = { bytes, generation, fetchedAt: fetchedAt as number, expiresAt, keepUntil }
      return { generation, stored: isValue ? stored : undefined }
    },
    /** Without `stored` it leaves a tombstone. Refused: `isDone` is false, and the generation is the one in force. */
    change(key: string, stored: Omit<Stored, 'generation'> | undefined, ifGeneration: string | undefined) {
      const { epoch, seq, now, floor, isValue, generation } = lookup(key)
      if (ifGeneration !== undefined) {
        const asOf = Number(ifGeneration.slice(epoch.length + 1))
        const touched = seq ?? Math.max(floor, (barrier.get(key) as Row).seq as number)
        const holds = ifGeneration === `${epoch}.${asOf}` && touched <= asOf && asOf <= now
        if (!holds) return { isDone: false, generation, existed: false }
      }
      const { bytes = null, fetchedAt = null, expiresAt = null, keepUntil = 0 } = stored ?? {}
      const until = Math.max(keepUntil, Date.now() + (stored ? leastRecord : day))
      put.run(-1, key, now + 1, until, bytes, fetchedAt, expiresAt, keepUntil)
      return { isDone: true, generation: `${epoch}.${now + 1}`, existed: isValue }
    },
    deletePrefix(prefix: string): number {
      const start = new TextEncoder().encode(prefix)
      const before = size().entries
      // As text: some versions of node:sqlite take an empty blob for NULL.
      drop.run(prefix, Uint8Array.of(...start, 255))
      put.run(start.length, prefix, lookup('').now + 1, Date.now() + day, null, null, null, null)
      return before - size().entries
    },
    size,
    /** Runs it for reading, in one snapshot. */
    read: <T>(work: () => T) => transaction('', work),
    /** Runs it with the only lock for writing, and clears away a little of what is past its time. */
    write: <T>(work: () => T) =>
      transaction('IMMEDIATE', () => {
        const result = work()
        const rows = purge.all(Date.now())
        if (rows.length > 0) raise.run(Math.max(...rows.map(({ seq }) => seq as number)) + 1)
        return result
      }),
  }
}
