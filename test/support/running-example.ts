/** An example that runs as a program of its own: what it says, how it ends, and no process of it left when a test is over. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { afterEach } from 'vitest'

// As a loader and not as a command: then the process that the signals reach is the program itself.
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const started: ChildProcess[] = []

const isOver = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

export function endStartedExamples(): void {
  afterEach(() => {
    for (const child of started.splice(0)) if (!isOver(child)) child.kill('SIGTERM')
  })
}

export function startExample(...program: readonly string[]) {
  const child = spawn(process.execPath, ['--import', loader, ...program], { stdio: 'pipe' })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const end = once(child, 'close').then(([code]) => code as number | null)
  /** Resolves once it has said so, or is over. */
  const says = async (words: string) => {
    while (!output.includes(words) && !isOver(child)) await Promise.race([once(child.stdout, 'data'), end])
  }
  return { child, end, says, output: () => output }
}

/** The processes that it named in its output. */
export function processesIn(output: string): readonly number[] {
  return [...output.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
}
