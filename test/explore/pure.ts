/** Walks every schedule of the pure machine, state by state, and checks the laws in every state and on every edge. */
import type { Rules } from './rules.ts'
import { policyOf } from './rules.ts'
import type { Spot, World } from './spot.ts'
import * as play from './spot.ts'
import { checkState } from './state-laws.ts'
import { Violation } from './violation.ts'

type Move = (world: World, spot: Spot) => Spot | undefined

const settleOwner =
  (result: play.Result): Move =>
  (world, spot) =>
    spot.owner && play.settle(world, spot, spot.owner, result)

/** The oldest fetch that lost the slot settles. */
const settleLate =
  (result: play.Result): Move =>
  (world, spot) =>
    spot.adrift[0] && play.settle(world, spot, spot.adrift[0], result)

const seedFrom =
  (fetchedAt: (world: World, spot: Spot) => number | undefined): Move =>
  (world, spot) => {
    const at = fetchedAt(world, spot)
    return at === undefined || at > spot.now ? undefined : play.seed(world, spot, at)
  }

const pass =
  (until: (world: World, spot: Spot) => number | undefined): Move =>
  (world, spot) => {
    const at = until(world, spot) ?? spot.now
    return at > spot.now && at < Infinity ? play.waitUntil(spot, at) : undefined
  }

/** Everything that may happen. A move that cannot be made is `undefined`. */
const moves: Readonly<Record<string, Move>> = {
  get: play.read,
  refresh: play.refresh,
  set: play.set,
  'seed, fetched now': seedFrom((_, { now }) => now),
  'seed, fetched with the flight': seedFrom((_, { owner }) => owner?.startedAt),
  'seed, fetched before the flight': seedFrom((_, { owner, now }) => (owner?.startedAt ?? now) - 500),
  'seed, expired': seedFrom(({ rules }, { now }) => now - Math.min(rules.ttl, rules.ownLife) - 500),
  invalidate: play.invalidate,
  'invalidate if the held value': play.rejectHeld,
  'invalidate if another value': play.rejectOther,
  expire: play.expire,
  'settle: new': settleOwner('new'),
  'settle: same': settleOwner('same'),
  'settle: older': (world, spot) => (world.rules.ordered ? settleOwner('older')(world, spot) : undefined),
  'settle: retry': settleOwner({ class: 'retry' }),
  'settle: retry after 7 s': settleOwner({ class: 'retry', retryAfter: 7000 }),
  'settle: fatal': settleOwner({ class: 'fatal' }),
  'settle: gone': settleOwner({ class: 'gone' }),
  'settle late: new': settleLate('new'),
  'settle late: retry': settleLate({ class: 'retry' }),
  timeout: (world, spot) => {
    if (!spot.owner) return undefined
    const at = spot.owner.startedAt + world.rules.fetchTimeout
    return at < spot.now ? undefined : play.settle(world, play.waitUntil(spot, at), spot.owner, { class: 'retry' })
  },
  'a second passes': pass((_, { now }) => now + 1000),
  'to the window': pass((_, { facts }) => facts.held?.refreshAt),
  'to the expiry': pass((_, { facts }) => facts.held?.expiresAt),
  'past stale-if-error': pass(({ rules }, { facts }) => facts.held && facts.held.expiresAt + rules.staleIfError),
  'past the cool-down': pass((_, { facts }) => facts.setback?.until),
  'past 5 s of the cool-down': pass((_, { facts }) => facts.setback && facts.setback.at + 5000),
  dispose: play.dispose,
}

const names = Object.keys(moves)

/** Two places with the same key behave alike: times count from now, values and errors by identity alone. */
function keyOf({ now, machine, facts, adrift }: Spot): string {
  const { kind, entry, flight, queued, trouble } = machine
  const { setback: s, told, rejections: r } = trouble ?? {}
  let key = `${kind}${queued ? 'q' : ''}${adrift.length}`
  if (entry)
    key += `e${entry.fetchedAt - now},${entry.agingAt - now},${(entry.refreshAt ?? 0) - now},${entry.expiresAt - now}`
  if (flight) key += `f${flight.startedAt - now}`
  if (s)
    key += `s${s.at - now},${s.attempts},${s.nextAttemptAt - now},${s.failure?.class},${s.fatal ? s.fatal === s.failure : '-'}`
  if (told) key += `t${told.at - now},${told.tried ?? ''}`
  if (r) key += `r${r.inARow},${(r.heldSince ?? Infinity) - now}`
  return `${key}|${keyOfFacts(facts, now)}`
}

/** What the machine has wrongly forgotten or remembered makes another place, which is then checked. */
function keyOfFacts({ held, setback: s, fatal, told, rejection: r }: Spot['facts'], now: number): string {
  let key = held ? `h${held.fetchedAt - now},${held.refreshAt - now},${held.expiresAt - now}` : ''
  if (s) key += `s${s.at - now},${s.attempts},${s.until - now},${s.failed},${fatal ? fatal.error === s.error : '-'}`
  if (told) key += `t${told.at - now},${told.tried}`
  return r ? `${key}r${r.inARow},${(r.since ?? Infinity) - now}` : key
}

export interface Explored {
  readonly states: number
  readonly edges: number
  /** sequences of that many moves, which all lead through these states */
  readonly schedules: number
}

/** Throws the first `Violation`, with the shortest schedule that leads to it. */
export function explorePure(rules: Rules, depth: number): Explored {
  const world: World = { rules, policy: policyOf(rules) }
  const found = new Map<string, number>()
  /** how each state was found first */
  const parents: number[] = []
  const through: number[] = []
  const edges: number[][] = []
  let frontier: [number, Spot][] = []

  const scheduleTo = (state: number, last?: number): string[] => {
    const schedule = last === undefined ? [] : [names[last] as string]
    for (let at = state; at > 0; at = parents[at] as number) schedule.unshift(names[through[at] as number] as string)
    return schedule
  }
  const locate = (spot: Spot, from: number, move: number, next: [number, Spot][]): number => {
    const key = keyOf(spot)
    const known = found.get(key)
    if (known !== undefined) return known
    const state = found.size
    found.set(key, state)
    parents.push(from)
    through.push(move)
    checkState(world, spot)
    next.push([state, spot])
    return state
  }
  locate(play.start(world), 0, 0, frontier)
  for (let step = 0; step < depth; step++) {
    const next: [number, Spot][] = []
    for (const [state, spot] of frontier) {
      const targets: number[] = []
      if (!spot.disposed) {
        for (let move = 0; move < names.length; move++) {
          try {
            const to = (moves[names[move] as string] as Move)(world, spot)
            if (to) targets.push(to === spot ? state : locate(to, state, move, next))
          } catch (error) {
            throw error instanceof Violation ? error.after(rules.name, scheduleTo(state, move)) : error
          }
        }
      }
      edges[state] = targets
    }
    frontier = next
  }
  return {
    states: found.size,
    edges: edges.reduce((sum, { length }) => sum + length, 0),
    schedules: walks(edges, depth),
  }
}

/** How many ways there are to make that many moves, or fewer until nothing more can happen. */
function walks(edges: readonly (readonly number[])[], moves: number): number {
  let ways = new Map([[0, 1]])
  let ended = 0
  for (let step = 0; step < moves; step++) {
    const next = new Map<number, number>()
    for (const [state, count] of ways) {
      const targets = edges[state] as readonly number[]
      if (targets.length === 0) ended += count
      for (const to of targets) next.set(to, (next.get(to) ?? 0) + count)
    }
    ways = next
  }
  return [...ways.values()].reduce((sum, count) => sum + count, ended)
}
