/** `npm run start:tiers`, run for real: a program that starts while the database is down has every table from the file. */

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { endStartedExamples, processesIn, startExample } from '../support/running-example.ts'

const deadline = 120_000

const start = () => startExample('examples/tiers/main.ts')

endStartedExamples()

test(
  'the story ends well: no call, no error and no wait for the database, and nothing stays behind',
  async () => {
    const run = start()
    expect(await run.end, run.output()).toBe(0)

    const [, cold, warm, calls, reads, errors] = figures.exec(run.output())?.map(Number) ?? []
    expect(cold).toBeGreaterThan(0)
    expect(warm).toBeGreaterThan(0)
    expect([calls, errors]).toEqual([0, 0])
    expect(reads).toBeGreaterThan(10)
    expect(run.output().match(/^ *[\d.]+ s {2}held /gm)?.length).toBe(6)
    expect(run.output()).not.toContain('BROKEN')
    await expectNothingLeft(run.output())
  },
  deadline,
)

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s in the middle ends the database and the programs too',
  async (signal) => {
    const run = start()
    await run.says('killed (SIGKILL)')
    run.child.kill(signal)
    expect(await run.end, run.output()).toBe(1)
    await expectNothingLeft(run.output())
  },
  deadline,
)

const number = String.raw`([\d.]+)`
const figures = new RegExp(
  `^figures: all tables in ${number} ms from the database, ${number} ms from the file with it down; ` +
    `${number} calls meanwhile; ${number} reads, ${number} errors$`,
  'm',
)

/** Every process, file and directory the timeline named; a program notices within a moment that the story is over. */
async function expectNothingLeft(output: string): Promise<void> {
  const processes = processesIn(output)
  const paths = [...output.matchAll(/(?:data in|file) +(\/\S+)/g)].map(([, path]) => path ?? '')
  expect(processes).not.toHaveLength(0)
  expect(paths).toHaveLength(2)
  for (const pid of processes) {
    await expect.poll(() => isAlive(pid), { timeout: 10_000, message: `process ${pid}` }).toBe(false)
  }
  for (const path of paths) await expect.poll(() => existsSync(path), { timeout: 10_000, message: path }).toBe(false)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
