/** One SQLite file and several processes: killed, racing for one key, making the file at once. Long: `npm run test:sqlite`. */
import { describe, expect, it } from 'vitest'
import { sqliteClients } from '../support/sqlite-clients.ts'
import { backendOf, newFile, opened } from '../support/sqlite-file.ts'
import { expectedAfter } from '../support/sqlite-ops.ts'
import { startWorker, together } from '../support/sqlite-process.ts'
import { textOf } from '../support/tier.ts'

const isLong = process.env['SQLITE_LONG'] !== undefined
const rounds = isLong ? 50 : 3
const increments = isLong ? 1000 : 40
const timeout = isLong ? 600_000 : 60_000
const tell = (line: string) => isLong && console.log(line)

describe.each(sqliteClients)('one file, several processes, $name', (client) => {
  it('a process killed while it writes loses nothing it was told is done, and tears no transaction', {
    timeout,
  }, async () => {
    let acknowledged = 0
    for (let round = 0; round < rounds; round++) {
      const path = newFile()
      const worker = startWorker(['writeUntilKilled', client.name, path])
      await worker.line()
      worker.go()
      const enough = 5 + ((round * 13) % 60)
      let last = -1
      while (last < enough) last = Number((await worker.line())['done'])
      worker.child.kill('SIGKILL')
      for (;;) {
        const line = await worker.line().catch(() => undefined)
        if (!line) break
        last = Number(line['done'])
      }
      const done = last + 1
      acknowledged += done
      const database = opened(client, path)
      const backend = backendOf(client, path)
      const keys = [...expectedAfter(done + 1).keys()]
      const found = (await backend.getMany?.(keys))?.map(textOf)
      const either = [done, done + 1].map((batches) => {
        const state = expectedAfter(batches)
        return keys.map((key) => state.get(key))
      })
      expect(either).toContainEqual(found)
      expect(database.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
      const entries = found?.filter((text) => text !== undefined) ?? []
      expect(await backend.size?.()).toEqual({ entries: entries.length, bytes: entries.join('').length })
      database.close()
    }
    tell(`${client.name}: killed ${rounds} times, ${acknowledged} acknowledged transactions, none lost, none torn`)
  })

  it('of four processes that count by comparing and setting, none loses a count to another', { timeout }, async () => {
    const path = newFile()
    const began = performance.now()
    const tallies = await together(4, ['increment', client.name, path, `${increments}`])
    const sum = (name: string) => tallies.reduce((total, tally) => total + Number(tally[name]), 0)
    expect(tallies.map((tally) => tally['accepted'])).toEqual([increments, increments, increments, increments])
    expect(textOf(await backendOf(client, path).get('counter'))).toBe(`${4 * increments}`)
    const longest = (what: 'turn' | 'call') =>
      Math.max(...tallies.map((tally) => (tally['longest'] as Record<string, number>)[what] ?? 0))
    tell(
      `${client.name}: four writers, ${sum('accepted')} accepted, ${sum('refused')} refused, ${sum('locked')} found it ` +
        `locked; longest block ${longest('turn')} ms, longest call for the lock or the disk ${longest('call')} ms, ` +
        `${((performance.now() - began) / 1000).toFixed(1)} s`,
    )
  })

  it('processes that make the file at the same moment make one store', { timeout }, async () => {
    for (let round = 0; round < (isLong ? 20 : 1); round++) {
      const made = await together(4, ['create', client.name, newFile()])
      const epochs = made.map(({ generation }) => `${generation}`.split('.')[0])
      expect(new Set(epochs).size).toBe(1)
      const changes = made.map(({ generation }) => Number(`${generation}`.split('.')[1]))
      expect(changes.sort()).toEqual([1, 2, 3, 4])
    }
  })
})
