/** Whether a real cache shows exactly what the laws say, to every caller and every observer. */
import { CacheError, type Reading, type Snapshot } from 'evercurrent'
import type { Answer, Seen } from './answers.ts'
import type { Duo, Got } from './duo.ts'
import { isUsable } from './history.ts'
import { hold, show } from './violation.ts'

export function compare(duo: Duo): void {
  compareCalls(duo)
  compareCallers(duo)
  compareState(duo)
  compareInspection(duo)
  compareNews(duo)
  compareTimers(duo)
}

/** Ours are known by their code, those of a fetch are the same object. */
export const isTheError = (error: unknown, expected: unknown) =>
  typeof expected === 'string' ? error instanceof CacheError && error.code === expected : error === expected

/** L5, L15, L17: how often the fetch was called, with what, and which of the calls were aborted. */
function compareCalls({ calls, expected: { attempts } }: Duo): void {
  hold(calls.length === attempts.length, 'L5', () => `${calls.length} fetches were called, and not ${attempts.length}`)
  for (const [index, attempt] of attempts.entries()) {
    const { by, context, previous } = calls[index] as Duo['calls'][number]
    hold(by === attempt.by, 'L5 L8', () => `fetch ${index} was that of caller ${by}, and not of ${attempt.by}`)
    const { aborted } = context.signal
    hold(aborted === attempt.aborted, 'L15', () => `fetch ${index}: aborted is ${aborted}, and not ${attempt.aborted}`)
    hold(context.startedAt === attempt.startedAt, 'L2', () => `fetch ${index} started at ${context.startedAt}`)
    const known = previous?.value === attempt.previous?.value && previous?.fetchedAt === attempt.previous?.fetchedAt
    hold(known, 'L17', () => `fetch ${index} was given ${show(previous)}, and not ${show(attempt.previous)}`)
  }
}

/** Who waits, who has got what. */
function compareCallers({ got, expected: { callers } }: Duo): void {
  for (const [index, { answer }] of callers.entries()) {
    const real = got[index]
    if (real)
      hold(agrees(real, answer), lawOf(answer), () => `caller ${index} got ${show(real)}, and not ${show(answer)}`)
  }
}

export const lawOf = (answer: Answer) =>
  answer.state === 'error' ? 'L15' : answer.state === 'pending' ? 'L7 L8' : 'L6 L9 L13'

export function agrees({ asReading, state, value, error }: Got, answer: Answer): boolean {
  if (state !== answer.state) return false
  if (answer.state === 'pending') return true
  if (answer.state === 'error') return isTheError(error, answer.error)
  const { held, from, stale } = answer
  if (!asReading) return value === held.value
  const reading = value as Reading<number>
  const sameTimes = reading.fetchedAt === held.fetchedAt && reading.expiresAt === held.expiresAt
  return reading.value === held.value && sameTimes && reading.from === from && reading.stale === stale
}

/** L4: what can be had without waiting. */
function compareState({ cache, expected }: Duo): void {
  const facts = expected.facts()
  const usable = isUsable(facts, expected.now()) ? facts.held : undefined
  const fresh = usable && expected.now() < usable.agingAt ? usable : undefined
  hold(cache.peek() === usable?.value, 'L4', () => `peek() is ${cache.peek()}, and not ${usable?.value}`)
  hold(cache.tryGet() === fresh?.value, 'L4', () => `tryGet() is ${cache.tryGet()}, and not ${fresh?.value}`)
  const snapshot = cache.getSnapshot()
  const seen = expected.seen.at(-1) as Seen
  hold(isSame(snapshot, seen), 'L22', () => `the snapshot is ${show(snapshot)}, and not ${show(seen)}`)
  hold(snapshot === cache.getSnapshot(), 'L22', () => 'two snapshots of one state')
}

export function isSame({ status, value, fetchedAt, expiresAt, failure }: Snapshot<number>, seen: Seen): boolean {
  const { held } = seen
  const same =
    status === seen.status && value === held?.value && fetchedAt === held?.fetchedAt && expiresAt === held?.expiresAt
  if (!same || !failure || !seen.failure) return same && !failure === !seen.failure
  const { error, at, attempts, nextAttemptAt } = failure
  const { until } = seen.failure
  return (
    isTheError(error, seen.failure.error) &&
    at === seen.failure.at &&
    attempts === seen.failure.attempts &&
    nextAttemptAt === until
  )
}

