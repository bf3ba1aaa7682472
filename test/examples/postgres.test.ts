/** `npm run demo`, run for real: a Postgres that is altered, hung and killed, and readers that do not notice. Others do. */

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { endStartedExamples, processesIn, startExample } from '../support/running-example.ts'

const deadline = 35_000

const start = () => startExample('examples/postgres/main.ts', '--fast')

endStartedExamples()

test(
  'the fast story ends well: the columns appear, no read fails, nothing stays behind',
  async () => {
    const run = start()
    expect(await run.end, run.output()).toBe(0)

    const [, reads, p50, p99, max, waited, oldest, calls, failed, errors] = parse(run.output())
    expect(errors).toBe(0)
    expect(reads).toBeGreaterThan(500)
    expect(p50).toBeLessThan(1)
    expect(p50).toBeLessThanOrEqual(p99)
    expect(p99).toBeLessThanOrEqual(max)
    expect(waited).toBeGreaterThan(0)
    expect(waited).toBeLessThan(40)
    expect(oldest).toBeGreaterThan(1)
    expect(oldest).toBeLessThan(20)
    expect(failed).toBeGreaterThan(0)
    expect(calls).toBeGreaterThan(failed)
    expect(calls).toBeLessThan(reads / 10)
    for (const column of ['customers.loyalty_tier', 'orders.shipped_at', 'line_items.discount']) {
      expect(run.output()).toMatch(new RegExp(`held +the new column ${column} reached the readers`))
    }
    expect(run.output()).not.toContain('BROKEN')
    expectTheDifference(run.output())
    expectNothingLeft(run.output())
  },
  deadline,
)

test(
  'SIGTERM in the middle ends the source too and removes its data',
  async () => {
    const run = start()
    await run.says('hangs')
    run.child.kill('SIGTERM')
    expect(await run.end, run.output()).toBe(143)
    expectNothingLeft(run.output())
  },
  deadline,
)

const number = String.raw`([\d.]+)`
const figures = new RegExp(
  `^figures: ${number} reads, p50 ${number} ms, p99 ${number} ms, max ${number} ms, ${number} waited, ` +
    `oldest ${number} s, ${number} calls \\(${number} failed\\), ${number} errors$`,
  'm',
)

type Figures = [line: number, ...figures: [number, number, number, number, number, number, number, number, number]]

function parse(output: string): Figures {
  return figures.exec(output)?.map(Number) as Figures
}

const row = new RegExp(
  `^(evercurrent|plain TTL cache|no cache) +${number} +${number} ms +${number} ms +${number} ms` +
    ` +${number} +${number} +${number} s +${number} +${number} ms$`,
  'gm',
)

/** The table at the end: what the same reads of the same source cost with evercurrent, and with what else there is. */
function expectTheDifference(output: string): void {
  const rows = [...output.slice(output.search(figures)).matchAll(row)].map(([, name, ...cells]) => {
    const [reads = 0, p50 = 0, p99 = 0, max = 0, waited = 0, errors = 0, oldest = 0, calls = 0] = cells.map(Number)
    return { name, reads, p50, p99, max, waited, errors, oldest, calls }
  })
  expect(rows.map(({ name }) => name)).toEqual(['evercurrent', 'plain TTL cache', 'no cache'])
  const [ours, plain, none] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]]

  expect(ours.reads).toBeGreaterThan(60)
  expect([plain.reads, none.reads]).toEqual([ours.reads, ours.reads])
  for (const { p50, p99, max } of rows) expect([p50, p99, max].toSorted((a, b) => a - b)).toEqual([p50, p99, max])

  expect(ours.errors).toBe(0)
  expect(plain.errors).toBeGreaterThan(0)
  expect(none.errors).toBeGreaterThan(plain.errors)

  expect(ours.waited).toBeLessThan(plain.waited)
  expect(none.waited).toBe(none.reads)
  expect(none.calls).toBe(none.reads)
  expect(Math.max(ours.calls, plain.calls)).toBeLessThan(none.calls)
  expect(ours.p50).toBeLessThan(none.p50)

  // What it costs: through the outage the readers were given what was known before it.
  expect(ours.oldest).toBeGreaterThan(plain.oldest)
}

/** Every process and directory the timeline named. */
function expectNothingLeft(output: string): void {
  const processes = processesIn(output)
  const directories = [...output.matchAll(/data in (\S+)/g)].map(([, path]) => path ?? '')
  expect(processes).not.toHaveLength(0)
  expect(directories).not.toHaveLength(0)
  for (const pid of processes) expect(() => process.kill(pid, 0), `process ${pid}`).toThrow()
  for (const path of directories) expect(existsSync(path), path).toBe(false)
}
