/** The fetches in the air and who waits for them, by the laws: what the oracle for the real class is made of. */
import { type Answer, type Attempt, type Caller, looksLike, type Result, type Seen } from './answers.ts'
import { afterFailure, afterOlder, resultOf } from './happenings.ts'
import {
  add,
  type Facts,
  factsOf,
  type Held,
  heldFrom,
  isUsable,
  keepFreshAt,
  mayServeStale,
  type Past,
} from './history.ts'
import { type Refusal, type Rules, saysTheSame } from './rules.ts'

export const pending: Answer = { state: 'pending' }

export const memory = (held: Held, stale: boolean): Answer => ({ state: 'value', held, from: 'memory', stale })

export function createSlot(rules: Rules, startAt: number) {
  const callers: Caller[] = []
  const attempts: Attempt[] = []
  const air = new Set<Attempt>()
  /** what listeners are told, in order */
  const news: string[] = []
  const seen: Seen[] = [{ status: 'empty', held: undefined, failure: undefined }]
  const is = {
    now: startAt,
    past: undefined as Past,
    facts: factsOf(undefined) as Facts,
    owner: undefined as Attempt | undefined,
    /** who queued for the trailing fetch */
    trailing: undefined as Caller[] | undefined,
    /** the fetch given last by one of them */
    trailingBy: undefined as number | undefined,
    holds: 0,
    disposed: false,
    generation: 0,
  }

  const tell = (kind: string) => void news.push(kind)
  /** Something happened; observers hear of it if there is anything to see. */
  const happens = (next: Past = is.past) => {
    if (next !== is.past) is.facts = factsOf(next)
    is.past = next
    const { held, setback } = is.facts
    const status = is.disposed ? 'disposed' : is.owner ? 'refreshing' : held ? 'current' : 'empty'
    const look = { status, held, failure: setback?.failed ? setback : undefined } as const
    if (!looksLike(seen.at(-1) as Seen, look)) seen.push(look)
  }
  const give = (to: readonly Caller[], answer: Answer) => {
    for (const caller of to) if (caller.answer === pending) caller.answer = answer
  }
  /** What is held, for callers who would else get an error. */
  const fallback = (callers: readonly Caller[]): Answer | undefined => {
    const { facts, now } = is
    if (!facts.held || !mayServeStale(facts, rules, now)) return undefined
    const stale = !isUsable(facts, now)
    if (stale && callers.some(({ answer }) => answer === pending)) tell('served-stale')
    return memory(facts.held, stale)
  }
  const finish = (attempt: Attempt, forReaders: Answer, forRefreshers = forReaders) => {
    give(attempt.readers, forReaders)
    give(attempt.refreshers, forRefreshers)
    air.delete(attempt)
  }
  /** Answers everybody who waits for it, and stops it. */
  const stop = (attempt: Attempt, answer: Answer) => {
    finish(attempt, answer)
    attempt.aborted = true
  }
  /** L15: superseded, with nobody left waiting for it. */
  const abandonIfUseless = (attempt: Attempt) => {
    const awaited = [...attempt.readers, ...attempt.refreshers].some(({ answer }) => answer === pending)
    if (attempt.lostTo && air.has(attempt) && !awaited) attempt.aborted = air.delete(attempt)
  }
  const launch = (readers: Caller[], refreshers: Caller[], by?: number) => {
    const { now, facts } = is
    const timesOutAt = now + rules.fetchTimeout
    const attempt = {
      by,
      startedAt: now,
      timesOutAt,
      previous: facts.held,
      readers,
      refreshers,
      aborted: false,
      timedOut: false,
    }
    is.owner = attempt
    attempts.push(attempt)
    air.add(attempt)
    tell('fetch-started')
    happens()
  }
  const keeperDue = () => (is.holds && !is.owner && !is.disposed ? keepFreshAt(is.facts, is.now) : Infinity)

  /** After everything else: what was queued starts, and `keepFresh` sees whether it has to fetch. */
  const follow = () => {
    const { trailing, trailingBy } = is
    if (trailing && !is.owner) {
      is.trailing = is.trailingBy = undefined
      launch([], trailing, trailingBy)
    }
    if (is.now >= keeperDue()) launch([], [])
  }
  /** L6: whatever started before it changes nothing any more. */
  const mutate = (because: NonNullable<Attempt['lostTo']>, next: Past) => {
    const lost = is.owner
    if (lost) {
      lost.lostTo = because
      tell('fetch-discarded')
    }
    is.owner = undefined
    is.generation++
    happens(next)
    if (lost) abandonIfUseless(lost)
  }

  const fail = (attempt: Attempt, error: unknown, refusal: Refusal) => {
    if (attempt === is.owner) {
      is.owner = undefined
      tell('fetch-failed')
      happens(afterFailure(is.past, rules, { at: is.now, error, ...refusal }))
    }
    const failed: Answer = { state: 'error', error }
    // Who waited when the value was invalidated asked for this fetch's own result.
    const mayFallBack = refusal.class === 'retry' && attempt.lostTo !== 'invalidated'
    finish(attempt, (mayFallBack && fallback(attempt.readers)) || failed, failed)
  }
  const timeOut = (attempt: Attempt) => {
    fail(attempt, 'FETCH_TIMEOUT', { class: 'retry' })
    attempt.aborted = attempt.timedOut = true
  }
  const land = (attempt: Attempt, result: Result, value: number) => {
    const { now } = is
    const isOwner = attempt === is.owner
    // One that lost the slot is compared with nothing: it only answers its waiters.
    const held = isOwner ? is.facts.held : undefined
    const brought = result === 'not modified' ? (attempt.previous as Held).value : value
    const isSame = held !== undefined && saysTheSame(brought, held.value)
    const kept = isSame ? held.value : brought
    if (held && !isSame && rules.ordered && brought < held.value) {
      is.owner = undefined
      tell('fetch-discarded')
      happens(afterOlder(is.past, rules, now))
      finish(attempt, memory(held, !isUsable(is.facts, now)))
      return
    }
    const happened = resultOf(rules, kept, isSame, attempt.startedAt, now)
    if (happened === 'expired') {
      fail(attempt, 'INVALID_VALUE', { class: 'retry' })
      return
    }
    if (isOwner) {
      is.owner = undefined
      tell('fetch-succeeded')
      if (happened.what === 'slow') tell('slower-than-ttl')
      happens(add(is.past, happened))
    }
    const got = heldFrom(rules, kept, attempt.startedAt, now)
    finish(attempt, { state: 'value', held: got, from: 'source', stale: got.expiresAt <= now })
  }
  /** L13, L15: this caller alone stops waiting. */
  const leave = (caller: Caller, answer: () => Answer) => {
    const flight = [...air].find(({ readers }) => readers.includes(caller))
    if (flight) {
      flight.readers = flight.readers.filter((other) => other !== caller)
      abandonIfUseless(flight)
    }
    caller.answer = answer()
  }
  const giveUp = (caller: Caller) =>
    leave(caller, () => fallback([caller]) ?? { state: 'error', error: 'WAIT_TIMEOUT' })

  return {
    is,
    callers,
    attempts,
    air,
    news,
    seen,
    tell,
    happens,
    give,
    finish,
    stop,
    abandonIfUseless,
    launch,
    keeperDue,
    follow,
    mutate,
    fail,
    timeOut,
    land,
    leave,
    giveUp,
  }
}
