/** Whether a real registry shows exactly what the laws say of each of its keys, and evicts only what it may. */
import { BatchError, type CacheEvent } from 'evercurrent'
import type { Attempt, Seen } from './answers.ts'
import { agrees, isSame, isTheError, kindsOfNews, lawOf } from './compare.ts'
import { isUsable } from './history.ts'
import type { KeyedDuo } from './keyed-duo.ts'
import { isBusy, isHeld, isKnown, type KeyedGot, type Lane, type SourceCall } from './keyed-lane.ts'
import { hold, show } from './violation.ts'

export function compareKeyed(duo: KeyedDuo): void {
  for (const [index, got] of duo.got.entries()) compareCaller(index, got)
  for (const lane of duo.lanes) {
    comparePast(lane)
    compareLook(duo, lane)
  }
  compareList(duo)
  compareBudget(duo)
}

/** Everybody gets what the laws say, and no key what another brought. */
function compareCaller(index: number, got: KeyedGot): void {
  const [first] = got.callers
  if (!first) return
  if (got.callers.length === 1) {
    const { answer } = first
    const single = got as Parameters<typeof agrees>[0]
    hold(agrees(single, answer), lawOf(answer), () => `caller ${index} got ${show(got.value)}, and not ${show(answer)}`)
    return
  }
  const why = () => `caller ${index} of several got ${got.state}, and not ${show(got.callers)}`
  const waits = got.callers.some(({ answer }) => answer.state === 'pending')
  hold(waits === (got.state === 'pending'), 'L7 L8', why)
  if (waits) return
  const errors = got.error instanceof BatchError ? got.error.errors : new Map<unknown, unknown>()
  const values = got.error instanceof BatchError ? got.error.values : (got.value as Map<unknown, unknown>)
  hold(values instanceof Map && (got.state === 'value' || errors.size > 0), 'L15', why)
  for (const [at, { answer }] of got.callers.entries()) {
    const lane = got.lanes[at]
    const isGone = answer.state === 'error' && answer.error === 'GONE'
    const value = answer.state === 'value' ? answer.held.value : undefined
    hold(values.get(lane) === value && values.has(lane) === (answer.state === 'value'), 'L6', why)
    hold(errors.has(lane) === (answer.state === 'error' && !isGone), 'L15', why)
    if (answer.state === 'error' && !isGone) hold(isTheError(errors.get(lane), answer.error), 'L15', why)
  }
}

/** What happened to a key since it was known: its fetches, and what listeners were told. */
export function comparePast({ name, calls, told, expected }: Lane): void {
  const { attempts, news } = expected
  hold(calls.length === attempts.length, 'L5', () => `${calls.length} fetches of ${name}, and not ${attempts.length}`)
  for (const [index, call] of calls.entries()) compareCall(name, call, attempts[index] as Attempt)
  const count = (kind: string) => told.filter((event: CacheEvent) => event.kind === kind).length
  for (const kind of kindsOfNews) {
    if (kind === 'disposed') continue
    const byLaw = news.filter((news) => news === kind).length
    hold(count(kind) === byLaw, 'L11', () => `${name}: told of ${kind} ${count(kind)} times, and not ${byLaw}`)
  }
}

function compareCall(name: string, { isBatch, signal, startedAt, previous, asked }: SourceCall, attempt: Attempt) {
  hold(startedAt === attempt.startedAt, 'L2', () => `a fetch of ${name} started at ${startedAt}`)
  // A batch is aborted once nobody wants any of it.
  const aborted = asked.every((one) => one.attempt.aborted)
  hold(signal.aborted === aborted, 'L15', () => `a fetch of ${name}: aborted is ${signal.aborted}`)
  if (isBatch) return
  const { value, fetchedAt } = previous ?? {}
  const known = value === attempt.previous?.value && fetchedAt === attempt.previous?.fetchedAt
  hold(known, 'L17', () => `a fetch of ${name} was given ${show(previous)}, and not ${show(attempt.previous)}`)
}

/** What can be had of a key without waiting. */
function compareLook(duo: KeyedDuo, lane: Lane): void {
  const { name, entry, expected } = lane
  const cache = duo.cacheOf(lane)
  const [peeked, tried] = [cache.peek(lane), cache.tryGet(lane)]
  const usable = isUsable(expected.facts(), expected.now()) ? expected.facts().held : undefined
  const fresh = usable && expected.now() < usable.agingAt ? usable : undefined
  hold(peeked === usable?.value, 'L4', () => `peek(${name}) is ${peeked}, and not ${usable?.value}`)
  hold(tried === fresh?.value, 'L4', () => `tryGet(${name}) is ${tried}, and not ${fresh?.value}`)
  if (!entry) return
  const seen = expected.seen.at(-1) as Seen
  const snapshot = entry.getSnapshot()
  hold(isSame(snapshot, seen), 'L22', () => `the snapshot of ${name} is ${show(snapshot)}, and not ${show(seen)}`)
  hold(snapshot === entry.getSnapshot(), 'L22', () => `two snapshots of one state of ${name}`)
  if (!lane.unsubscribe) return
  const commits = expected.seen.slice(lane.heardFrom)
  const alike =
    lane.heard.length === commits.length && commits.every((seen, at) => isSame(lane.heard[at] as never, seen))
  hold(alike, 'L21', () => `observers of ${name} heard ${show(lane.heard)}, and not ${show(commits)}`)
}

