/** What must hold for every single step of the machine, whatever led to it. */
import type { Verdict } from '../../src/fetch/verdict.ts'
import type { Setback } from '../../src/state/state.ts'
import type { Change, Input } from '../../src/state/transition.ts'
import type { Rules } from './rules.ts'
import type { Flight, Machine, Spot, World } from './spot.ts'
import { hold, show } from './violation.ts'

type Step = Change<number, Flight> | undefined
type Given = Input<number, Flight>

export function checkEdge({ rules }: World, { machine: before, disposed }: Spot, input: Given, change: Step): void {
  if (disposed) hold(!change, 'L20', () => `${input.type} changed a disposed state to ${show(change?.state)}`)
  else if (!change) checkRefusal(before, input)
  else {
    checkSlot(before, input, change)
    checkValue(before, input, change.state)
    checkCoolDown(rules, before, input, change.state)
    checkFacts(before, input, change)
  }
}

/** Only these may change nothing. */
function checkRefusal(before: Machine, input: Given): void {
  const may =
    input.type === 'seed' ||
    input.type === 'reject' ||
    (input.type === 'launch' && before.flight !== undefined) ||
    (input.type === 'landed' && input.flight !== before.flight)
  hold(may, 'L6', () => `${input.type} was refused in ${show(before)}`)
}

/** L5, L6: who owns the slot afterwards. */
function checkSlot(before: Machine, input: Given, { state, lost, because }: NonNullable<Step>): void {
  const { flight } = before
  switch (input.type) {
    case 'launch':
      hold(!flight, 'L5', () => 'a second fetch was launched into an owned slot')
      hold(state.flight === input.flight, 'L5', () => 'the fetch that was launched does not own the slot')
      break
    case 'landed':
      hold(input.flight === flight, 'L6', () => 'a fetch that does not own the slot changed something')
      hold(!state.flight, 'L5', () => 'a fetch has landed and still owns the slot')
      break
    case 'queue':
      hold(state.flight === flight, 'L8', () => 'queueing changed who owns the slot')
      break
    case 'seed': {
      const kept = !!flight && flight.startedAt > input.entry.fetchedAt
      hold(state.flight === (kept ? flight : undefined), 'L9', () => `a seed and the fetch in the air: kept is ${kept}`)
      hold(
        lost === (kept ? undefined : flight),
        'L9',
        () => 'the fetch that a seed superseded is not the one that lost',
      )
      break
    }
    default:
      hold(!state.flight, 'L6', () => `${input.type} left the slot to a fetch from before it`)
      hold(lost === flight && because !== undefined, 'L6', () => `${input.type} did not tell which fetch it superseded`)
  }
  hold(!state.queued || !!state.flight, 'L8', () => 'a queued fetch waits for nothing')
}

/** L6, L9, L10, L11, L16: what becomes of the value. */
function checkValue({ entry: before }: Machine, input: Given, { entry: after }: Machine): void {
  const because = () => `${input.type} made ${show(after)} of ${show(before)}`
  if (input.type !== 'set' && before && after) hold(after.fetchedAt >= before.fetchedAt, 'L6', because)
  if (input.type === 'reject') hold(before?.value === input.value, 'L10', because)
  const put = entryPutBy(input)
  if (put) hold(after === put, 'L6', because)
  else if (drops(input)) hold(!after, 'L10 L16', because)
  else hold(after === before, 'L11', because)
}

function entryPutBy(input: Given) {
  if (input.type === 'set' || input.type === 'seed') return input.entry
  if (input.type !== 'landed') return undefined
  return input.verdict.kind === 'replaced' || input.verdict.kind === 'renewed' ? input.verdict.entry : undefined
}

function drops(input: Given): boolean {
  if (input.type !== 'landed') return /invalidate|reject|dispose/.test(input.type)
  return input.verdict.kind === 'failed' && input.verdict.class === 'gone'
}

