/** The clients of SQLite fit as they are; what is no database does not. */
/// <reference path="../../node_modules/types-of-node-22/sqlite.d.ts" />

import type { DatabaseSync } from 'node:sqlite'
import type BetterSqlite3 from 'better-sqlite3'
import { type SqliteLike, sqliteBackend } from 'evercurrent/backend/sqlite'
import type Libsql from 'libsql'

declare const libsql: Libsql.Database
declare const betterSqlite3: BetterSqlite3.Database
declare const builtin: DatabaseSync

const fitting: readonly SqliteLike[] = [libsql, betterSqlite3, builtin]
export const backends = fitting.map((database) => sqliteBackend({ database }))

// @ts-expect-error a path is not a database: the client is given, never made
sqliteBackend({ database: 'cache.db' })
// @ts-expect-error an unknown option
sqliteBackend({ database: libsql, ttl: '30s' })
