/** A process that uses one SQLite file beside others: told by arguments what to do, it prints lines of JSON. */
import { writeSync } from 'node:fs'
import { BackendError, type CacheBackend } from 'evercurrent'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { sqliteClient } from './sqlite-clients.ts'
import { batchOf, textFor } from './sqlite-ops.ts'
import { storedAt, textOf } from './tier.ts'

const [task = '', client = '', path = '', argument = '', user] = process.argv.slice(2)
const { open } = sqliteClient(client)
// What it is made of is loaded before it may not read that any more.
open(':memory:').close()
if (user !== undefined) process.setuid?.(Number(user))
const database = open(path)
const backend = sqliteBackend({ database })
const print = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`)
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
/** Not before the others are ready. */
const go = () => new Promise<void>((resolve) => process.stdin.once('data', () => resolve()))

const describe = (error: unknown) =>
  error instanceof BackendError ? { reason: error.reason, message: error.message } : { reason: `${error}` }

/** The longest time in which this process did nothing else, and the longest that one call of the client took. */
function watchBlocks() {
  const longest = { turn: 0, call: 0 }
  let last = performance.now()
  const watch = setInterval(() => {
    longest.turn = Math.max(longest.turn, performance.now() - last - 1)
    last = performance.now()
  }, 1)
  const exec = database.exec.bind(database)
  database.exec = (sql) => {
    const began = performance.now()
    try {
      return exec(sql)
    } finally {
      longest.call = Math.max(longest.call, performance.now() - began)
    }
  }
  return () => {
    clearInterval(watch)
    return { turn: Math.round(longest.turn), call: Math.round(longest.call) }
  }
}

async function writeUntilKilled(): Promise<never> {
  for (let batch = 0; ; batch++) {
    const results = batchOf(batch).map(({ key, value }) =>
      value === undefined ? backend.delete(key, {}) : backend.set(key, storedAt(Date.now(), textFor(key, value)), {}),
    )
    await Promise.all(results)
    print({ done: batch })
  }
}

/** Adds one to the counter so many times, each time by comparing and setting. */
async function increment(counter: CacheBackend, times: number) {
  const tally = { accepted: 0, refused: 0, locked: 0 }
  while (tally.accepted < times) {
    try {
      const lookup = await counter.get('counter')
      const next = `${Number(textOf(lookup) ?? 0) + 1}`
      const done = await counter.set('counter', storedAt(Date.now(), next), { ifGeneration: lookup.generation })
      if (done === undefined) tally.refused++
      else tally.accepted++
      await counter.set(`other ${tally.accepted % 50} of ${process.pid}`, storedAt(Date.now(), 'x'.repeat(2000)), {})
    } catch (error) {
      if (!(error instanceof BackendError) || error.reason !== 'unreachable') throw error
      tally.locked++
    }
    await nextTurn()
  }
  return tally
}

/** Writes a kilobyte at a time until a write fails, then reads what was written. */
async function fill() {
  for (let written = 0; written < 100_000; written++) {
    try {
      await backend.set(`k${written}`, storedAt(Date.now(), textFor(`k${written}`, written)), {})
    } catch (error) {
      const texts = (await backend.getMany?.(Array.from({ length: written }, (_, at) => `k${at}`)))?.map(textOf)
      const readable = texts?.filter((text, at) => text === textFor(`k${at}`, at)).length
      return { ...describe(error), written, readable }
    }
  }
  return { reason: 'it never failed' }
}

async function readAndWrite() {
  const text = textOf(await backend.get('k'))
  const error = await Promise.resolve(backend.set('k', storedAt(Date.now(), 'changed'), {})).catch(describe)
  return { text, error, after: textOf(await backend.get('k')) }
}

const tasks: Readonly<Record<string, () => Promise<object>>> = {
  writeUntilKilled,
  async increment() {
    const longest = watchBlocks()
    const tally = await increment(backend, Number(argument))
    return { ...tally, longest: longest() }
  },
  /** Making the file may hold the lock for longer than anybody waits for it: then once more. */
  async create() {
    for (;;) {
      try {
        return { generation: await backend.set(`of ${process.pid}`, storedAt(Date.now(), 'made'), {}) }
      } catch (error) {
        if (!(error instanceof BackendError) || error.reason !== 'unreachable') throw error
      }
    }
  },
  fill,
  readAndWrite,
}

print({ ready: true })
await go()
print(await (tasks[task] as () => Promise<object>)())
process.exit()
