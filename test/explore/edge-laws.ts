/** What must hold for every single step of the machine, whatever led to it. */
import type { Change, Input } from '../../src/state/transition.ts'
import type { Flight, Machine, Spot, World } from './spot.ts'
import { hold, show } from './violation.ts'

type Step = Change<number, Flight> | undefined

export function checkEdge(
  world: World,
  { machine: before, disposed }: Spot,
  input: Input<number, Flight>,
  change: Step,
): void {
  if (disposed) return hold(!change, 'L20', () => `${input.type} changed a disposed state to ${show(change?.state)}`)
  if (!change) return checkRefusal(before, input)
  checkSlot(before, input, change)
  checkValue(before, input, change.state)
  checkCoolDown(world, before, input, change.state)
  checkFacts(before, input, change)
}

/** Only these may change nothing. */
function checkRefusal(before: Machine, input: Input<number, Flight>): void {
  const may =
    input.type === 'seed' ||
    input.type === 'reject' ||
    (input.type === 'launch' && before.flight !== undefined) ||
    (input.type === 'landed' && input.flight !== before.flight)
  hold(may, 'L6', () => `${input.type} was refused in ${show(before)}`)
}

/** L5, L6: who owns the slot afterwards. */
function checkSlot(before: Machine, input: Input<number, Flight>, { state, lost, because }: NonNullable<Step>): void {
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
function checkValue({ entry: before }: Machine, input: Input<number, Flight>, { entry: after }: Machine): void {
  const kept = () =>
    hold(after === before, 'L11', () => `${input.type} changed the value: ${show(before)} to ${show(after)}`)
  const dropped = () => hold(!after, 'L10', () => `${input.type} left a value: ${show(after)}`)
  const put = (entry: unknown) => hold(after === entry, 'L6', () => `${input.type} did not put its value`)
  if (input.type !== 'set' && before && after) {
    hold(
      after.fetchedAt >= before.fetchedAt,
      'L6',
      () => `${input.type} put an older value: ${show(after)} over ${show(before)}`,
    )
  }
  switch (input.type) {
    case 'set':
    case 'seed':
      return put(input.entry)
    case 'landed': {
      const { verdict } = input
      if (verdict.kind === 'failed') return verdict.class === 'gone' ? dropped() : kept()
      return verdict.kind === 'replaced' || verdict.kind === 'renewed' ? put(verdict.entry) : kept()
    }
    case 'reject':
      hold(before?.value === input.value, 'L10', () => 'a value was dropped that is not the rejected one')
      return dropped()
    case 'invalidate':
    case 'dispose':
      return dropped()
    default:
      return kept()
  }
}

/** L12: its length after a failure, and what clears it. */
function checkCoolDown({ rules }: World, before: Machine, input: Input<number, Flight>, after: Machine): void {
  const [was, is] = [before.trouble?.setback, after.trouble?.setback]
  const { now } = input
  const verdict = input.type === 'landed' ? input.verdict : undefined
  if (input.type === 'set' || verdict?.kind === 'replaced' || verdict?.kind === 'renewed') {
    return hold(!is, 'L12', () => `${input.type} left a cool-down: ${show(is)}`)
  }
  if (verdict?.kind === 'slow') {
    return hold(
      !is?.failure && !((is?.nextAttemptAt ?? now) > now),
      'L12',
      () => `a success left a cool-down: ${show(is)}`,
    )
  }
  if (verdict?.kind === 'failed' && verdict.class === 'gone') {
    return hold(!!is && is.nextAttemptAt <= now + 5000, 'L16', () => `"gone" is remembered for too long: ${show(is)}`)
  }
  if (verdict?.kind === 'failed' || verdict?.kind === 'older') {
    const { base, max } = rules.backoff || { base: 0, max: 0 }
    const delay = Math.min(max, base * 2 ** ((is?.attempts ?? 0) - 1))
    const asked = verdict.kind === 'failed' && rules.backoff ? Math.min(verdict.retryAfter, 3_600_000) : 0
    const length = (is?.nextAttemptAt ?? NaN) - now
    const fits = length >= Math.max(delay / 2, asked) && length <= Math.max(delay, asked)
    hold(
      fits,
      'L12',
      () => `a cool-down of ${length} ms after ${is?.attempts} failures (${delay / 2} to ${delay}, asked ${asked})`,
    )
    return hold(
      is?.attempts === (was?.attempts ?? 0) + 1,
      'L12',
      () => `attempt ${is?.attempts} after ${was?.attempts}`,
    )
  }
  if (input.type === 'dispose' || was?.failure?.class === 'gone') return
  const kept = !was || (!!is && is.nextAttemptAt >= was.nextAttemptAt && is.attempts >= was.attempts)
  hold(kept, 'L12', () => `${input.type} shortened the cool-down: ${show(was)} to ${show(is)}`)
}

/** L11: what happened is told. */
function checkFacts(before: Machine, input: Input<number, Flight>, { facts, lost, because }: NonNullable<Step>): void {
  const told = facts.map(({ kind }) => kind)
  const verdict = input.type === 'landed' ? input.verdict : undefined
  const discards = facts.filter((fact) => fact.kind === 'fetch-discarded')
  const lostOne = lost !== undefined && lost === before.flight
  const discarded = lostOne || verdict?.kind === 'older'
  hold(discards.length === (discarded ? 1 : 0), 'L11', () => `${input.type} tells ${show(told)}`)
  if (lostOne) hold(discards[0]?.because === because, 'L11', () => `discarded because of ${discards[0]?.because}`)
  if (verdict?.kind === 'failed') {
    const failed = facts.find((fact) => fact.kind === 'fetch-failed')
    hold(
      failed?.error === verdict.error && failed?.class === verdict.class,
      'L11',
      () => `a failure is told as ${show(failed)}`,
    )
  }
  const succeeded = verdict !== undefined && verdict.kind !== 'failed' && verdict.kind !== 'older'
  hold(told.includes('fetch-succeeded') === succeeded, 'L11', () => `${input.type} tells ${show(told)}`)
  hold(told.includes('slower-than-ttl') === (verdict?.kind === 'slow'), 'L2', () => `${input.type} tells ${show(told)}`)
}
