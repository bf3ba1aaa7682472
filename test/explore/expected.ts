/** What every caller and observer of one cache must see, by the laws: the oracle for the real class. */
import { type Answer, type Attempt, type Caller, looksLike, type Result, type Seen } from './answers.ts'
import { afterFailure, afterOlder, afterRejection, resultOf } from './happenings.ts'
import {
  add,
  decide,
  type Facts,
  factsOf,
  type Held,
  heldFrom,
  isUsable,
  keepFreshAt,
  mayServeStale,
  type Past,
} from './history.ts'
import type { Refusal, Rules } from './rules.ts'

export type Expected = ReturnType<typeof createExpected>

const pending: Answer = { state: 'pending' }

export function createExpected(rules: Rules, startAt: number) {
  let now = startAt
  let past: Past
  let facts = factsOf(undefined)
  let owner: Attempt | undefined
  let trailing: Caller[] | undefined
  let holds = 0
  let disposed = false
  let generation = 0
  const attempts: Attempt[] = []
  const air = new Set<Attempt>()
  const callers: Caller[] = []
  const told: Record<string, number> = {}
  const seen: Seen[] = [lookNow()]

  function lookNow(): Seen {
    const { held, setback } = facts
    const status = disposed ? 'disposed' : owner ? 'refreshing' : held ? 'current' : 'empty'
    return { status, held, failure: setback?.failed ? setback : undefined }
  }
  const tell = (kind: string) => {
    told[kind] = (told[kind] ?? 0) + 1
  }
  const waiting = ({ readers, refreshers }: Attempt) =>
    [...readers, ...refreshers].filter(({ answer }) => answer === pending)
  const inTheAir = () => [...air]

  /** Something happened; observers hear of it if there is anything to see. */
  const happens = (next: Past = past) => {
    if (next !== past) facts = factsOf(next)
    past = next
    const look = lookNow()
    if (!looksLike(seen.at(-1) as Seen, look)) seen.push(look)
  }
  const give = (to: readonly Caller[], answer: Answer) => {
    for (const caller of to) if (caller.answer === pending) caller.answer = answer
  }
  const memory = (held: Held, stale: boolean): Answer => ({ state: 'value', held, from: 'memory', stale })
  const fallback = (): Answer | undefined =>
    facts.held && mayServeStale(facts, rules, now) ? memory(facts.held, !isUsable(facts, now)) : undefined

  const finish = (attempt: Attempt, forReaders: Answer, forRefreshers = forReaders) => {
    give(attempt.readers, forReaders)
    give(attempt.refreshers, forRefreshers)
    air.delete(attempt)
  }
  /** L15: superseded, with nobody left waiting for it. */
  const abandonIfUseless = (attempt: Attempt) => {
    if (attempt.lostTo && air.has(attempt) && waiting(attempt).length === 0) attempt.aborted = air.delete(attempt)
  }
  const launch = (readers: Caller[], refreshers: Caller[]) => {
    const timesOutAt = now + rules.fetchTimeout
    owner = { startedAt: now, timesOutAt, previous: facts.held, readers, refreshers, aborted: false }
    attempts.push(owner)
    air.add(owner)
    tell('fetch-started')
    happens()
  }
  /** After everything else: what was queued starts, and `keepFresh` sees whether it has to fetch. */
  const follow = () => {
    if (trailing && !owner) {
      const refreshers = trailing
      trailing = undefined
      launch([], refreshers)
    }
    if (now >= keeperDue()) launch([], [])
  }
  /** L6: whatever started before it changes nothing any more. */
  const mutate = (because: NonNullable<Attempt['lostTo']>, next: Past) => {
    const lost = owner
    if (lost) lost.lostTo = because
    owner = undefined
    generation++
    happens(next)
    if (lost) abandonIfUseless(lost)
  }
  const keeperDue = () => (holds && !owner && !disposed ? keepFreshAt(facts, now) : Infinity)

  const land = (attempt: Attempt, result: Result, value: number) => {
    const isOwner = attempt === owner
    const held = isOwner ? facts.held : undefined
    const brought = result === 'not modified' ? (attempt.previous as Held).value : value
    const isSame = brought === held?.value
    if (isOwner) owner = undefined
    if (held && !isSame && rules.ordered && brought < held.value) {
      happens(afterOlder(past, rules, now))
      return finish(attempt, memory(held, !isUsable(facts, now)))
    }
    const happened = resultOf(rules, brought, isSame, attempt.startedAt, now)
    if (happened === 'expired') {
      if (isOwner) owner = attempt
      return fail(attempt, 'INVALID_VALUE', { class: 'retry' })
    }
    const got = heldFrom(rules, brought, attempt.startedAt, now)
    if (isOwner) {
      tell('fetch-succeeded')
      happens(add(past, happened))
    }
    finish(attempt, { state: 'value', held: got, from: 'source', stale: got.expiresAt <= now })
  }
  const fail = (attempt: Attempt, error: unknown, refusal: Refusal) => {
    if (attempt === owner) {
      owner = undefined
      tell('fetch-failed')
      happens(afterFailure(past, rules, { at: now, error, ...refusal }))
    }
    const failed: Answer = { state: 'error', error }
    // Who waited when the value was invalidated asked for this fetch's own result.
    const mayFallBack = refusal.class === 'retry' && attempt.lostTo !== 'invalidated'
    finish(attempt, (mayFallBack && fallback()) || failed, failed)
  }
  /** L13, L15: this caller alone stops waiting. */
  const leave = (caller: Caller, answer: () => Answer) => {
    const flight = inTheAir().find(({ readers }) => readers.includes(caller))
    if (flight) {
      flight.readers = flight.readers.filter((other) => other !== caller)
      abandonIfUseless(flight)
    }
    caller.answer = answer()
  }
  const giveUp = (caller: Caller) => leave(caller, () => fallback() ?? { state: 'error', error: 'WAIT_TIMEOUT' })
  /** The next thing that time alone brings about, at most at `until`. */
  const nextDue = (until: number): (() => void) | undefined => {
    const due: { at: number; task: () => void }[] = [{ at: keeperDue(), task: () => {} }]
    for (const attempt of inTheAir()) {
      const timeOut = () => {
        fail(attempt, 'FETCH_TIMEOUT', { class: 'retry' })
        attempt.aborted = true
      }
      due.push({ at: attempt.timesOutAt, task: timeOut })
    }
    for (const caller of callers)
      if (caller.answer === pending) due.push({ at: caller.giveUpAt, task: () => giveUp(caller) })
    const next = due.reduce((first, other) => (other.at < first.at ? other : first))
    if (next.at > until) return undefined
    return () => {
      now = Math.max(now, next.at)
      next.task()
      follow()
    }
  }
  const enter = (answer: Answer, maxWait = Infinity, abortable = false): Caller => {
    const caller = { answer, giveUpAt: now + maxWait, abortable }
    callers.push(caller)
    return caller
  }
  const refuseDisposed = (): Caller => enter({ state: 'error', error: 'DISPOSED' })

  return {
    callers,
    attempts,
    told,
    seen,
    reads: { hits: 0, misses: 0 },
    now: () => now,
    facts: (): Facts => facts,
    owner: () => owner,
    trailing: () => trailing,
    holds: () => holds,
    disposed: () => disposed,
    generation: () => generation,
    inTheAir,
    keeperDue,
    waiting: () => callers.filter(({ answer }) => answer === pending),

    get(maxWait?: number, abortable?: boolean): void {
      if (disposed) return void refuseDisposed()
      const { gets, fetches, error } = decide(facts, !!owner, rules, now)
      this.reads[gets === 'value' || gets === 'stale' ? 'hits' : 'misses']++
      if (gets === 'error') return void enter({ state: 'error', error })
      const caller = enter(gets === 'wait' ? pending : memory(facts.held as Held, gets === 'stale'), maxWait, abortable)
      if (fetches) launch(gets === 'wait' ? [caller] : [], [])
      else if (gets === 'wait') owner?.readers.push(caller)
    },
    /** The first caller with a signal that still waits. */
    abortable: () => callers.findIndex(({ answer, abortable }) => abortable && answer === pending),
    abort(caller: Caller, reason: unknown): void {
      leave(caller, () => ({ state: 'error', error: reason }))
    },
    refresh(ifOlderThan = 0): void {
      if (disposed) return void refuseDisposed()
      const { held, setback, fatal } = facts
      if (held && !fatal && isUsable(facts, now) && now - held.fetchedAt < ifOlderThan)
        return void enter(memory(held, false))
      if (setback?.failed && now - setback.at < ifOlderThan) return void enter({ state: 'error', error: setback.error })
      const caller = enter(pending)
      if (!owner) launch([], [caller])
      else if (now - owner.startedAt < ifOlderThan) owner.refreshers.push(caller)
      else trailing = [...(trailing ?? []), caller]
    },
    /** False: it throws. */
    set(value: number): boolean {
      if (disposed) return false
      const held = heldFrom(rules, value, now, now)
      const waited = inTheAir()
      const queued = trailing ?? []
      trailing = undefined
      tell('value-set')
      mutate('set', add(past, { what: 'set', at: now, held }))
      give(queued, memory(held, false))
      for (const attempt of waited) {
        finish(attempt, memory(held, false))
        attempt.aborted = true
      }
      follow()
      return true
    },
    seed(value: number, fetchedAt: number): boolean {
      const held = heldFrom(rules, value, Math.min(now, fetchedAt), now)
      if (disposed || (facts.held && facts.held.fetchedAt >= held.fetchedAt)) return false
      if (now >= held.expiresAt + rules.staleIfError) return false
      const waited = inTheAir()
      const seeded = add(past, { what: 'seeded', at: now, held })
      tell('value-seeded')
      if (owner && owner.startedAt <= held.fetchedAt) mutate('seeded', seeded)
      else happens(seeded)
      follow()
      if (isUsable(facts, now)) for (const attempt of waited) give(attempt.readers, memory(held, false))
      for (const attempt of waited) abandonIfUseless(attempt)
      return true
    },
    invalidate(): boolean {
      if (disposed) return false
      const did = owner !== undefined || facts.held !== undefined
      tell('invalidated')
      mutate('invalidated', add(past, { what: 'invalidated', at: now }))
      follow()
      return did
    },
    reject(value: number): boolean {
      if (disposed || facts.held?.value !== value) return false
      tell('invalidated')
      const rejected = afterRejection(past, rules, now, 'VALUE_REJECTED')
      if (rejected?.last.what === 'failed') tell('fetch-failed')
      mutate('invalidated', rejected)
      follow()
      return true
    },
    expire(): void {
      if (disposed) return
      tell('expired')
      mutate('expired', add(past, { what: 'expired', at: now }))
      follow()
    },
    settle(attempt: Attempt, result: Result, value: number, error: unknown): void {
      if (!air.has(attempt)) return
      if (typeof result === 'object') fail(attempt, error, result)
      else if (result === 'undefined') fail(attempt, 'INVALID_VALUE', { class: 'retry' })
      else land(attempt, result, value)
      follow()
    },
    hold(): void {
      if (disposed) return
      holds++
      follow()
    },
    release(): void {
      holds--
    },
    /** L3: sleep counts as age; timers stand still meanwhile. */
    sleep(ms: number): void {
      now += ms
      for (const attempt of air) attempt.timesOutAt += ms
      for (const caller of callers) caller.giveUpAt += ms
    },
    advance(ms: number): void {
      const until = now + ms
      for (let next = nextDue(until); next; next = nextDue(until)) next()
      now = until
    },
    dispose(): void {
      if (disposed) return
      const gone: Answer = { state: 'error', error: 'DISPOSED' }
      tell('disposed')
      for (const attempt of inTheAir()) {
        finish(attempt, gone)
        attempt.aborted = true
      }
      give(trailing ?? [], gone)
      trailing = owner = undefined
      disposed = true
      facts = factsOf(undefined)
      happens(undefined)
    },
  }
}
