/** Experiment 1: something happens while a load that started earlier is in the air. Who gets the old load's result? */

import type { Contender, Subject } from './contender.ts'
import type { Time } from './fake-time.ts'
import { type Answer, follow, type Log, Stage } from './stage.ts'

/** How the load in the air came about. */
export const paths = {
  'first-load': 'the first load',
  'by-read': 'a reload that a read started',
  forced: 'a refresh that was asked for',
} as const
export type Path = keyof typeof paths

/** What happens meanwhile. */
export const operations = {
  invalidate: 'the value is invalidated',
  'read-after-invalidate': 'the value is invalidated, and a reader comes before the old load has answered',
  set: 'a newer value is set',
  expire: 'the value is marked as out of date',
  refresh: 'a refresh is asked for',
} as const
export type Operation = keyof typeof operations

export interface InFlight {
  readonly experiment: 'in-flight'
  readonly path: Path
  readonly operation: Operation
  readonly waited: string
  /** what the reader or the refresh got that came while the old load was in the air */
  readonly asked: string | undefined
  readonly held: string | undefined
  readonly next: string
  readonly later: string
  readonly loads: number
  /** when the old load answers, if another was in the air beside it: both are tried, and what went wrong is shown */
  readonly oldAnswers: 'last' | 'first' | undefined
  readonly isRight: boolean
}

type Seen = Pick<InFlight, 'asked' | 'next' | 'later'> & { readonly between: string | undefined }

const needs = {
  invalidate: 'invalidate',
  'read-after-invalidate': 'invalidate',
  set: 'set',
  expire: 'expire',
  refresh: 'refresh',
} as const satisfies Record<Operation, keyof Subject>

const ageOfReload = ({ due, stale, expired }: Contender['ages']) => due ?? stale ?? expired

/**
 * What later readers may get. After `expire` a stale value may be served once more, while the new one is loaded. A reader
 * between the answers of two loads may get the old one's, unless the value was invalidated before it came.
 */
function judge(operation: Operation, { asked, between, next, later }: Seen): boolean {
  const accepted = operation === 'set' ? ['SET', 'NEW'] : ['NEW']
  const must = operation === 'expire' ? [later] : [asked, next, later]
  if (operation === 'read-after-invalidate') must.push(between)
  return must.every((answer) => answer === undefined || accepted.includes(answer))
}

async function putInTheAir(stage: Stage, path: Path, age: number | undefined): Promise<Answer | undefined> {
  const { subject, source } = stage
  if (path === 'by-read' && age === undefined) return undefined
  if (path === 'forced' && !subject.refresh) return undefined
  if (path !== 'first-load') await stage.holdFirst(path === 'by-read' && age !== undefined ? age : 1000)
  source.says = 'OLD'
  const waiting = await (path === 'forced'
    ? stage.ask('refresh()', () => subject.refresh?.())
    : stage.ask('a reader', () => subject.read()))
  if (source.inTheAir !== 1) throw new Error(`${source.inTheAir} loads in the air instead of 1`)
  await stage.time.pass(1000)
  return waiting
}

async function happen(stage: Stage, operation: Operation): Promise<Answer | undefined> {
  const { subject, time } = stage
  const tell = (call: () => unknown) => stage.ask(`the source says NEW; ${needs[operation]}()`, call)
  if (operation === 'refresh') return tell(() => subject.refresh?.())
  if (operation === 'expire') await tell(() => subject.expire?.())
  else if (operation === 'set') await tell(() => subject.set?.('SET'))
  else await tell(() => subject.invalidate?.())
  if (operation !== 'read-after-invalidate') return undefined
  await time.pass(1000)
  stage.say('the old load is still in the air')
  return stage.ask('a reader', () => subject.read())
}

async function play(
  contender: Contender,
  path: Path,
  operation: Operation,
  time: Time,
  log: Log,
  order: 'last' | 'first',
): Promise<InFlight | undefined> {
  const stage = await Stage.open(contender, time, log)
  const { subject, source } = stage
  if (!subject[needs[operation]]) return undefined
  const waiting = await putInTheAir(stage, path, ageOfReload(contender.ages))
  if (!waiting) return undefined
  const before = source.calls - 1

  source.says = 'NEW'
  const asked = await happen(stage, operation)
  await time.pass(1000)
  const oldAnswers = source.inTheAir > 1 ? order : undefined
  let between: Answer | undefined
  if (oldAnswers === 'first') {
    await stage.answer('oldest')
    between = await stage.ask('a reader, before the other load answers', () => subject.read())
  }
  await stage.answerAll()

  const peeked = subject.peek && follow(() => subject.peek?.())
  await time.pass(1000)
  if (peeked) stage.say(`held: ${peeked.value}`)
  const next = await stage.ask('the next reader', () => subject.read())
  await stage.answerAll()
  await time.pass(1000)
  const later = await stage.ask('a later reader', () => subject.read())
  await stage.answerAll()

  const seen = { asked: asked?.value, between: between?.value, next: next.value, later: later.value }
  stage.say(
    `who waited at first got ${waiting.value}${asked ? `, who asked during the load got ${asked.value}` : ''}, ` +
      `${between ? `who came between the answers got ${between.value}, ` : ''}the next reader got ${next.value}, ` +
      `the later one ${later.value}`,
  )
  return {
    experiment: 'in-flight',
    path,
    operation,
    waited: waiting.value,
    asked: seen.asked,
    held: peeked?.value,
    next: seen.next,
    later: seen.later,
    loads: source.calls - before,
    oldAnswers,
    isRight: judge(operation, seen),
  }
}

/** `undefined`: not offered. */
export async function runInFlight(
  contender: Contender,
  path: Path,
  operation: Operation,
  startTime: () => Promise<Time>,
  log: Log,
): Promise<InFlight | undefined> {
  const first = await play(contender, path, operation, await startTime(), log, 'last')
  if (!first?.oldAnswers || !first.isRight) return first
  log('        the same, but the old load answers first:')
  const second = await play(contender, path, operation, await startTime(), log, 'first')
  return second?.isRight ? first : second
}
