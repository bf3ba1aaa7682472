/** SQLite files for tests: each in a folder of its own that is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { afterEach } from 'vitest'
import type { OpenDatabase, SqliteClient } from './sqlite-clients.ts'

const folders: string[] = []
const databases: OpenDatabase[] = []

/** The path of a file that does not exist yet. */
export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evercurrent-sqlite-'))
  folders.push(folder)
  return join(folder, 'cache.db')
}

/** A connection that is closed after the test. */
export function opened(client: SqliteClient, path = newFile()): OpenDatabase {
  const database = client.open(path)
  databases.push(database)
  return database
}

export const backendOf = (client: SqliteClient, path?: string) => sqliteBackend({ database: opened(client, path) })

function removeFiles(): void {
  for (const database of databases.splice(0)) {
    try {
      database.close()
    } catch {
      // The test closed it.
    }
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

afterEach(removeFiles)