/** L12: its length after a failure, and what clears it. */
function checkCoolDown(rules: Rules, before: Machine, input: Given, after: Machine): void {
  const [was, is] = [before.trouble?.setback, after.trouble?.setback]
  const verdict = input.type === 'landed' ? input.verdict : undefined
  if (verdict?.kind === 'failed' || verdict?.kind === 'older') checkSetback(rules, verdict, input.now, was, is)
  else if (verdict || input.type === 'set') {
    const over = !is?.failure && (is?.nextAttemptAt ?? input.now) <= input.now
    hold(over, 'L12', () => `a success left a cool-down: ${show(is)}`)
  } else if (was && was.failure?.class !== 'gone' && input.type !== 'dispose') {
    const kept = !!is && is.nextAttemptAt >= was.nextAttemptAt && is.attempts >= was.attempts
    hold(kept, 'L10 L12', () => `${input.type} shortened the cool-down: ${show(was)} to ${show(is)}`)
  }
}

function checkSetback(
  { backoff }: Rules,
  verdict: Verdict<number>,
  now: number,
  was: Setback | undefined,
  is: Setback | undefined,
) {
  const length = (is?.nextAttemptAt ?? NaN) - now
  if (verdict.kind === 'failed' && verdict.class === 'gone') {
    hold(length > 0 && length <= 5000, 'L16', () => `"gone" is remembered for ${length} ms`)
    return
  }
  const inARow = was && was.failure?.class !== 'gone' ? was.attempts : 0
  hold(is?.attempts === inARow + 1, 'L12', () => `attempt ${is?.attempts} after ${inARow}`)
  const { base, max } = backoff || { base: 0, max: 0 }
  const delay = Math.min(max, base * 2 ** inARow)
  const asked = verdict.kind === 'failed' && backoff ? Math.min(verdict.retryAfter, 3_600_000) : 0
  const fits = length >= Math.max(delay / 2, asked) && length <= Math.max(delay, asked)
  hold(fits, 'L12', () => `a cool-down of ${length} ms, where ${delay / 2} to ${delay}, at least ${asked}, is right`)
}

/** L11: what happened is told. */
function checkFacts(before: Machine, input: Given, { facts, lost, because }: NonNullable<Step>): void {
  const told = facts.map(({ kind }) => kind)
  const verdict = input.type === 'landed' ? input.verdict : undefined
  const discards = facts.filter((fact) => fact.kind === 'fetch-discarded')
  const lostOne = lost !== undefined && lost === before.flight
  const discarded = lostOne || verdict?.kind === 'older'
  hold(discards.length === (discarded ? 1 : 0), 'L11', () => `${input.type} tells ${show(told)}`)
  if (lostOne) hold(discards[0]?.because === because, 'L11', () => `discarded because of ${discards[0]?.because}`)
  const { reason, startedAt = NaN } = before.flight ?? {}
  const tookMs = input.now - startedAt
  for (const fact of facts) {
    const wrong = () => `${input.type} tells ${show(fact)}`
    if (fact.kind === 'fetch-failed' && verdict?.kind === 'failed') {
      hold(fact.error === verdict.error && fact.class === verdict.class && fact.tookMs === tookMs, 'L11', wrong)
    } else if (fact.kind === 'fetch-succeeded') {
      const changed = verdict?.kind === 'replaced'
      hold(fact.reason === reason && fact.tookMs === tookMs && fact.changed === changed, 'L11', wrong)
    } else if (fact.kind === 'slower-than-ttl') {
      const lifeMs = verdict?.kind === 'slow' ? verdict.entry.expiresAt - startedAt : NaN
      hold(fact.tookMs === tookMs && fact.ttlMs === lifeMs, 'L2', wrong)
    }
  }
  const failed = verdict?.kind === 'failed'
  const succeeded = verdict !== undefined && !failed && verdict.kind !== 'older'
  if (verdict) hold(told.includes('fetch-failed') === failed, 'L11', () => `${input.type} tells ${show(told)}`)
  hold(told.includes('fetch-succeeded') === succeeded, 'L11', () => `${input.type} tells ${show(told)}`)
  hold(told.includes('slower-than-ttl') === (verdict?.kind === 'slow'), 'L2', () => `${input.type} tells ${show(told)}`)
}
