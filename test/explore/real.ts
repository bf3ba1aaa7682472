/** Drives the real class through every schedule, and through a seeded sample of longer ones, beside its oracle. */

import type { Result } from './answers.ts'
import { createDuo, type Duo, promisesSettle } from './duo.ts'
import { day, type Rules } from './rules.ts'
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

/** Picks the next of the steps that are open; `undefined` ends the schedule. */
type Choose = (open: readonly string[]) => string | undefined

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

/** Rejections that nobody handled; Node tells of them when the turn ends. */
function listenForUnhandled() {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  return {
    async check() {
      await new Promise((resolve) => setImmediate(resolve))
      hold(
        unhandled.length === 0,
        'L11',
        () => `${unhandled.length} rejections were not handled, first ${unhandled[0]}`,
      )
    },
    stop: () => void process.off('unhandledRejection', note),
  }
}

const turnEvery = 500

/** Plays every schedule of that many steps and returns how many there are. */
export async function exploreReal(rules: Rules, depth: number): Promise<number> {
  const unhandled = listenForUnhandled()
  const path: number[] = []
  const widths: number[] = []
  let schedules = 0
  let changed = 0
  try {
    do {
      let step = 0
      const choose: Choose = (open) => {
        if (step === depth) return undefined
        widths[step] = open.length
        path[step] ??= 0
        return open[path[step++] as number]
      }
      await play(createDuo(rules), core, choose, changed)
      path.length = widths.length = step
      schedules++
      if (schedules % turnEvery === 0) await unhandled.check()
      // The next path in order: what comes before the step that changes was checked already.
      while (path.length > 0 && (path.at(-1) as number) + 1 >= (widths[path.length - 1] as number)) path.pop()
      changed = path.length - 1
      if (path.length > 0) path[changed] = (path[changed] as number) + 1
    } while (path.length > 0)
    await unhandled.check()
  } finally {
    unhandled.stop()
  }
  return schedules
}

/** A generator of numbers in [0, 1) that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Plays that many schedules drawn at random, of that many steps. */
export async function sampleReal(rules: Rules, depth: number, schedules: number, seed: number): Promise<void> {
  const unhandled = listenForUnhandled()
  const random = randomFrom(seed)
  try {
    for (let schedule = 1; schedule <= schedules; schedule++) {
      let step = 0
      // Disposing ends a schedule, so it is drawn seldom.
      const choose: Choose = (open) => {
        if (step++ === depth) return undefined
        const chosen = open[Math.floor(random() * open.length)]
        return chosen === 'dispose' && random() < 0.8 ? 'get' : chosen
      }
      // In every other one a listener uses the cache.
      await play(createDuo(rules, schedule % 2 === 0), all, choose)
      if (schedule % turnEvery === 0) await unhandled.check()
    }
    await unhandled.check()
  } finally {
    unhandled.stop()
  }
}
