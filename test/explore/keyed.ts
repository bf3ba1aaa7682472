/** Drives a real registry of several keys through every schedule, and through a seeded sample of longer ones. */
import { promisesSettle } from './duo.ts'
import { createKeyedDuo, type KeyedDuo } from './keyed-duo.ts'
import { isBusy, type Lane, type SourceCall } from './keyed-lane.ts'
import type { KeyedRules } from './keyed-rules.ts'
import { type Choose, everySchedule, sampleSchedules } from './schedules.ts'
import { hold, Violation } from './violation.ts'

interface Step {
  /** whether it can be taken, and makes a difference */
  readonly open?: (duo: KeyedDuo) => boolean
  readonly take: (duo: KeyedDuo) => void | Promise<void>
  /** what follows at once may come before promises settle */
  readonly sudden?: boolean
}
type Steps = Readonly<Record<string, Step>>

const unsettled = ({ calls }: KeyedDuo) => calls.filter(({ settled }) => !settled)

/** A fetch settles: the one called last, or the oldest when there are several. */
const settle = (how: 'ok' | 'fail' | 'leave one out', which: 'last' | 'oldest' = 'last'): Step => {
  const find = (duo: KeyedDuo) => unsettled(duo).at(which === 'last' ? -1 : 0)
  return {
    open: (duo) =>
      unsettled(duo).length > (which === 'last' ? 0 : 1) && (how !== 'leave one out' || !!find(duo)?.isBatch),
    take: (duo) => duo.settle(find(duo) as SourceCall, how),
  }
}

/** Time goes by until then. */
const passTo = (until: (lane: Lane) => number | undefined, name: string): Step => {
  const left = (duo: KeyedDuo) => (until(duo.lane(name)) ?? -Infinity) - duo.now()
  return { open: (duo) => left(duo) > 0 && left(duo) < Infinity, take: (duo) => duo.pass(left(duo)) }
}

const onKey = (name: string, take: (duo: KeyedDuo, lane: Lane) => void, open?: (lane: Lane) => boolean): Step => ({
  take: (duo) => take(duo, duo.lane(name)),
  sudden: true,
  ...(open && { open: (duo) => open(duo.lane(name)) }),
})

const reading = (name: string): Steps => ({
  [`get ${name}`]: onKey(name, (duo, lane) => duo.get(lane)),
})

const writing = (name: string): Steps => ({
  [`set ${name}`]: onKey(name, (duo, lane) => duo.set(lane)),
  [`invalidate ${name}`]: onKey(name, (duo, lane) => duo.invalidate(lane)),
  [`expire ${name}`]: onKey(name, (duo, lane) => duo.expire(lane)),
  [`refresh ${name}`]: onKey(name, (duo, lane) => duo.refresh(lane)),
  [`subscribe to ${name}`]: onKey(
    name,
    (duo, lane) => duo.subscribe(lane),
    ({ unsubscribe }) => !unsubscribe,
  ),
  [`unsubscribe from ${name}`]: onKey(
    name,
    (duo, lane) => duo.unsubscribe(lane),
    ({ unsubscribe }) => !!unsubscribe,
  ),
})

const passing = (name: string): Steps => ({
  [`to the window of ${name}`]: passTo(({ expected }) => expected.facts().held?.refreshAt, name),
  [`to the expiry of ${name}`]: passTo(({ expected }) => expected.facts().held?.expiresAt, name),
  [`past the cool-down of ${name}`]: passTo(({ expected }) => expected.facts().setback?.until, name),
})

const shared: Steps = {
  'get A and B': { sudden: true, take: (duo) => duo.getMany([duo.lane('A'), duo.lane('B')]) },
  'invalidate the prefix of A': { sudden: true, take: (duo) => duo.invalidatePrefix('db1') },
  'settle: ok': settle('ok'),
  'settle: fail': settle('fail'),
  'settle: leave one out': settle('leave one out'),
  'settle the oldest: ok': settle('ok', 'oldest'),
}

/** The steps of which every schedule of two keys is made. */
const core: Steps = { ...reading('A'), ...reading('B'), ...shared, ...writing('A'), ...passing('A') }

/** What samples are made of besides. */
const more: Steps = {
  'get B and A': { sudden: true, take: (duo) => duo.getMany([duo.lane('B'), duo.lane('A')]) },
  clear: { sudden: true, take: (duo) => duo.clear() },
  'settle the oldest: fail': settle('fail', 'oldest'),
  'a second passes': { take: (duo) => duo.pass(1000) },
  'twenty seconds pass': { take: (duo) => duo.pass(20_000) },
  ...writing('B'),
  ...passing('B'),
}

const stepsOf = ({ keys }: KeyedRules): Steps => ({
  ...core,
  ...more,
  // Reads are what most of it is about, and with more keys each of them would be read less.
  ...(keys === 3 && { ...reading('C'), ...writing('C'), ...passing('C') }),
})

/** Plays one schedule and checks it from a step on; throws a `Violation` with the steps that led to it. */
async function play(
  keyed: KeyedRules,
  steps: Steps,
  choose: Choose,
  { checkFrom = 0, goesOn = () => false }: { readonly checkFrom?: number; readonly goesOn?: () => boolean },
): Promise<void> {
  const duo = createKeyedDuo(keyed)
  const schedule: string[] = []
  try {
    for (;;) {
      const open = Object.keys(steps).filter((name) => steps[name]?.open?.(duo) ?? true)
      const chosen = choose(open)
      if (chosen === undefined) break
      schedule.push(chosen)
      await steps[chosen]?.take(duo)
      if (keyed.fetch && steps[chosen]?.sudden && goesOn()) {
        schedule.push('at once')
        continue
      }
      await promisesSettle()
      duo.settleEvictions()
      if (schedule.length > checkFrom) duo.check()
    }
    schedule.push('the end')
    await end(duo)
  } catch (error) {
    throw error instanceof Violation ? error.after(keyed.name, schedule) : error
  }
}

/** Whatever is in the air settles: then nobody waits, nothing is over the budget, and after `dispose()` nothing is left. */
async function end(duo: KeyedDuo): Promise<void> {
  await promisesSettle()
  for (let [call] = unsettled(duo); call; [call] = unsettled(duo)) {
    duo.settle(call, 'ok')
    await promisesSettle()
  }
  duo.check()
  for (const lane of duo.lanes) if (lane.unsubscribe) duo.unsubscribe(lane)
  duo.check()
  hold(!duo.lanes.some(isBusy), 'L7 L8', () => 'somebody waits for nothing')
  await duo.dispose()
  await promisesSettle()
  const { holding, others } = duo.clock.timers
  hold(holding + others === 0, 'L20', () => `${holding + others} timers are left after dispose()`)
  hold(duo.registry.stats().entries === 0, 'L20', () => 'something is held after dispose()')
}

/** Plays every schedule of that many steps and returns how many there are. */
export function exploreKeyed(keyed: KeyedRules, depth: number): Promise<number> {
  return everySchedule(depth, (choose, checkFrom) => play(keyed, core, choose, { checkFrom }))
}

/** Plays that many schedules drawn at random; in them one step may follow another before promises settle. */
export function sampleKeyed(keyed: KeyedRules, depth: number, schedules: number, seed: number): Promise<void> {
  return sampleSchedules({ depth, schedules, seed }, (choose, _, random) =>
    play(keyed, stepsOf(keyed), choose, { goesOn: () => random() < 0.3 }),
  )
}
