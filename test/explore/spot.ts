/** One place the machine can be in, with what the history says should be there, and every move from it. */
import type { Launch } from '../../src/fetch/flight.ts'
import type { Verdict } from '../../src/fetch/verdict.ts'
import { type Entry, makeEntry } from '../../src/policy/lifetime.ts'
import type { Policy } from '../../src/policy/policy.ts'
import type { State } from '../../src/state/state.ts'
import { type Input, transition } from '../../src/state/transition.ts'
import { checkEdge } from './edge-laws.ts'
import { afterFailure, afterOlder, afterRejection, resultOf } from './happenings.ts'
import { add, decide, type Facts, factsOf, heldFrom, type Past } from './history.ts'
import type { Refusal, Rules } from './rules.ts'
import { hold, show } from './violation.ts'

export type Flight = Launch<number>
export type Machine = State<number, Flight>

export interface World {
  readonly rules: Rules
  readonly policy: Policy<number>
}

export interface Spot {
  readonly now: number
  readonly machine: Machine
  readonly past: Past
  readonly facts: Facts
  /** the fetch that owns the slot, by the laws */
  readonly owner: Flight | undefined
  /** a trailing fetch is wanted */
  readonly trailing: boolean
  /** fetches that lost the slot and have not settled */
  readonly adrift: readonly Flight[]
  readonly disposed: boolean
}

/** What an input must bring about. */
interface Expected {
  readonly past?: Past
  readonly owner?: Flight | undefined
  readonly trailing?: boolean
  readonly disposed?: boolean
  /** the trailing fetch starts now */
  readonly starts?: boolean
}

let values = 0
const newValue = () => ++values
const mostAdrift = 2

export const start = ({ rules }: World): Spot => ({
  now: rules.startAt,
  machine: { kind: 'empty' },
  past: undefined,
  facts: factsOf(undefined),
  owner: undefined,
  trailing: false,
  adrift: [],
  disposed: false,
})

/** Applies one input, checks the edge, and starts the trailing fetch if it is time for that. */
function commit(world: World, spot: Spot, input: Input<number, Flight>, expected: Expected): Spot {
  const change = transition(spot.machine, input, world.policy)
  checkEdge(world, spot, input, change)
  hold(change !== undefined, 'L6', () => `${input.type} changed nothing`)
  const { state: machine, lost } = change as NonNullable<typeof change>
  const past = 'past' in expected ? expected.past : spot.past
  const next: Spot = {
    ...spot,
    machine,
    past,
    facts: past === spot.past ? spot.facts : factsOf(past),
    owner: 'owner' in expected ? expected.owner : spot.owner,
    trailing: expected.trailing ?? spot.trailing,
    disposed: expected.disposed ?? spot.disposed,
    adrift: lost ? [...spot.adrift, lost].slice(-mostAdrift) : spot.adrift,
  }
  const starts = (change as NonNullable<typeof change>).startQueued === true
  hold(starts === (expected.starts ?? false), 'L8', () => `${input.type}: the queued fetch starts: ${starts}`)
  return starts ? launch(world, next, 'refresh') : next
}

/** Applies an input that must change nothing at all. */
function refuse(world: World, spot: Spot, input: Input<number, Flight>, law: string): Spot {
  const change = transition(spot.machine, input, world.policy)
  hold(change === undefined, law, () => `${show(input)} changed the state to ${show(change?.state)}`)
  return spot
}

function launch(world: World, spot: Spot, reason: Flight['reason']): Spot {
  const flight = { reason, startedAt: spot.now, previous: spot.machine.entry }
  return commit(world, spot, { type: 'launch', flight, now: spot.now }, { owner: flight, trailing: false })
}

/** A mutation takes the slot from its owner, and starts what was queued behind that. */
function superseding(spot: Spot, past: Past): Expected {
  return { past, owner: undefined, trailing: false, starts: spot.trailing }
}

export function entryOf({ rules, policy }: World, value: number, fetchedAt: number, now: number): Entry<number> {
  return makeEntry(policy, value, {
    fetchedAt,
    arrivedAt: now,
    ownExpiry: fetchedAt + rules.ownLife,
    draw: () => rules.draw,
  })
}

export function read(world: World, spot: Spot): Spot {
  const { fetches } = decide(spot.facts, !!spot.owner, world.rules, spot.now)
  return fetches ? launch(world, spot, 'first') : spot
}

export function refresh(world: World, spot: Spot): Spot {
  if (!spot.owner) return launch(world, spot, 'refresh')
  return commit(world, spot, { type: 'queue', now: spot.now }, { trailing: true })
}

