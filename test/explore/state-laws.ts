/** What must hold in every state the machine can reach. */
import type { Verdict } from '../../src/fetch/verdict.ts'
import { isUsable, mayServeStale, nextFetchAt, planRead, type ReadPlan } from '../../src/state/read-plan.ts'
import { type Input, transition } from '../../src/state/transition.ts'
import * as oracle from './history.ts'
import { entryOf, type Flight, type Machine, type Spot, type World } from './spot.ts'
import { hold, show } from './violation.ts'

export function checkState(world: World, spot: Spot): void {
  checkShape(spot)
  if (spot.disposed) checkAbsorbing(world, spot)
  else checkHeld(world, spot)
}

function checkHeld(world: World, spot: Spot): void {
  checkValue(spot)
  checkTrouble(spot)
  checkStrangers(world, spot)
  const without = {
    ...spot.machine,
    kind: spot.machine.entry ? 'current' : 'empty',
    flight: undefined,
    queued: undefined,
  }
  for (const at of instants(world, spot)) {
    checkPlan(world, spot, spot.machine, at)
    if (spot.owner) checkPlan(world, spot, without as Machine, at)
    checkDue(world, spot, without as Machine, at)
  }
}

/** Every moment from now on at which a decision may change, and the last one before it. */
function instants({ rules }: World, { now, facts }: Spot): Set<number> {
  const { held, setback } = facts
  const edges = [now + 1]
  if (held) edges.push(held.agingAt, held.refreshAt, held.expiresAt, held.expiresAt + rules.staleIfError)
  if (setback) edges.push(setback.until, setback.at + 5000)
  return new Set(edges.flatMap((edge) => [edge - 1, edge]).filter((at) => at >= now))
}

/** L5: refreshing if and only if a fetch owns the slot, and nothing else is held by a state than its kind says. */
function checkShape({ machine, owner, trailing, disposed }: Spot): void {
  const { kind, entry, flight, queued, trouble } = machine
  const kindByLaw = disposed ? 'disposed' : owner ? 'refreshing' : entry ? 'current' : 'empty'
  hold(kind === kindByLaw, 'L5', () => `${kind}, and not ${kindByLaw}`)
  hold(flight === owner, 'L6', () => 'another fetch owns the slot than by the laws')
  hold((queued ?? false) === trailing, 'L8', () => `queued is ${queued}, and not ${trailing}`)
  if (disposed)
    hold(!entry && !flight && !queued && !trouble, 'L20', () => `disposed, and still holds ${show(machine)}`)
}

/** L1, L2: what is held and how long it lives. */
function checkValue({ machine: { entry, flight }, facts: { held } }: Spot): void {
  hold(!entry === !held, 'L11', () => `holds ${show(entry)}, and not ${show(held)}`)
  if (!entry || !held) return
  const same =
    entry.value === held.value &&
    entry.fetchedAt === held.fetchedAt &&
    entry.agingAt === held.agingAt &&
    (entry.refreshAt ?? entry.agingAt) === held.refreshAt &&
    entry.expiresAt === held.expiresAt
  hold(same, 'L1', () => `holds ${show(entry)}, and not ${show(held)}`)
  const whole = [entry.fetchedAt, entry.agingAt, entry.expiresAt].every(Number.isInteger)
  hold(
    whole && entry.fetchedAt <= entry.agingAt && entry.agingAt <= entry.expiresAt,
    'L1',
    () => `times of ${show(entry)}`,
  )
  if (flight)
    hold(entry.fetchedAt <= flight.startedAt, 'L6', () => 'a fetch owns the slot that began before what is held')
}

/** L10, L12, L16: failures, the cool-down, and what was told to expire. */
function checkTrouble({ machine: { trouble }, facts: { setback, fatal, told, rejection }, now }: Spot): void {
  const { setback: is, told: isTold, rejections } = trouble ?? {}
  const until = Math.max(now, is?.nextAttemptAt ?? now)
  hold(until === Math.max(now, setback?.until ?? now), 'L12', () => `cool-down ${show(is)}, and not ${show(setback)}`)
  hold((is?.attempts ?? 0) === (setback?.attempts ?? 0), 'L12', () => `failures ${show(is)}, and not ${show(setback)}`)
  hold(!!is?.failure === !!setback?.failed, 'L11', () => `failure ${show(is)}, and not ${show(setback)}`)
  if (is?.failure)
    hold(isTheError(is.failure.error, setback?.error), 'L15', () => `error ${show(is)}, and not ${show(setback)}`)
  const isFatal = is?.fatal ?? (is?.failure?.class === 'fatal' ? is.failure : undefined)
  hold(
    !!isFatal === !!fatal && isFatal?.error === fatal?.error,
    'L16',
    () => `fatal ${show(isFatal)}, and not ${show(fatal)}`,
  )
  const toldAsByLaw = isTold?.at === told?.at && !!isTold?.tried === !!told?.tried
  hold(toldAsByLaw, 'L10', () => `told to expire ${show(isTold)}, and not ${show(told)}`)
  hold(
    rejections?.inARow === rejection?.inARow,
    'L10',
    () => `rejections ${show(rejections)}, and not ${show(rejection)}`,
  )
}

