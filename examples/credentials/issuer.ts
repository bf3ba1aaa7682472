/** The issuer in a process of its own: it can be killed, comes back on the same port with its key, and is told its mood. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './issuer-process.ts'
import type { Mood, SigningKey } from './issuing.ts'

const program = fileURLToPath(new URL('./issuer-process.ts', import.meta.url))

export class Issuer {
  #process: ChildProcess | undefined
  #port = 0
  #key: SigningKey | undefined
  #mood: Mood = { lifetime: 3600 }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get tokenEndpoint(): string {
    return `http://127.0.0.1:${this.#port}/token`
  }

  get keySet(): string {
    return `http://127.0.0.1:${this.#port}/jwks`
  }

  /** Starts it, or starts it again as it was. */
  async start(): Promise<void> {
    this.#process = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const { port } = await this.#ask({ start: { port: this.#port, key: this.#key }, mood: this.#mood })
    this.#port = port
  }

  async setMood(mood: Mood): Promise<void> {
    this.#mood = mood
    await this.#ask({ mood })
  }

  /** Replaces the signing key: whoever asks for the key set sees only the new one. */
  async renewKey(): Promise<void> {
    await this.#ask({ renewKey: true })
  }

  /** How many requests for a token have reached it since it started. */
  async requests(): Promise<number> {
    return (await this.#ask({})).requests
  }

  /** The end a crash brings. Says whether the process is gone. */
  async kill(): Promise<boolean> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return true
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    return child.signalCode !== null
  }

  async #ask(question: Question): Promise<Answer> {
    const child = this.#process
    if (!child) throw new Error('the issuer does not run')
    const answered = new Promise<Answer>((resolve, reject) => {
      const fail = (code: number | null) => reject(new Error(`the issuer ended with ${code}`))
      child.once('exit', fail)
      child.once('message', (answer: Answer) => {
        child.off('exit', fail)
        resolve(answer)
      })
    })
    child.send(question)
    const answer = await answered
    this.#key = answer.key ?? this.#key
    return answer
  }
}
