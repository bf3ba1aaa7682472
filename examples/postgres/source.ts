/** A real Postgres in a process of its own, that can be hung and killed, and leaves nothing behind. */

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./source-process.ts', import.meta.url))
const startDeadline = 60_000

export class Source {
  readonly directory = mkdtempSync(join(tmpdir(), 'evercurrent-postgres-'))
  #port = 0
  #server: ChildProcess | undefined
  #waker: ChildProcess | undefined

  constructor() {
    // However this program ends, by its end, an error or a signal, it ends through here.
    process.once('exit', () => this.#clear())
  }

  get port(): number {
    return this.#port
  }

  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Starts it, or starts it again: on the same data and the same port. */
  async start(): Promise<void> {
    const server = fork(program, [this.directory, String(this.#port)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#server = server
    let complaint = ''
    server.stderr?.on('data', (text) => {
      complaint = `${complaint}${text}`.slice(-2_000)
    })
    const tooLate = setTimeout(() => server.kill('SIGKILL'), startDeadline)
    try {
      this.#port = await new Promise<number>((resolve, reject) => {
        const fail = (why: unknown) => reject(new Error(`the source did not start: ${why}\n${complaint}`))
        server.once('message', (ready: { port: number }) => resolve(ready.port))
        server.once('exit', (code, signal) => fail(`it ended with ${signal ?? code}`))
        server.once('error', fail)
      })
    } finally {
      clearTimeout(tooLate)
    }
  }

  /** Stops the process where it stands: connections stay open and nothing answers. */
  async hang(ms: number): Promise<void> {
    // A process of its own wakes it, so that it is never left stopped, even if this program is killed meanwhile.
    const script = `kill -STOP ${this.pid}; sleep ${ms / 1000}; kill -CONT ${this.pid}`
    this.#waker = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true })
    await once(this.#waker, 'exit')
    this.#waker = undefined
  }

  /** The end a crash brings: no goodbye to anybody. */
  async kill(): Promise<void> {
    const server = this.#server
    if (!server || hasEnded(server)) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }

  /** Ends it for good; says whether process and data are gone. */
  async remove(): Promise<boolean> {
    await this.kill()
    this.#clear()
    return (!this.#server || hasEnded(this.#server)) && !existsSync(this.directory)
  }

  #clear(): void {
    this.#server?.kill('SIGKILL')
    if (this.#waker?.pid) killGroup(this.#waker.pid)
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // it ended by itself meanwhile
  }
}
