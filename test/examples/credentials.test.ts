/** `npm run start:credentials`, run for real: an issuer that signs anew, is killed and is busy, and calls that go on. */

import { expect, test } from 'vitest'
import { endStartedExamples, processesIn, startExample } from '../support/running-example.ts'

const deadline = 45_000

const start = () => startExample('examples/credentials/main.ts')

endStartedExamples()

test(
  'the story ends well: no call fails or waits but for a reason, and nothing stays behind',
  async () => {
    const run = start()
    expect(await run.end, run.output()).toBe(0)

    const [, calls, requests, failed, waits, errors, refused] = parse(run.output())
    expect(errors).toBe(0)
    expect(calls).toBeGreaterThan(200)
    expect(failed).toBeGreaterThan(1)
    expect(requests).toBeGreaterThan(failed + 6)
    expect(requests).toBeLessThan(60)
    // The first call, the twenty of the revoked key and the late one at most, and those after the outage and the refusal.
    expect(waits).toBeGreaterThan(0)
    expect(waits).toBeLessThan(60)
    expect(refused).toBeGreaterThan(20)
    expect(run.output().match(/^ *[\d.]+ s {2}held /gm)?.length).toBe(17)
    expect(run.output()).not.toContain('BROKEN')
    await expectNoProcess(run.output())
  },
  deadline,
)

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s in the middle ends the issuer too',
  async (signal) => {
    const run = start()
    await run.says('replaced when half')
    run.child.kill(signal)
    await run.end
    await expectNoProcess(run.output())
  },
  deadline,
)

const number = String.raw`(\d+)`
const figures = new RegExp(
  `^figures: ${number} calls, ${number} token requests \\(${number} failed\\), ${number} waits, ${number} errors; ` +
    `${number} more while every token was refused$`,
  'm',
)

type Figures = [line: number, ...figures: [number, number, number, number, number, number]]

function parse(output: string): Figures {
  return figures.exec(output)?.map(Number) as Figures
}

/** The issuer notices within a moment that the program is gone. */
async function expectNoProcess(output: string): Promise<void> {
  const processes = processesIn(output)
  expect(processes).not.toHaveLength(0)
  for (const pid of processes) {
    await expect.poll(() => isAlive(pid), { timeout: 10_000, message: `process ${pid}` }).toBe(false)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