export function set(world: World, spot: Spot): Spot {
  const { now } = spot
  const entry = entryOf(world, newValue(), now, now)
  const past = add(spot.past, { what: 'set', at: now, held: heldFrom(world.rules, entry.value, now, now) })
  return commit(world, spot, { type: 'set', entry, now }, { past, owner: undefined, trailing: false })
}

export function seed(world: World, spot: Spot, fetchedAt: number): Spot {
  const { now, past, facts, owner } = spot
  const entry = entryOf(world, newValue(), fetchedAt, now)
  const input = { type: 'seed', entry, now } as const
  if (facts.held && facts.held.fetchedAt >= fetchedAt) return refuse(world, spot, input, 'L9')
  if (now >= entry.expiresAt + world.rules.staleIfError) return refuse(world, spot, input, 'L9')
  const seeded = add(past, { what: 'seeded', at: now, held: heldFrom(world.rules, entry.value, fetchedAt, now) })
  const keepsTheSlot = !owner || owner.startedAt > fetchedAt
  return commit(world, spot, input, keepsTheSlot ? { past: seeded } : superseding(spot, seeded))
}

export function invalidate(world: World, spot: Spot): Spot {
  const { now, past } = spot
  return commit(
    world,
    spot,
    { type: 'invalidate', now },
    superseding(spot, add(past, { what: 'invalidated', at: now })),
  )
}

export function rejectHeld(world: World, spot: Spot): Spot {
  const { now, past, facts } = spot
  const value = facts.held?.value ?? newValue()
  // Another draw than that of a failure, so that its cool-down may be the shorter one.
  const draw = 1 - world.rules.draw
  const input = { type: 'reject', value, draw, now } as const
  if (!facts.held) return refuse(world, spot, input, 'L10')
  // The error is the machine's own: it is recognised by its code.
  return commit(world, spot, input, superseding(spot, afterRejection(past, world.rules, now, 'VALUE_REJECTED', draw)))
}

export function rejectOther(world: World, spot: Spot): Spot {
  return refuse(world, spot, { type: 'reject', value: newValue(), draw: world.rules.draw, now: spot.now }, 'L10')
}

export function expire(world: World, spot: Spot): Spot {
  const { now, past } = spot
  return commit(world, spot, { type: 'expire', now }, superseding(spot, add(past, { what: 'expired', at: now })))
}

export function dispose(world: World, spot: Spot): Spot {
  const gone = { past: undefined, owner: undefined, trailing: false, disposed: true }
  return commit(world, spot, { type: 'dispose', now: spot.now }, gone)
}

export type Result = 'new' | 'same' | 'older' | Refusal

/** The fetch settles: the one that owns the slot, or one that lost it and must change nothing. */
export function settle(world: World, spot: Spot, flight: Flight, result: Result): Spot {
  const { now, past, facts } = spot
  const { rules } = world
  const owned = { owner: undefined, trailing: false, starts: spot.trailing }
  const isOwner = flight === spot.owner
  const land = (verdict: Verdict<number>, after: Past) => {
    const input = { type: 'landed', flight, verdict, now } as const
    if (isOwner) return commit(world, spot, input, { ...owned, past: after })
    const late = refuse(world, spot, input, 'L6')
    return { ...late, adrift: late.adrift.filter((other) => other !== flight) }
  }
  const fail = (error: unknown, refusal: Refusal) => {
    const { class: severity, retryAfter = 0 } = refusal
    const verdict = { kind: 'failed', error, class: severity, draw: rules.draw, retryAfter } as const
    return land(verdict, afterFailure(past, rules, { at: now, error, class: severity, retryAfter }))
  }
  if (typeof result === 'object') return fail({ ...result }, result)
  const { entry: held } = spot.machine
  if (result === 'older' && held)
    return land({ kind: 'older', entry: held, draw: rules.draw }, afterOlder(past, rules, now))
  const isSame = result === 'same' && facts.held !== undefined
  const value = isSame ? (facts.held?.value as number) : newValue()
  const happened = resultOf(rules, value, isSame, flight.startedAt, now)
  if (happened === 'expired') return fail({ code: 'INVALID_VALUE' }, { class: 'retry' })
  const entry = entryOf(world, value, flight.startedAt, now)
  const kind = happened.what === 'slow' ? 'slow' : isSame ? 'renewed' : 'replaced'
  return land({ kind, entry }, add(past, happened))
}

/** Only time goes by. */
export const waitUntil = (spot: Spot, at: number): Spot => ({ ...spot, now: at })
