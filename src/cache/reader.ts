/** Carries out the plan of one read: serves, joins, fetches or rejects, for a reader who may not want to wait. */

import { WaitTimeoutError } from '../errors.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import { handled, invite, type WaitingRoom } from '../fetch/waiting-room.ts'
import { checkOptions, duration, isA, type Rule, refuse } from '../policy/options.ts'
import { isUsable, planRead } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import { outsideContext } from '../time/async-context.ts'
import { waitBounded } from './bounded-wait.ts'
import type { Cell } from './cell.ts'
import type { Setting } from './setting.ts'

const signal: Rule<AbortSignal> = (option, value) =>
  typeof (value as AbortSignal | null)?.addEventListener === 'function'
    ? (value as AbortSignal)
    : refuse(option, 'an AbortSignal', value)

/** a deadline that has passed */
const never = -Infinity

const fetch = isA<never>('function')
/** The options of a reader who may not want to wait. */
export const waitRules = { signal, maxWait: duration(0), waitUntil: isA<(work: Promise<unknown>) => void>('function') }
const readRules = { fetch, ...waitRules }
const refreshRules = { fetch, ifOlderThan: duration(0) }

export function createReader<V>(setting: Setting<V>, cell: Cell<V>) {
  const { policy, timeline, clock, named, tally, fetch: own } = setting
  const { now, isBefore } = timeline
  /** The hot paths: until when each of these calls answers with what is held. Kept in step by `update`. */
  let getUntil = never
  let tryGetUntil = never
  let peekUntil = never
  let held: V | undefined
  /** what a stampede waits for: nothing held and no trouble */
  let boarding: WaitingRoom<V> | undefined
  let served: Promise<V> | undefined
  /** what readers get while a cool-down runs and nothing is held */
  let refused: Promise<never> | undefined

  /** One promise for every read of a value until another is held: React's `use` tells two apart. */
  const promiseOf = (value: V) => (Object.is(value, held) && served) || Promise.resolve(value)

  /** A call's one argument: a fetch, or options. */
  const check = <R extends Record<string, Rule>>(call: string, argument: unknown, rules: R) => {
    const options = typeof argument === 'function' ? { fetch: argument } : argument === undefined ? {} : argument
    const given = checkOptions(call, options, rules)
    const fetch = (given['fetch'] ?? own) as Fetch<V>
    if (!fetch) refuse(call, 'a fetch, since the cache has none of its own', argument)
    if (cell.state().kind === 'disposed') throw cell.disposedError()
    return { ...given, fetch: given['fetch'] as Fetch<V> | undefined }
  }

  const ask = (call: string, argument: unknown, asReading?: boolean): Promise<V | Reading<V>> => {
    try {
      const {
        fetch = own,
        signal,
        maxWait = policy.maxWait,
        waitUntil = setting.waitUntil,
      } = check(call, argument, readRules)
      if (signal?.aborted) throw signal.reason
      const at = now()
      const plan = planRead(cell.state(), policy, at)
      const starts = plan.step === 'fetch' || plan.step === 'serve-and-refresh'
      const flight = starts ? cell.newFlight(plan.reason) : (plan as { flight?: Flight<V> }).flight

      if (plan.step === 'serve' || plan.step === 'serve-and-refresh') {
        const { entry, stale } = plan
        tally.hits++
        // Launched before anybody is told: whoever hears of a stale read may read too.
        if (flight) {
          outsideContext(() => cell.launch(flight, fetch as Fetch<V>))
          cell.handOver(flight, waitUntil)
        }
        if (stale) cell.servedStale(entry, at)
        return asReading ? Promise.resolve(cell.readingOf(entry, 'memory', stale)) : promiseOf(entry.value)
      }
      tally.misses++
      if (!flight) {
        refused ??= handled(Promise.reject((plan as { error: unknown }).error))
        return refused
      }
      const room = flight.readers
      room.waiting++
      if (starts) cell.launch(flight, fetch as Fetch<V>)
      const answer = asReading ? handled(room.promise.then(() => room.reading as Reading<V>)) : room.promise
      // A seed may answer this reader while the fetch flies on.
      const handOver = waitUntil && (() => cell.handOver(flight, waitUntil))
      if (handOver) invite(room, handOver)
      if (!signal && maxWait === Infinity) return answer
      return waitBounded<V | Reading<V>>(answer, {
        clock,
        signal,
        maxWait,
        room,
        leave() {
          room.waiting--
          cell.abandonIfUseless(flight)
          handOver?.()
        },
        settleFor() {
          const reading = cell.fallback(now())
          if (reading) return asReading ? reading : reading.value
          throw new WaitTimeoutError(`No value${named} within maxWait (${maxWait} ms); the fetch goes on`)
        },
      })
    } catch (error) {
      return handled(Promise.reject(error))
    }
  }

  /** A place among those who wait for the first value, while there are any. */
  const board = (): Promise<V> | undefined => {
    if (!boarding) return undefined
    tally.misses++
    boarding.waiting++
    return boarding.promise
  }

  return {
    board,

    /** The state was replaced. */
    update({ entry, trouble, flight }: State<V, Flight<V>>) {
      boarding = entry || trouble || setting.waitUntil || policy.maxWait < Infinity ? undefined : flight?.readers
      // What was dropped may be a secret: nothing here keeps it.
      served = entry && promiseOf(entry.value)
      refused = undefined
      held = entry?.value
      peekUntil = entry && !trouble?.told ? entry.expiresAt : never
      tryGetUntil = entry && !trouble?.told ? entry.agingAt : never
      getUntil = trouble?.setback?.fatal ? never : tryGetUntil
    },

    get(argument: unknown): Promise<V> {
      if (argument === undefined ? own : typeof argument === 'function') {
        if (isBefore(getUntil)) {
          tally.hits++
          return served as Promise<V>
        }
        const place = board()
        if (place) return place
      }
      return ask('get()', argument) as Promise<V>
    },

    tryGet: () => (isBefore(tryGetUntil) ? held : undefined),

    peek: () => (isBefore(peekUntil) ? held : undefined),

    read: (argument: unknown) => ask('read()', argument, true) as Promise<Reading<V>>,

    refresh(argument: unknown): Promise<V> {
      try {
        const { fetch, ifOlderThan = 0 } = check('refresh()', argument, refreshRules)
        const state = cell.state()
        const { entry, flight } = state
        const { setback } = state.trouble ?? {}
        /** The outcome of an attempt younger than that will do: strangers cannot drive the source through it. */
        const isYoung = (at: number) => now() - at < ifOlderThan
        if (entry && isYoung(entry.fetchedAt) && isUsable(state, now()) && !setback?.fatal)
          return promiseOf(entry.value)
        if (setback && isYoung(setback.at)) {
          if (setback.failure) throw setback.failure.error
          // It brought something older than what is held.
          if (entry && setback.attempts && isUsable(state, now())) return promiseOf(entry.value)
        }
        // One that looks in a tier may bring what is older.
        const isFetch = flight && (!flight.isLookingUp || flight.reason === 'refresh')
        if (!isFetch || !isYoung(flight.startedAt)) return cell.refresh(fetch)
        flight.refreshers.waiting++
        return flight.refreshers.promise
      } catch (error) {
        return handled(Promise.reject(error))
      }
    },
  }
}
