/** Starts processes that use one SQLite file, and reads the lines they print. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('sqlite-worker.ts', import.meta.url))
const DEADLINE_MS = 60_000

export interface Worker {
  readonly child: ChildProcess
  /** the next line, parsed; rejects when the process ends before it, or at the deadline */
  line(): Promise<Record<string, unknown>>
  go(): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

/** `limit` is in blocks of 1024 bytes: no file of that process grows beyond. */
export function startWorker(args: readonly string[], limit?: number): Worker {
  const command = [process.execPath, '--import', 'tsx', program, ...args]
  const shell = ['/bin/bash', '-c', `ulimit -f ${limit} && exec "$@"`, 'worker', ...command]
  const [file = '', ...rest] = limit === undefined ? command : shell
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
  let pending = ''
  let complaints = ''
  const lines: string[] = []
  const waiting: (() => void)[] = []
  const wake = () => {
    for (const check of waiting.splice(0)) check()
  }
  child.stdout?.on('data', (chunk) => {
    const parts = `${pending}${chunk}`.split('\n')
    pending = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  child.stderr?.on('data', (chunk) => {
    complaints += chunk
  })
  child.stdin?.on('error', () => {})
  let isOver = false
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      isOver = true
      wake()
      resolve({ code, signal })
    })
  })
  return {
    child,
    ended,
    go: () => void child.stdin?.write('go\n'),
    async line() {
      while (lines.length === 0) {
        if (isOver) throw new Error(`the process ended without a line: ${complaints}`)
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      return JSON.parse(lines.shift() ?? '')
    },
  }
}

/** Starts them all, lets them go once all are ready, and gives what each printed. */
export async function together(count: number, args: readonly string[]): Promise<Record<string, unknown>[]> {
  const workers = Array.from({ length: count }, () => startWorker(args))
  await Promise.all(workers.map((worker) => worker.line()))
  for (const worker of workers) worker.go()
  return Promise.all(workers.map((worker) => worker.line()))
}

/** One process, from its start to what it printed. */
export async function alone(args: readonly string[], limit?: number): Promise<Record<string, unknown>> {
  const worker = startWorker(args, limit)
  await worker.line()
  worker.go()
  return worker.line()
}