function compareInspection({ cache, expected }: Duo): void {
  const { held, setback, told } = expected.facts()
  const now = expected.now()
  const is = cache.inspect()
  const freshness = held && (told || now >= held.expiresAt ? 'expired' : now >= held.agingAt ? 'aging' : 'fresh')
  const byLaw = {
    freshness,
    age: held && now - held.fetchedAt,
    refreshAt: held?.refreshAt,
    expiresAt: held?.expiresAt,
    waiting: expected.waiting().length,
    observers: expected.disposed() ? 0 : 2,
  }
  for (const key of Object.keys(byLaw) as (keyof typeof byLaw)[]) {
    hold(is[key] === byLaw[key], 'L11', () => `inspect().${key} is ${is[key]}, and not ${byLaw[key]}`)
  }
  const ends = Math.max(now, is.nextAttemptAt ?? now)
  hold(
    ends === Math.max(now, setback?.until ?? now),
    'L12',
    () => `the cool-down ends at ${ends}, and not ${setback?.until}`,
  )
  const error = setback?.failed ? setback.error : undefined
  hold(isTheError(is.lastError, error), 'L11', () => `the last error is ${show(is.lastError)}, and not ${show(error)}`)
  if (!expected.disposed()) hold(is.generation === expected.generation(), 'L6', () => `generation ${is.generation}`)
  const { hits, misses, fetches } = cache.stats()
  hold(
    hits === expected.reads.hits && misses === expected.reads.misses,
    'the table',
    () => `${hits} hits, ${misses} misses`,
  )
  hold(fetches === expected.attempts.length, 'L5', () => `stats() counts ${fetches} fetches`)
}

/** L11, L21: everybody hears of everything, in the order in which it was committed. */
function compareNews({
  cache,
  snapshots: [first = [], second = []],
  events: [told = [], alsoTold = []],
  expected,
}: Duo): void {
  const commits = expected.seen.slice(1)
  hold(first.length === commits.length, 'L21', () => `heard of ${first.length} snapshots, and not ${commits.length}`)
  for (const [index, snapshot] of first.entries()) {
    hold(snapshot === second[index], 'L21', () => `two listeners heard another snapshot ${index}`)
    const commit = commits[index] as Seen
    hold(isSame(snapshot, commit), 'L21', () => `snapshot ${index} is ${show(snapshot)}, and not ${show(commit)}`)
  }
  if (first.length > 0)
    hold(first.at(-1) === cache.getSnapshot(), 'L21', () => 'the last snapshot heard is not the last one')
  hold(told.length === alsoTold.length, 'L21', () => 'one listener heard more events')
  const counts: Record<string, number> = {}
  for (const [index, event] of told.entries()) {
    hold(event === alsoTold[index], 'L21', () => `two listeners heard another event ${index}`)
    counts[event.kind] = (counts[event.kind] ?? 0) + 1
    if (event.kind !== 'fetch-failed') continue
    const pause = event.nextAttemptAt - event.at
    hold(pause >= 0 && pause <= longestPause, 'L12', () => `event ${index} tells of a pause of ${pause} ms`)
  }
  for (const kind of kindsOfNews) {
    const [is, byLaw] = [counts[kind] ?? 0, expected.news.filter((news) => news === kind).length]
    hold(is === byLaw, 'L11', () => `told of ${kind} ${is} times, and not ${byLaw}`)
  }
}

/** of all rules */
const longestPause = 14_400_000

export const kindsOfNews = [
  'fetch-started',
  'fetch-succeeded',
  'fetch-failed',
  'fetch-discarded',
  'slower-than-ttl',
  'served-stale',
  'value-set',
  'value-seeded',
  'invalidated',
  'expired',
  'disposed',
  'listener-failed',
]

/** L20: one timer for every fetch; those of bounded waits and of `keepFresh()` hold the process, and no other does. */
function compareTimers({ clock, expected, rules }: Duo): void {
  const { holding, others } = clock.timers
  const flights = rules.fetchTimeout < Infinity ? expected.inTheAir().length : 0
  const waits = expected.waiting().filter(({ giveUpAt }) => giveUpAt < Infinity).length
  const keeper = expected.holds() > 0 && !expected.disposed() ? 1 : 0
  hold(others === flights, 'L20', () => `${others} timers are left for ${flights} fetches`)
  hold(holding === waits + keeper, 'L20', () => `${holding} timers hold the process, and not ${waits + keeper}`)
}
