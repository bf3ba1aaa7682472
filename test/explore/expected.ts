/** What every caller and observer of one cache must see, by the laws: the oracle for the real class. */
import type { Answer, Attempt, Caller, Result } from './answers.ts'
import { afterRejection } from './happenings.ts'
import { add, decide, factsOf, type Held, heldFrom, isUsable } from './history.ts'
import type { Rules } from './rules.ts'
import { createSlot, memory, pending } from './slot.ts'

export type Expected = ReturnType<typeof createExpected>

/** `meddle` is a listener that uses the cache. */
export function createExpected(rules: Rules, startAt: number, meddle: (kind: string) => void) {
  const slot = createSlot(rules, startAt)
  const { is, callers, attempts, air, news } = slot
  const reads = { hits: 0, misses: 0 }

  let heard = 0
  let telling = false
  /** L21: listeners hear of it after everything else, and of what they cause themselves after that. */
  const letHear = () => {
    if (telling) return
    telling = true
    while (heard < news.length) meddle(news[heard++] as string)
    telling = false
  }
  const follow = () => {
    slot.follow()
    letHear()
  }
  const enter = (answer: Answer, maxWait = Infinity, abortable = false): Caller => {
    const caller = { answer, giveUpAt: is.now + maxWait, abortable }
    callers.push(caller)
    return caller
  }
  const enterRefused = (error: unknown) => enter({ state: 'error', error })

  /** Lets happen whatever time alone brings about next, at most at `until`. False: nothing more does. */
  const letPass = (until: number): boolean => {
    const due = [{ at: slot.keeperDue(), task: () => {} }]
    for (const attempt of air) due.push({ at: attempt.timesOutAt, task: () => slot.timeOut(attempt) })
    for (const caller of waiting()) due.push({ at: caller.giveUpAt, task: () => slot.giveUp(caller) })
    const next = due.reduce((first, other) => (other.at < first.at ? other : first))
    if (next.at > until) return false
    is.now = Math.max(is.now, next.at)
    next.task()
    follow()
    return true
  }
  const waiting = () => callers.filter(({ answer }) => answer === pending)

  return {
    callers,
    attempts,
    reads,
    news,
    seen: slot.seen,
    now: () => is.now,
    facts: () => is.facts,
    trailing: () => is.trailing,
    holds: () => is.holds,
    disposed: () => is.disposed,
    generation: () => is.generation,
    inTheAir: () => [...air],
    waiting,
    /** The first caller with a signal that still waits. */
    abortable: () => callers.findIndex(({ answer, abortable }) => abortable && answer === pending),

    get(maxWait?: number, abortable?: boolean): Caller {
      if (is.disposed) return enterRefused('DISPOSED')
      const { gets, fetches, error } = decide(is.facts, !!is.owner, rules, is.now)
      reads[gets === 'value' || gets === 'stale' ? 'hits' : 'misses']++
      if (gets === 'stale') slot.tell('served-stale')
      if (gets === 'error') return enterRefused(error)
      const answer = gets === 'wait' ? pending : memory(is.facts.held as Held, gets === 'stale')
      const caller = enter(answer, maxWait, abortable)
      if (fetches) slot.launch(gets === 'wait' ? [caller] : [], [])
      else if (gets === 'wait') is.owner?.readers.push(caller)
      letHear()
      return caller
    },
    abort(caller: Caller, error: unknown): void {
      slot.leave(caller, () => ({ state: 'error', error }))
    },
    refresh(ifOlderThan = 0, by?: number): Caller {
      if (is.disposed) return enterRefused('DISPOSED')
      const { facts, owner, now } = is
      const { held, setback, fatal } = facts
      const usable = held && isUsable(facts, now) ? held : undefined
      const isYoung = (at: number) => now - at < ifOlderThan
      if (usable && !fatal && isYoung(usable.fetchedAt)) return enter(memory(usable, false))
      if (setback?.failed && isYoung(setback.at)) return enterRefused(setback.error)
      // The source answered with something older: what is held is as new as it gets.
      if (usable && setback && isYoung(setback.at)) return enter(memory(usable, false))
      const caller = enter(pending)
      if (!owner) slot.launch([], [caller], by)
      else if (isYoung(owner.startedAt)) owner.refreshers.push(caller)
      else {
        is.trailing = [...(is.trailing ?? []), caller]
        is.trailingBy = by ?? is.trailingBy
      }
      letHear()
      return caller
    },
    /** False: it throws. */
    set(value: number): boolean {
      if (is.disposed) return false
      const { now, past, trailing = [] } = is
      const held = heldFrom(rules, value, now, now)
      const waited = [...air]
      is.trailing = is.trailingBy = undefined
      slot.tell('value-set')
      slot.mutate('set', add(past, { what: 'set', at: now, held }))
      slot.give(trailing, memory(held, false))
      for (const attempt of waited) slot.stop(attempt, memory(held, false))
      follow()
      return true
    },
    seed(value: number, fetchedAt: number): boolean {
      const { now, past, facts, owner, disposed } = is
      const held = heldFrom(rules, value, Math.min(now, fetchedAt), now)
      if (disposed || (facts.held && facts.held.fetchedAt >= held.fetchedAt)) return false
      if (now >= held.expiresAt + rules.staleIfError) return false
      const waited = [...air]
      const seeded = add(past, { what: 'seeded', at: now, held })
      slot.tell('value-seeded')
      if (owner && owner.startedAt <= held.fetchedAt) slot.mutate('seeded', seeded)
      else slot.happens(seeded)
      slot.follow()
      if (isUsable(is.facts, now)) for (const { readers } of waited) slot.give(readers, memory(held, false))
      for (const attempt of waited) slot.abandonIfUseless(attempt)
      letHear()
      return true
    },
    invalidate(): boolean {
      const { now, past, facts, owner, disposed } = is
      if (disposed) return false
      slot.tell('invalidated')
      slot.mutate('invalidated', add(past, { what: 'invalidated', at: now }))
      follow()
      return owner !== undefined || facts.held !== undefined
    },
    reject(value: number): boolean {
      const { now, past, facts, disposed } = is
      if (disposed || facts.held?.value !== value) return false
      const rejected = afterRejection(past, rules, now, 'VALUE_REJECTED')
      slot.tell('invalidated')
      if (rejected?.last.what === 'failed') slot.tell('fetch-failed')
      slot.mutate('invalidated', rejected)
      follow()
      return true
    },
    expire(): void {
      if (is.disposed) return
      slot.tell('expired')
      slot.mutate('expired', add(is.past, { what: 'expired', at: is.now }))
      follow()
    },
    settle(attempt: Attempt, result: Result, value: number, error: unknown): void {
      if (!air.has(attempt)) {
        // L14: the late result of one that timed out is discarded, which is told once for every fetch.
        if (attempt.timedOut && !attempt.lostTo && !is.disposed && typeof result !== 'object')
          slot.tell('fetch-discarded')
        letHear()
        return
      }
      if (typeof result === 'object') slot.fail(attempt, error, result)
      else if (result === 'undefined') slot.fail(attempt, 'INVALID_VALUE', { class: 'retry' })
      else slot.land(attempt, result, value)
      follow()
    },
    hold(): void {
      if (is.disposed) return
      is.holds++
      follow()
    },
    release(): void {
      is.holds--
    },
    /** L3: sleep counts as age; timers stand still meanwhile. */
    sleep(ms: number): void {
      is.now += ms
      for (const attempt of air) attempt.timesOutAt += ms
      for (const caller of callers) caller.giveUpAt += ms
    },
    advance(ms: number): void {
      const until = is.now + ms
      while (letPass(until));
      is.now = until
    },
    dispose(): void {
      if (is.disposed) return
      const gone: Answer = { state: 'error', error: 'DISPOSED' }
      if (is.owner) slot.tell('fetch-discarded')
      slot.tell('disposed')
      for (const attempt of [...air]) slot.stop(attempt, gone)
      slot.give(is.trailing ?? [], gone)
      Object.assign(is, { trailing: undefined, owner: undefined, disposed: true, facts: factsOf(undefined) })
      slot.happens(undefined)
    },
  }
}