/** Which keys are known and which hold a value, as inspect(), keys(), size and stats() tell it. */
function compareList({ registry, lanes, types, retired }: KeyedDuo): void {
  const inspected = [...registry.inspect()]
  for (const lane of lanes) {
    const { name, expected, type, key } = lane
    const found = inspected.filter((one) => one.type === type && one.key.join('|') === key.join('|'))
    const isListed = isKnown(lane) ? 1 : 0
    hold(found.length === isListed, 'the registry', () => `inspect() lists ${name} ${found.length} times`)
    const [is] = found
    if (!is) continue
    const { held, setback } = expected.facts()
    const failure = setback?.failed ? setback.error : undefined
    const now = expected.now()
    const ends = Math.max(now, is.nextAttemptAt ?? now)
    hold(is.age === (held && now - held.fetchedAt), 'L2', () => `inspect() of ${name}: age ${is.age}`)
    hold(is.expiresAt === held?.expiresAt, 'L2', () => `inspect() of ${name}: expires at ${is.expiresAt}`)
    hold(is.waiting === expected.waiting().length, 'L5', () => `inspect() of ${name}: ${is.waiting} are waiting`)
    hold(is.observers === (lane.unsubscribe ? 1 : 0), 'L22', () => `inspect() of ${name}: ${is.observers} observers`)
    hold(ends === Math.max(now, setback?.until ?? now), 'L12', () => `${name}: the cool-down ends at ${ends}`)
    hold(isTheError(is.lastError, failure), 'L11', () => `inspect() of ${name}: last error ${show(is.lastError)}`)
  }
  hold(inspected.length <= lanes.length, 'the registry', () => `inspect() lists ${inspected.length} keys`)
  for (const [type, cache] of Object.entries(types)) {
    const listed = [...cache.keys()].map((key) => key.join('|')).sort()
    const byLaw = lanes.filter((lane) => lane.type === type && isHeld(lane)).map(({ key }) => key.join('|'))
    hold(listed.join() === byLaw.sort().join(), 'the registry', () => `keys() lists ${listed}, and not ${byLaw}`)
    hold(cache.size === listed.length, 'the registry', () => `size is ${cache.size}`)
  }
  const { hits, misses, fetches, entries, evictions } = registry.stats()
  const sum = (of: (lane: Lane) => number) => lanes.reduce((all, lane) => all + of(lane), 0)
  const byLaw = {
    hits: retired.hits + sum(({ expected }) => expected.reads.hits),
    misses: retired.misses + sum(({ expected }) => expected.reads.misses),
    fetches: retired.fetches + sum(({ expected }) => expected.attempts.length),
    entries: lanes.filter(isHeld).length,
    evictions: retired.evictions,
  }
  const is = { hits, misses, fetches, entries, evictions }
  hold(show(is) === show(byLaw), 'the registry', () => `stats() are ${show(is)}, and not ${show(byLaw)}`)
}

/** Once nothing is in the air or observed, what rests is within the budget. */
function compareBudget({ keyed, lanes }: KeyedDuo): void {
  if (lanes.some(isBusy)) return
  const held = lanes.filter(isHeld)
  hold(held.length <= keyed.maxEntries, 'the budget', () => `${held.map(({ name }) => name)} rest together`)
}

/** Only to make room, never what is fetched or observed, and first what was not used for longest. */
export function judgeEviction({ keyed, lanes }: KeyedDuo, lane: Lane): void {
  // Of two fetches of one call the one that failed lands last: what it drops was there when the other made room.
  const held = lanes.filter((one) => one.wasHeld || isHeld(one))
  hold(held.includes(lane), 'the budget', () => `${lane.name} was evicted, and was not there`)
  hold(held.length > keyed.maxEntries, 'the budget', () => `${lane.name} was evicted, and there was room`)
  hold(!isBusy(lane), 'the budget', () => `${lane.name} was evicted while it was fetched or observed`)
  const older = held.find((one) => isHeld(one) && !isBusy(one) && one.usedAt < lane.usedAt)
  hold(!older, 'the budget', () => `${lane.name} was evicted before ${older?.name}, which was used before it`)
}
