/** One schedule of reads, put to every contender in the same tick, and the table of what each made of it. */

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { Answer, Contender } from './contenders.ts'
import { milliseconds, seconds } from './timeline.ts'

export class Trace {
  readonly #contenders: readonly Contender[]
  readonly #tables: readonly string[]
  readonly #every: number
  readonly #reading = new Set<Promise<void>>()
  /** by contender: when it first gave each column, as table.column */
  readonly #seen = new Map<Contender, Map<string, number>>()
  #timer: NodeJS.Timeout | undefined
  #turn = 0

  constructor(contenders: readonly Contender[], tables: readonly string[], every: number) {
    this.#contenders = contenders
    this.#tables = tables
    this.#every = every
    for (const contender of contenders) this.#seen.set(contender, new Map())
  }

  /** One table after the other, whether or not the reads before have been answered. */
  start(): void {
    this.#timer = setInterval(() => this.#ask(), this.#every)
  }

  /** Lets the last reads end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await turn() // what the last tick asks is asked by then
    await Promise.all(this.#reading)
    await Promise.all(this.#contenders.map((contender) => contender.end()))
  }

  /** Until every contender has given this column. */
  async seenByAll(column: string, patience: number): Promise<void> {
    const limit = performance.now() + patience
    while (performance.now() < limit && ![...this.#seen.values()].every((seen) => seen.has(column))) await pause(10)
  }

  /** How they were compared, and a row for each; `column` was added at the moment `addedAt`. */
  compare(column: string, addedAt: number): string[] {
    const head = ['', 'reads', 'p50', 'p99', 'max', 'waited', 'errors', 'oldest', 'calls', 'column seen']
    const rows = this.#contenders.map((contender) => this.#row(contender, column, addedAt))
    return [
      `One trace, run by all three at once: a read every ${this.#every} ms, asked of each in the same tick and over a connection`,
      'of its own, from their first answers on, through the same ALTER, hang and outage. It is thinner than what the',
      'six readers ask, since without a cache that is more than this Postgres can answer. A failed read has the',
      'latency of its error.',
      ...[head, ...rows].map(aligned),
      `(column seen: ${column}, which nobody announced, after its ALTER TABLE)`,
    ]
  }

  #row(contender: Contender, column: string, addedAt: number): string[] {
    const { name, tally } = contender
    const latencies = [0.5, 0.99, 1].map((share) => milliseconds(tally.percentile(share)))
    const counts = [tally.waited, tally.errors].map(String)
    const seenAt = this.#seen.get(contender)?.get(column)
    const seen = seenAt === undefined ? 'never' : milliseconds(Math.max(0, seenAt - addedAt))
    return [name, String(tally.reads), ...latencies, ...counts, seconds(tally.oldest), String(tally.calls), seen]
  }

  #ask(): void {
    const table = this.#tables[this.#turn % this.#tables.length] ?? ''
    this.#turn += 1
    for (const contender of this.#contenders) {
      // A turn of its own for each: who answers from memory has answered before the next is asked.
      let ended = false
      setImmediate(() => {
        const read = this.#read(contender, table).finally(() => {
          ended = true
          this.#reading.delete(read)
        })
        this.#reading.add(read)
      })
      setImmediate(() => {
        if (!ended) contender.tally.waited += 1
      })
    }
  }

  /** A read that fails has a latency too: somebody waited for the error. */
  async #read(contender: Contender, table: string): Promise<void> {
    const { tally } = contender
    const asked = performance.now()
    let answer: Answer | undefined
    try {
      answer = await contender.ask(table)
    } catch {
      tally.errors += 1
    }
    const now = performance.now()
    tally.latencies.push(now - asked)
    if (!answer) return
    tally.oldest = Math.max(tally.oldest, now - answer.askedAt)
    this.#look(contender, answer, now)
  }

  #look(contender: Contender, { table, columns }: Answer, now: number): void {
    const seen = this.#seen.get(contender)
    for (const { name } of columns) {
      const column = `${table}.${name}`
      if (seen && !seen.has(column)) seen.set(column, now)
    }
  }
}

function aligned([name = '', ...cells]: readonly string[]): string {
  const widths = [7, 10, 10, 10, 8, 8, 8, 7, 13]
  return name.padEnd(15) + cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('')
}