const isTheError = (error: unknown, expected: unknown) =>
  typeof expected === 'string' ? (error as { code?: unknown }).code === expected : error === expected

/** The table "How a read is decided", and what no plan may do whatever the table says. */
function checkPlan({ rules, policy }: World, { facts }: Spot, machine: Machine, at: number): void {
  const plan = planRead(machine, policy, at)
  const decision = oracle.decide(facts, !!machine.flight, rules, at)
  const why = () => `${show(plan)} at ${at}, and not ${show(decision)}: ${show({ ...facts, flying: !!machine.flight })}`
  const { gets, fetches } = decision
  hold(getsOf(plan) === gets && fetches === startsFetch(plan), 'the table', why)
  if (plan.step === 'reject') hold(isTheError(plan.error, decision.error), 'L15', why)
  if (plan.step === 'join') hold(plan.flight === machine.flight && !!plan.flight, 'L7', why)
  if (startsFetch(plan)) hold(!machine.flight, 'L5', why)
  if (plan.step === 'fetch' || plan.step === 'serve-and-refresh') {
    const reason = !facts.held ? 'first' : oracle.isUsable(facts, at) ? 'aging' : 'expired'
    hold(plan.reason === reason, 'the table', why)
  }
  if (!('entry' in plan)) return
  hold(plan.entry === machine.entry, 'L6', why)
  const { entry, stale } = plan
  hold(at < entry.expiresAt + (stale ? rules.staleIfError : 0), 'L2', why)
  if (!stale) hold(at - entry.fetchedAt < rules.ttl, 'L2', why)
  if (stale) hold(at >= entry.expiresAt || !!facts.told, 'L13', why)
}

function getsOf(plan: ReadPlan<number, Flight>): oracle.Decision['gets'] {
  if (plan.step === 'reject') return 'error'
  if (plan.step === 'join' || plan.step === 'fetch') return 'wait'
  return plan.stale ? 'stale' : 'value'
}

const startsFetch = ({ step }: { readonly step: string }) => step === 'fetch' || step === 'serve-and-refresh'

/** `nextFetchAt` is the earliest time at which a read starts a fetch; what may be peeked and what may serve as stale. */
function checkDue({ rules, policy }: World, { facts }: Spot, machine: Machine, at: number): void {
  const usable = oracle.isUsable(facts, at)
  hold(isUsable(machine, at) === usable, 'L4', () => `usable at ${at} is not ${usable}`)
  const stale = oracle.mayServeStale(facts, rules, at)
  hold(mayServeStale(machine, policy, at) === stale, 'L13', () => `may serve stale at ${at} is not ${stale}`)
  // A cool-down without an error binds no reader who would have to be told one.
  if (facts.setback && !facts.setback.failed) return
  const { fetches } = oracle.decide(facts, false, rules, at)
  hold(
    at >= nextFetchAt(machine) === fetches,
    'L12',
    () => `a fetch is due at ${nextFetchAt(machine)}, at ${at} it is ${fetches}`,
  )
}

/** L6: whatever a fetch brings that does not own the slot, nothing changes. */
function checkStrangers(world: World, { machine, adrift, now }: Spot): void {
  const stranger: Flight = { reason: 'first', startedAt: now, previous: undefined }
  for (const flight of [...adrift, stranger]) {
    for (const verdict of verdicts(world, flight, now)) {
      const change = transition(machine, { type: 'landed', flight, verdict, now }, world.policy)
      hold(
        !change,
        'L6',
        () => `${verdict.kind} of a fetch without the slot changed the state to ${show(change?.state)}`,
      )
    }
  }
  if (!machine.flight) return
  const second = transition(machine, { type: 'launch', flight: stranger, now }, world.policy)
  hold(!second, 'L5', () => `a second launch changed the state to ${show(second?.state)}`)
}

function verdicts(world: World, { startedAt }: Flight, now: number): Verdict<number>[] {
  const entry = entryOf(world, -1, startedAt, now)
  const failed = { kind: 'failed', error: { late: true }, draw: 1, retryAfter: 0 } as const
  return [
    { kind: 'replaced', entry },
    { kind: 'slow', entry },
    { kind: 'older', entry, draw: 1 },
    { ...failed, class: 'retry' },
    { ...failed, class: 'fatal' },
    { ...failed, class: 'gone' },
  ]
}

/** L20: nothing changes a disposed state. */
function checkAbsorbing(world: World, { machine, now, adrift }: Spot): void {
  const entry = entryOf(world, -1, now, now)
  const flight: Flight = adrift[0] ?? { reason: 'first', startedAt: now, previous: undefined }
  const inputs: Input<number, Flight>[] = [
    { type: 'launch', flight, now },
    { type: 'queue', now },
    { type: 'landed', flight, verdict: { kind: 'replaced', entry }, now },
    { type: 'set', entry, now },
    { type: 'seed', entry, now },
    { type: 'invalidate', now },
    { type: 'reject', value: -1, draw: 1, now },
    { type: 'expire', now },
    { type: 'dispose', now },
  ]
  for (const input of inputs) {
    const change = transition(machine, input, world.policy)
    hold(!change, 'L20', () => `${input.type} changed a disposed state to ${show(change?.state)}`)
  }
}
