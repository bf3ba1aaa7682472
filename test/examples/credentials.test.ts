/** `npm run start:credentials`, run for real: an issuer that signs anew, is killed and is busy, and calls that go on. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, test } from 'vitest'

// As a loader and not as a command: then the process that the signals reach is the program itself.
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const deadline = 45_000
const started: ChildProcess[] = []

afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGTERM')
})

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

function start() {
  const child = spawn(process.execPath, ['--import', loader, 'examples/credentials/main.ts'], {
    stdio: 'pipe',
  })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const end = once(child, 'close').then(([code]) => code as number | null)
  const says = async (words: string) => {
    while (!output.includes(words) && child.exitCode === null) await once(child.stdout, 'data')
  }
  return { child, end, says, output: () => output }
}

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
  const processes = [...output.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
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
