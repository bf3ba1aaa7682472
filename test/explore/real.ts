/** Drives the real class through every schedule, and through a seeded sample of longer ones, beside its oracle. */

import type { Result } from './answers.ts'
import { createDuo, type Duo, promisesSettle } from './duo.ts'
import { day, type Rules } from './rules.ts'
import { type Choose, everySchedule, sampleSchedules } from './schedules.ts'
import { hold, Violation } from './violation.ts'

interface Step {
  /** whether it can be taken, and makes a difference */
  readonly open?: (duo: Duo) => boolean
  readonly take: (duo: Duo) => void | Promise<void>
}

const unsettled = ({ calls }: Duo) => calls.flatMap(({ settled }, index) => (settled ? [] : [index]))

/** A fetch settles: the one called last, or the oldest when there are several. */
const settle = (result: Result, which: 'last' | 'oldest' = 'last'): Step => ({
  open(duo) {
    const waiting = unsettled(duo)
    const index = waiting.at(which === 'last' ? -1 : 0)
    if (index === undefined || (which === 'oldest' && waiting.length < 2)) return false
    if (result === 'older') return duo.rules.ordered
    return result !== 'not modified' || duo.calls[index]?.previous !== undefined
  },
  take: (duo) => duo.settle(unsettled(duo).at(which === 'last' ? -1 : 0) as number, result),
})

/** Time goes by until then. */
const passTo = (until: (duo: Duo) => number | undefined): Step => {
  const left = (duo: Duo) => (until(duo) ?? -Infinity) - duo.expected.now()
  return { open: (duo) => left(duo) > 0 && left(duo) < Infinity, take: (duo) => duo.pass(left(duo)) }
}

const heldValue = ({ expected }: Duo) => expected.facts().held?.value

/** The steps of which every schedule is made. */
const core: Readonly<Record<string, Step>> = {
  get: { take: (duo) => duo.get() },
  refresh: { take: (duo) => duo.refresh() },
  set: { take: (duo) => duo.set() },
  seed: { take: (duo) => duo.seed(0) },
  'seed, older': { take: (duo) => duo.seed(1500) },
  invalidate: { take: (duo) => duo.invalidate() },
  'invalidate if the held value': {
    open: (duo) => heldValue(duo) !== undefined,
    take: (duo) => duo.reject(heldValue(duo) ?? 0),
  },
  'invalidate if another value': { open: (duo) => heldValue(duo) !== undefined, take: (duo) => duo.reject(0) },
  expire: { take: (duo) => duo.expire() },
  'settle: new': settle('new'),
  'settle: same': settle('same'),
  'settle: older': settle('older'),
  'settle: retry': settle({ class: 'retry' }),
  'settle: fatal': settle({ class: 'fatal' }),
  'settle: gone': settle({ class: 'gone' }),
  'settle the oldest: new': settle('new', 'oldest'),
  'settle the oldest: retry': settle({ class: 'retry' }, 'oldest'),
  timeout: passTo(({ expected, rules }) => {
    const [first] = expected.inTheAir()
    return first && first.startedAt + rules.fetchTimeout
  }),
  'a second passes': { take: (duo) => duo.pass(1000) },
  'to the window': passTo(({ expected }) => expected.facts().held?.refreshAt),
  'to the expiry': passTo(({ expected }) => expected.facts().held?.expiresAt),
  'past the cool-down': passTo(({ expected }) => expected.facts().setback?.until),
  dispose: { open: ({ expected }) => expected.attempts.length + expected.holds() > 0, take: (duo) => duo.dispose() },
}

/** What the sample is made of besides. */
const more: Readonly<Record<string, Step>> = {
  read: { take: (duo) => duo.read() },
  'get, forgotten': { take: (duo) => duo.getAndForget() },
  'get within 2.5 s': { take: (duo) => duo.get(2503) },
  'get with a signal': { take: (duo) => duo.getWithSignal() },
  abort: { open: ({ expected }) => expected.abortable() >= 0, take: (duo) => duo.abort() },
  'get, whose fetch throws at once': { take: (duo) => duo.getThrowing() },
  'the machine sleeps': { open: ({ expected }) => expected.holds() === 0, take: (duo) => duo.sleep(2500) },
  'refresh with a fetch': { take: (duo) => duo.refreshBy() },
  'refresh if older than 4 s': { take: (duo) => duo.refresh(4000) },
  'seed, expired': { take: (duo) => duo.seed(Math.min(duo.rules.ttl, duo.rules.ownLife) + 500) },
  'settle: equal': settle('equal'),
  'settle: not modified': settle('not modified'),
  'settle: undefined': settle('undefined'),
  'settle: retry after 7 s': settle({ class: 'retry', retryAfter: 7000 }),
  'settle the oldest: gone': settle({ class: 'gone' }, 'oldest'),
  'past stale-if-error': passTo(
    ({ expected, rules }) => (expected.facts().held?.expiresAt ?? NaN) + rules.staleIfError,
  ),
  // It looks at the clock every minute: too often for a lapse of weeks.
  'keep fresh': {
    open: ({ expected, rules }) => expected.holds() < 2 && rules.ttl <= day,
    take: (duo) => duo.hold(),
  },
  'let go': { open: ({ expected }) => expected.holds() > 0, take: (duo) => duo.release() },
}

const all: Readonly<Record<string, Step>> = { ...core, ...more }

/** Plays one schedule and checks it from a step on; throws a `Violation` with the steps that led to it. */
async function play(duo: Duo, steps: Readonly<Record<string, Step>>, choose: Choose, checkFrom = 0): Promise<void> {
  const schedule: string[] = []
  try {
    // One step after `dispose()` is enough.
    for (let left = 1; left >= 0; left -= duo.expected.disposed() ? 1 : 0) {
      const open = Object.keys(steps).filter((name) => steps[name]?.open?.(duo) ?? true)
      const chosen = choose(open)
      if (chosen === undefined) break
      schedule.push(chosen)
      await steps[chosen]?.take(duo)
      await promisesSettle()
      if (schedule.length > checkFrom) duo.check()
    }
    schedule.push('the end')
    await end(duo)
  } catch (error) {
    throw error instanceof Violation ? error.after(duo.rules.name, schedule) : error
  }
}

/** Whoever waits, waits for a fetch that is in the air; after `dispose()` nobody does, and no timer is left. */
async function end(duo: Duo): Promise<void> {
  const { expected } = duo
  const awaited = [
    ...expected.inTheAir().flatMap(({ readers, refreshers }) => [...readers, ...refreshers]),
    ...(expected.trailing() ?? []),
  ]
  for (const caller of expected.waiting()) hold(awaited.includes(caller), 'L7 L8', () => 'somebody waits for nothing')
  duo.dispose()
  await promisesSettle()
  duo.check()
  hold(expected.waiting().length === 0, 'L20', () => 'somebody waits after dispose()')
}

/** Plays every schedule of that many steps and returns how many there are. */
export function exploreReal(rules: Rules, depth: number): Promise<number> {
  return everySchedule(depth, (choose, checkFrom) => play(createDuo(rules), core, choose, checkFrom))
}

/** Plays that many schedules drawn at random, of that many steps. In every other one a listener uses the cache. */
export function sampleReal(rules: Rules, depth: number, schedules: number, seed: number): Promise<void> {
  return sampleSchedules({ depth, schedules, seed }, (choose, schedule) =>
    play(createDuo(rules, schedule % 2 === 0), all, choose),
  )
}
