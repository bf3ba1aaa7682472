/** sqliteBackend when something is wrong: the disk, the file, the lock, the options. Nothing hangs, and nothing is half done. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { BackendError } from 'evercurrent'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { describe, expect, it } from 'vitest'
import { sqliteClients } from '../support/sqlite-clients.ts'
import { backendOf, newFile, opened } from '../support/sqlite-file.ts'
import { alone } from '../support/sqlite-process.ts'
import { storedAt, textOf } from '../support/tier.ts'

const now = Date.now()
const isRoot = process.getuid?.() === 0
const timeout = 60_000

/** A file system of one megabyte, unless mounting is not allowed. */
const withSmallDisk = async (use: (path: string) => Promise<void>): Promise<boolean> => {
  const folder = `${dirname(newFile())}/disk`
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  try {
    await use(`${folder}/cache.db`)
  } finally {
    execFileSync('umount', ['-l', folder])
  }
  return true
}

describe.each(sqliteClients)('sqliteBackend with $name', (client) => {
  it('rejects as full when there is no room, goes on reading, and writes again once there is', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await backend.set('kept', storedAt(now, 'kept'), {})
    const { page_count } = database.prepare('PRAGMA page_count').get() as { readonly page_count: number }
    database.prepare(`PRAGMA max_page_count = ${page_count}`).get()
    const large = storedAt(now, 'x'.repeat(100_000))
    const error = await Promise.resolve(backend.set('large', large, {})).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(BackendError)
    expect(error).toMatchObject({ operation: 'set', reason: 'full', cause: expect.any(Error) })
    expect(error.message).toBe('Cannot set in SQLite: database or disk is full')
    expect(textOf(await backend.get('kept'))).toBe('kept')
    expect((await backend.get('large')).stored).toBe(undefined)
    database.prepare('PRAGMA max_page_count = 100000').get()
    expect(await backend.set('large', large, {})).toEqual(expect.any(String))
  })

  it('does what fits when another write of the same turn does not', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await backend.set('k', storedAt(now), {})
    const { page_count } = database.prepare('PRAGMA page_count').get() as { readonly page_count: number }
    database.prepare(`PRAGMA max_page_count = ${page_count}`).get()
    const results = await Promise.allSettled([
      backend.set('large', storedAt(now, 'x'.repeat(100_000)), {}),
      backend.delete('k', {}),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect((await backend.get('k')).stored).toBe(undefined)
  })

  it('a file that may not grow: every acknowledged value stays readable, and the process lives', {
    timeout,
  }, async () => {
    const path = newFile()
    const result = await alone(['fill', client.name, path], 600)
    expect(result).toMatchObject({ reason: expect.stringMatching(/^(full|failed)$/), readable: result['written'] })
    expect(result['written']).toBeGreaterThan(10)
    expect(opened(client, path).prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
  })

  it('a full disk: every acknowledged value stays readable, and the process lives', { timeout }, async (context) => {
    const isMounted = await withSmallDisk(async (path) => {
      const result = await alone(['fill', client.name, path])
      expect(result).toMatchObject({ reason: 'full', readable: result['written'] })
      expect(result['written']).toBeGreaterThan(10)
      const database = client.open(path)
      expect(database.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
      database.close()
    })
    if (!isMounted) context.skip('mounting is not allowed here')
  })

  it('reads a file that it may not write', { timeout }, async () => {
    const path = newFile()
    const owner = backendOf(client, path)
    await owner.set('k', storedAt(Date.now(), 'kept'), {})
    for (const file of [path, `${path}-wal`, `${path}-shm`]) chmodSync(file, 0o444)
    chmodSync(dirname(path), 0o555)
    const nobody = isRoot ? ['', '65534'] : []
    const result = await alone(['readAndWrite', client.name, path, ...nobody])
    chmodSync(dirname(path), 0o755)
    const error = { reason: 'failed', message: expect.stringContaining('readonly') }
    expect(result).toMatchObject({ text: 'kept', error, after: 'kept' })
  })

  it('rejects as unreachable after at most 50 ms of waiting for a lock, once for all writes of a turn', async () => {
    const path = newFile()
    const backend = backendOf(client, path)
    await backend.set('k', storedAt(now, 'before'), {})
    const other = opened(client, path)
    other.exec('BEGIN IMMEDIATE')
    const began = performance.now()
    const results = await Promise.allSettled([
      backend.set('k', storedAt(now, 'after'), {}),
      backend.delete('k', {}),
      backend.deletePrefix(''),
    ])
    const took = performance.now() - began
    expect(results.map((result) => result.status === 'rejected' && result.reason)).toMatchObject(
      ['set', 'delete', 'deletePrefix'].map((operation) => ({ operation, reason: 'unreachable' })),
    )
    expect(textOf(await backend.get('k'))).toBe('before')
    other.exec('ROLLBACK')
    expect(took).toBeLessThan(500)
    expect(await backend.set('k', storedAt(now, 'after'), {})).toEqual(expect.any(String))
  })

  it('says so when the file is no database, and leaves it as it is', async () => {
    const path = newFile()
    writeFileSync(path, 'the notes of somebody, which are longer than a header of SQLite is: '.repeat(40))
    const backend = sqliteBackend({ database: opened(client, path) })
    await expect(backend.get('k')).rejects.toMatchObject({
      message: 'Cannot get in SQLite: file is not a database',
      reason: 'failed',
    })
    await expect(backend.set('k', storedAt(now), {})).rejects.toMatchObject({ operation: 'set', reason: 'failed' })
  })

  it.each([
    ['another version', 'CREATE TABLE evercurrent (version); INSERT INTO evercurrent VALUES (2)', 'version 2, not 1'],
    [
      'somebody else',
      'CREATE TABLE evercurrent (name); INSERT INTO evercurrent VALUES (1)',
      'version undefined, not 1',
    ],
    ['nobody, empty', 'CREATE TABLE evercurrent (version)', 'version undefined, not 1'],
  ])('says so when the table is of %s, and leaves it as it is', async (_who, sql, says) => {
    const database = opened(client)
    database.exec(sql)
    const before = database.prepare('SELECT sql FROM sqlite_master').all()
    const backend = sqliteBackend({ database })
    await expect(backend.get('k')).rejects.toThrow(`Cannot get in SQLite: table evercurrent has ${says}`)
    await expect(backend.set('k', storedAt(now), {})).rejects.toMatchObject({ reason: 'failed' })
    expect(database.prepare('SELECT sql FROM sqlite_master').all()).toMatchObject(before as object)
  })

  it('works as soon as what was wrong is mended', async () => {
    const database = opened(client)
    database.exec('CREATE TABLE evercurrent (version)')
    const backend = sqliteBackend({ database })
    await expect(backend.get('k')).rejects.toThrow(BackendError)
    database.exec('DROP TABLE evercurrent')
    expect((await backend.get('k')).stored).toBe(undefined)
  })

  it('close() does what was asked before it, leaves the database open, and ends the rest', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    const writes = Array.from({ length: 250 }, (_, at) => backend.set(`k${at}`, storedAt(now), {}))
    await backend.close?.()
    expect((await Promise.all(writes)).every((generation) => typeof generation === 'string')).toBe(true)
    await expect(backend.get('k1')).rejects.toThrow('Cannot get in SQLite: it is closed')
    await expect(backend.set('k1', storedAt(now), {})).rejects.toBeInstanceOf(BackendError)
    expect(textOf(await sqliteBackend({ database }).get('k249'))).toBe('a')
  })

  it('rejects with BackendError when the owner closed the database', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await backend.get('k')
    database.close()
    // libsql goes on reading with statements it has prepared, until something fails.
    await expect(backend.set('k', storedAt(now), {})).rejects.toMatchObject({ code: 'BACKEND', reason: 'failed' })
    await expect(backend.get('k')).rejects.toMatchObject({ code: 'BACKEND', reason: 'failed' })
  })

  it('does nothing for a signal that has fired, and rejects with its reason', async () => {
    const backend = backendOf(client)
    const signal = AbortSignal.abort('enough')
    const calls = [
      backend.get('k', signal),
      backend.getMany?.(['k'], signal),
      backend.set('k', storedAt(now), { signal }),
      backend.delete('k', { signal }),
      backend.deletePrefix('', signal),
    ]
    const results = await Promise.allSettled(calls)
    expect(results).toEqual(calls.map(() => ({ status: 'rejected', reason: 'enough' })))
    expect(await backend.size?.()).toEqual({ entries: 0, bytes: 0 })
  })
})

it.each([
  [undefined, 'database'],
  [{}, 'database'],
  [{ database: 'cache.db' }, 'database'],
  [{ database: { exec() {} } }, 'database'],
  [{ database: { exec() {}, prepare() {} }, ttl: 5 }, 'ttl'],
])('sqliteBackend(%o) throws a TypeError that names %s', (options, name) => {
  const make = () => sqliteBackend(options as never)
  expect(make).toThrow(TypeError)
  expect(make).toThrow(`Cannot use ${name}: `)
})
