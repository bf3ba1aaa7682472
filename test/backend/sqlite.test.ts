/** sqliteBackend: the contract of a tier with each client, and what is its own: the file, its records, its transactions. */
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { backendContract } from 'evercurrent/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { missingClients, sqliteClients } from '../support/sqlite-clients.ts'
import { backendOf, newFile, opened } from '../support/sqlite-file.ts'
import { storedAt, textOf } from '../support/tier.ts'

const day = 86_400_000

it.skip.each(missingClients)('not run with %s', () => {})

describe.each(sqliteClients)('sqliteBackend with $name', (client) => {
  describe('fulfils the contract of a tier:', () => {
    const cases = backendContract(() => backendOf(client, ':memory:'), {
      // Past every record: what was known of the key is deleted by the writes that follow.
      async lose(backend) {
        const now = Date.now()
        vi.useFakeTimers({ now: now + 2 * day, toFake: ['Date'] })
        for (let write = 0; write < 3; write++) await backend.set('filler', storedAt(now), {})
        vi.setSystemTime(now)
      },
    })
    it.each(cases)('$name', ({ run }) => run())
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const put = (backend: ReturnType<typeof backendOf>, key: string, text = key, keepFor?: number) =>
    backend.set(key, storedAt(Date.now(), text, keepFor), {})
  const putIf = (backend: ReturnType<typeof backendOf>, key: string, ifGeneration: string) =>
    backend.set(key, storedAt(Date.now(), 'late'), { ifGeneration })
  const rows = (database: ReturnType<typeof opened>): number => {
    const row = database.prepare('SELECT count(*) AS n FROM evercurrent_row').get() as { readonly n: number }
    return row.n
  }

  it('keeps values, tombstones and generations in the file, for the next process that opens it', async () => {
    const path = newFile()
    const first = backendOf(client, path)
    const miss = (await first.get('gone')).generation
    const generation = await put(first, 'k', 'kept')
    await first.delete('gone', {})
    await first.close?.()
    const second = backendOf(client, path)
    const lookup = await second.get('k')
    expect({ text: textOf(lookup), generation: lookup.generation }).toEqual({ text: 'kept', generation })
    expect(await putIf(second, 'gone', miss)).toBe(undefined)
  })

  it('gives another store other generations: one of a wiped file is refused', async () => {
    const path = newFile()
    const database = opened(client, path)
    const backend = sqliteBackend({ database })
    const before = await put(backend, 'k')
    const miss = (await backend.get('absent')).generation
    database.exec('DROP TABLE evercurrent; DROP TABLE evercurrent_row')
    await expect(put(backend, 'k')).rejects.toMatchObject({ code: 'BACKEND', reason: 'failed' })
    for (let change = 0; change < 3; change++) await put(backend, 'other')
    expect(await putIf(backend, 'k', before ?? '')).toBe(undefined)
    expect(await putIf(backend, 'absent', miss)).toBe(undefined)
    expect(await put(backend, 'k')).toEqual(expect.any(String))
  })

  it('refuses a generation that is still to come: the file is an older copy of itself', async () => {
    const backend = backendOf(client)
    const [epoch, change] = (await put(backend, 'k'))?.split('.') ?? []
    expect(await putIf(backend, 'k', `${epoch}.${Number(change) + 1}`)).toBe(undefined)
    expect(await putIf(backend, 'absent', `${epoch}.${Number(change) + 1}`)).toBe(undefined)
  })

  it('accepts what was looked up after records were deleted, also when nothing else has happened', async () => {
    const start = Date.now()
    vi.useFakeTimers({ now: start, toFake: ['Date'] })
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await put(backend, 'k')
    vi.setSystemTime(start + day)
    expect(await putIf(backend, 'k', 'unknown')).toBe(undefined)
    expect(rows(database)).toBe(0)
    expect(await putIf(backend, 'k', (await backend.get('k')).generation)).toEqual(expect.any(String))
  })

  it('sets WAL and a busy timeout of 50 ms, and writes its rows into tables without rowid', async () => {
    const database = opened(client)
    await put(sqliteBackend({ database }), 'k')
    expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
    expect(database.prepare('PRAGMA busy_timeout').get()).toMatchObject({ timeout: 50 })
    expect(database.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 1 })
    expect(() => database.prepare('SELECT rowid FROM evercurrent_row').get()).toThrow('no such column')
  })

  it('adds no row for a miss', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    for (let key = 0; key < 50; key++) await backend.get(`absent ${key}`)
    await backend.getMany?.(['a', 'b'])
    expect(rows(database)).toBe(0)
  })

  it('defeats by one row late writes of every key under a dropped prefix, known and unknown', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await Promise.all(Array.from({ length: 500 }, (_, at) => put(backend, `db/${at}`)))
    const [known = '', unknown, other] = await Promise.all(
      ['db/1', 'db/new', 'dc'].map(async (key) => (await backend.get(key)).generation),
    )
    expect(await backend.deletePrefix('db/')).toBe(500)
    expect(rows(database)).toBe(1)
    expect(await putIf(backend, 'db/1', known)).toBe(undefined)
    expect(await putIf(backend, 'db/new', unknown ?? '')).toBe(undefined)
    expect(await putIf(backend, 'dc', other ?? '')).toEqual(expect.any(String))
  })

  it('takes the last of several dropped prefixes over a key, of any length', async () => {
    const backend = backendOf(client)
    for (const prefix of ['a/b/', '', 'a/', 'a/b/c']) {
      const { generation } = await backend.get('a/b/c')
      await backend.deletePrefix(prefix)
      expect([prefix, await putIf(backend, 'a/b/c', generation)]).toEqual([prefix, undefined])
    }
    expect(await putIf(backend, 'a/b/c', (await backend.get('a/b/c')).generation)).toEqual(expect.any(String))
    const { generation } = await backend.get('')
    await backend.deletePrefix('')
    expect(await putIf(backend, '', generation)).toBe(undefined)
  })

  it('keeps a tombstone and a dropped prefix for 24 hours, then deletes them and refuses what is older', async () => {
    const start = Date.now()
    vi.useFakeTimers({ now: start, toFake: ['Date'] })
    const database = opened(client)
    const backend = sqliteBackend({ database })
    const [deleted, dropped, untouched] = await Promise.all(
      ['deleted', 'db/dropped', 'untouched'].map(async (key) => (await backend.get(key)).generation),
    )
    await backend.delete('deleted', {})
    await backend.deletePrefix('db/')
    vi.setSystemTime(start + day - 1)
    await put(backend, 'filler')
    expect(rows(database)).toBe(3)
    expect(await putIf(backend, 'deleted', deleted ?? '')).toBe(undefined)
    expect(await putIf(backend, 'db/dropped', dropped ?? '')).toBe(undefined)
    vi.setSystemTime(start + day)
    await put(backend, 'filler')
    expect(rows(database)).toBe(1)
    for (const [key, miss = ''] of Object.entries({ deleted, 'db/dropped': dropped, untouched })) {
      expect([key, await putIf(backend, key, miss)]).toEqual([key, undefined])
      expect([key, await putIf(backend, key, (await backend.get(key)).generation)]).toEqual([key, expect.any(String)])
    }
  })

  it('deletes what is past keepUntil a little with each write, 10 minutes after it was written at the earliest', async () => {
    const start = Date.now()
    vi.useFakeTimers({ now: start, toFake: ['Date'] })
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await Promise.all(Array.from({ length: 450 }, (_, at) => put(backend, `short ${at}`, 'x', 1000)))
    await put(backend, 'long', 'x', 3_600_000)
    const slow = (await backend.get('slow')).generation
    vi.setSystemTime(start + 599_999)
    await put(backend, 'filler')
    expect((await backend.get('short 1')).stored?.keepUntil).toBe(start + 1000)
    expect(rows(database)).toBe(452)
    vi.setSystemTime(start + 600_000)
    const left: number[] = []
    for (let write = 0; write < 3; write++) {
      await put(backend, 'filler')
      left.push(rows(database))
    }
    expect(left).toEqual([252, 52, 2])
    expect(await backend.size?.()).toEqual({ entries: 2, bytes: 'x'.length + 'filler'.length })
    // It was looked up after those were written: their records do not concern it.
    expect(await putIf(backend, 'slow', slow)).toEqual(expect.any(String))
  })

  it('writes what one turn asks for in one transaction, of at most 100 writes and no more beyond a megabyte', async () => {
    const database = opened(client)
    const backend = sqliteBackend({ database })
    await backend.get('k')
    const exec = vi.spyOn(database, 'exec')
    const commits = () => exec.mock.calls.filter(([sql]) => sql === 'COMMIT').length
    await Promise.all(Array.from({ length: 250 }, (_, at) => put(backend, `k${at}`)))
    expect(commits()).toBe(3)
    exec.mockClear()
    await Promise.all(Array.from({ length: 4 }, (_, at) => put(backend, `k${at}`, 'x'.repeat(600_000))))
    expect(commits()).toBe(2)
  })

  it('fails only the write that cannot be done, and does the others of its turn', async () => {
    const backend = backendOf(client)
    const bytes = { length: 1 } as Uint8Array
    const results = await Promise.allSettled([
      put(backend, 'a'),
      backend.set('b', { ...storedAt(Date.now()), bytes }, {}),
      put(backend, 'c'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const texts = (await backend.getMany?.(['a', 'b', 'c']))?.map(textOf)
    expect(texts).toEqual(['a', undefined, 'c'])
  })
})
