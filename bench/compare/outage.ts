/** Experiment 2: the source is down, and reads keep coming. How often is it called, and what do the readers get? */

import type { Ages, Contender } from './contender.ts'
import type { Time } from './fake-time.ts'
import { type Answer, follow, type Log, noAnswer, Stage } from './stage.ts'

/** What is held meanwhile. */
export const states = {
  due: 'a value that has not expired and is due for a refresh',
  stale: 'a value that has expired and may still be served',
  expired: 'a value that has expired and may not be served any more',
} as const satisfies Record<keyof Ages, string>
export type State = keyof typeof states

export interface Outage {
  readonly experiment: 'outage'
  readonly state: State
  readonly callsInTenReads: number
  readonly calls: number
  readonly values: number
  readonly errors: number
  readonly unanswered: number
  /** the first error a reader got */
  readonly error: string | undefined
  readonly isRight: boolean
}

export const reads = 1000
const betweenReads = 5
const mostCalls = 2
const afterwards = 300_000

/** Everybody gets the value as long as there is one that may be served, and the source is left alone. */
function judge(state: State, callsInTenReads: number, values: number): boolean {
  return callsInTenReads <= mostCalls && (state === 'expired' || values === reads)
}

/** `undefined`: not offered. */
export async function runOutage(contender: Contender, state: State, time: Time, log: Log): Promise<Outage | undefined> {
  const age = contender.ages[state]
  if (age === undefined) return undefined
  const stage = await Stage.open(contender, time, log)
  const { subject, source } = stage
  await stage.holdFirst(age)
  source.isDown = true
  stage.say(`the source goes down; a read every ${betweenReads} ms`)

  const answers: Answer[] = []
  const before = source.calls
  const readOn = async (until: number) => {
    while (answers.length < until) {
      answers.push(follow(() => subject.read()))
      await time.settle()
      await time.pass(betweenReads)
    }
    const calls = source.calls - before
    stage.say(`${answers.length} reads, ${calls} calls of the source; the last reader got ${answers.at(-1)?.value}`)
    return calls
  }
  const callsInTenReads = await readOn(10)
  const calls = await readOn(reads)

  const count = (is: (answer: Answer) => boolean) => answers.filter(is).length
  const values = count(({ value }) => value === 'FIRST')
  const unanswered = count(({ value }) => value === noAnswer)
  const error = answers.find(({ value }) => value !== 'FIRST' && value !== noAnswer)?.value
  // What still runs in the background comes to its end: does anybody take care of how it ends?
  stage.say('nobody reads for five minutes')
  await time.pass(afterwards)

  const isRight = judge(state, callsInTenReads, values)
  const errors = reads - values - unanswered
  stage.say(`${values} readers got the value, ${errors} ${error ?? 'an error'}, ${unanswered} no answer in time`)
  return { experiment: 'outage', state, callsInTenReads, calls, values, errors, unanswered, error, isRight }
}
