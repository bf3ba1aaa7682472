/** One experiment with one cache: calls are started and looked at, never awaited, so none can hang it. */

import type { Contender, Subject } from './contender.ts'
import type { Time } from './fake-time.ts'
import { Source } from './source.ts'

export type Log = (line: string) => void

/** `value` until it is known: a call that has not settled has given no answer. */
export interface Answer {
  value: string
}

export const noAnswer = 'no answer'
const nothing = 'nothing'

const messageOf = (error: unknown) => {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return text.split('\n')[0] ?? ''
}

/** Starts a call and follows it. */
export function follow(call: () => unknown): Answer {
  const answer: Answer = { value: noAnswer }
  const settled = (value: unknown) => {
    answer.value = value === undefined || value === null ? nothing : String(value)
  }
  const failed = (error: unknown) => {
    answer.value = messageOf(error)
  }
  try {
    Promise.resolve(call()).then(settled, failed)
  } catch (error) {
    failed(error)
  }
  return answer
}

export class Stage {
  readonly subject: Subject
  readonly source: Source
  readonly time: Time
  readonly #log: Log

  private constructor(subject: Subject, source: Source, time: Time, log: Log) {
    this.subject = subject
    this.source = source
    this.time = time
    this.#log = log
  }

  static async open(contender: Contender, time: Time, log: Log): Promise<Stage> {
    const source = new Source()
    return new Stage(await contender.start(source.load), source, time, log)
  }

  say(what: string): void {
    this.#log(`${(this.time.now() / 1000).toFixed(0).padStart(5)} s  ${what}`)
  }

  /** Starts a call, lets follow what can, and tells what came of it. */
  async ask(who: string, call: () => unknown): Promise<Answer> {
    const before = this.source.calls
    const answer = follow(call)
    await this.time.settle()
    const started = this.source.calls - before
    this.say(`${who}: ${answer.value}${started ? `; ${started} load${started > 1 ? 's' : ''} started` : ''}`)
    return answer
  }

  async answer(which: 'oldest' | 'newest'): Promise<void> {
    const load = this.source.answer(which)
    await this.time.settle()
    this.say(`load ${load?.number} answers ${load?.says}`)
  }

  /** All loads in the air answer, the newest first, until none is left. */
  async answerAll(): Promise<void> {
    for (let rounds = 0; this.source.inTheAir; rounds++) {
      if (rounds > 20) throw new Error('The loads do not come to an end')
      await this.answer('newest')
    }
  }

  /** Holds FIRST, of this age. */
  async holdFirst(age: number): Promise<void> {
    this.source.says = 'FIRST'
    const first = await this.ask('a reader', () => this.subject.read())
    await this.answerAll()
    if (first.value !== 'FIRST' || this.source.calls !== 1)
      throw new Error(`The cache did not load a value: the reader got ${first.value}, ${this.source.calls} loads`)
    await this.time.pass(age)
  }
}
