/** One slot: its state, the fetches in the air, and what follows from every change. */

import { CacheDisposedError } from '../errors.ts'
import type { FetchReason } from '../events/cache-event.ts'
import type { Fetch, Held, Reading } from '../fetch/fetch.ts'
import { createFlight, type Flight } from '../fetch/flight.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { type Outcome, openRoom, type WaitingRoom } from '../fetch/waiting-room.ts'
import type { Entry } from '../policy/lifetime.ts'
import { isUsable, mayServeStale } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import { type Input, transition } from '../state/transition.ts'
import { captureContext } from '../time/async-context.ts'
import { createLauncher } from './launcher.ts'
import { createObservers } from './observers.ts'
import type { Setting } from './setting.ts'

export type Cell<V> = ReturnType<typeof createCell<V>>

/** The trailing fetch that callers of `refresh()` wait for while an earlier one is in the air. */
interface Queued<V> {
  fetch: Fetch<V>
  readonly refreshers: WaitingRoom<V>
  readonly inContextOfFirst: <T>(task: () => T) => T
}

export interface Consequences<V> {
  /** Called after every change, before anybody is told. */
  replaced(state: State<V, Flight<V>>): void
  /** Called once everything that a change causes has begun. */
  settled(): void
  /** Called when a fetch that owns the slot has brought its verdict, before anybody is told. */
  landed?: ((flight: Flight<V>, verdict: Verdict<V>) => void) | undefined
  /** Called when a fetch has lost the slot, though somebody may wait for it yet. */
  lost?: ((flight: Flight<V>) => void) | undefined
  /** Called when a fetch has answered everybody who waited for it. */
  over(flight: Flight<V>): void
}

export function createCell<V>(
  setting: Setting<V>,
  { replaced, settled, landed, lost: overtaken, over }: Consequences<V>,
) {
  const { policy, timeline, named } = setting
  const { during, guard } = setting.newsroom
  const { toEpoch, checkedNow } = timeline
  /** fetches that lost the slot, and fly on for those who wait for them */
  const adrift = new Set<Flight<V>>()
  let state: State<V, Flight<V>> = setting.initial
  let generation = 0
  let queued: Queued<V> | undefined

  const observers = createObservers(setting)
  const { tell } = observers

  const heldOf = ({ value, fetchedAt, expiresAt }: Entry<V>): Held<V> => ({
    value,
    fetchedAt: toEpoch(fetchedAt),
    expiresAt: toEpoch(expiresAt),
  })
  const readingOf = ({ value, fetchedAt, expiresAt }: Entry<V>, from: Reading<V>['from'], stale: boolean) => ({
    value,
    fetchedAt: toEpoch(fetchedAt),
    expiresAt: toEpoch(expiresAt),
    from,
    stale,
  })
  const disposedError = () => new CacheDisposedError(`The cache${named} was disposed`)
  const inTheAir = () => (state.flight ? [state.flight, ...adrift] : [...adrift])

  /** Answers everybody who waits for it: nothing more comes of it. */
  const finish = (flight: Flight<V>, forReaders: Outcome<V>, forRefreshers = forReaders) => {
    adrift.delete(flight)
    flight.over = true
    flight.stopTimer()
    flight.readers.answer(forReaders)
    flight.refreshers.answer(forRefreshers)
    over(flight)
  }
  const stop = (flight: Flight<V>, outcome: Outcome<V>) => {
    finish(flight, outcome)
    flight.controller.abort(outcome.error)
  }
  /** Superseded and nobody left who waits for it: the fetch may stop. */
  const abandonIfUseless = (flight: Flight<V>) => {
    if (flight.lostTo && !flight.over && !flight.readers.waiting && !flight.refreshers.waiting)
      stop(flight, {} as Outcome<V>)
  }

  /** The one place where the state is replaced. `answer` is for everybody who waits now. False: nothing changed. */
  const apply = (input: Input<V, Flight<V>>, answer?: Outcome<V>): boolean =>
    during(() => {
      const waited = inTheAir()
      const change = transition(state, input, policy)
      if (!change) return false
      const { lost, facts, because, startQueued } = change
      state = change.state
      if (because) generation++
      if (lost) {
        lost.lostTo = because
        adrift.add(lost)
        overtaken?.(lost)
      }
      replaced(state)
      // Before a queued fetch looks in the tier.
      if (input.type === 'landed') landed?.(input.flight, input.verdict)
      observers.changed(state, facts)
      const next = queued
      if (answer || startQueued) queued = undefined
      if (answer) {
        next?.refreshers.answer(answer)
        for (const flight of waited) stop(flight, answer)
      }
      if (next && startQueued) next.inContextOfFirst(() => launch(newFlight('refresh', next.refreshers), next.fetch))
      // Behind it, because this calls the fetch's abort listeners, and they may use the cache.
      if (lost) abandonIfUseless(lost)
      settled()
      return true
    })

  /** A fetch about to start. Whoever waits for it boards now: the fetch function may change the cache at once. */
  const newFlight = (reason: FetchReason, refreshers?: WaitingRoom<V>) =>
    createFlight({ reason, startedAt: checkedNow(), previous: state.entry }, refreshers)

  const launch = createLauncher<V>(setting, {
    state: () => state,
    apply: (input) => apply(input),
    finish,
    heldOf,
    readingOf,
    fallback: (now, readers) => fallback(now, readers),
    tell,
  })

  /** A fetch may outlive its reader: whoever keeps the process up for it is told when it is over. */
  const handOver = (flight: Flight<V>, waitUntil = setting.waitUntil) => {
    if (waitUntil && !flight.over) guard(() => waitUntil(Promise.allSettled([flight.refreshers.promise])))
  }

  const servedStale = (entry: Entry<V>, now: number, readers = 1) => {
    if (readers) tell({ kind: 'served-stale', age: now - entry.fetchedAt }, readers)
  }
  /** The held value, for readers who would else get an error, if it may serve. */
  const fallback = (now: number, readers?: number): Reading<V> | undefined => {
    const { entry } = state
    if (!entry || !mayServeStale(state, policy, now)) return undefined
    const stale = !isUsable(state, now)
    if (stale) servedStale(entry, now, readers)
    return readingOf(entry, 'memory', stale)
  }

  return {
    observers,
    state: () => state,
    isIdle: () => !state.flight && !adrift.size,
    generation: () => generation,
    waiting: () =>
      inTheAir().reduce(
        (sum, { readers, refreshers }) => sum + readers.waiting + refreshers.waiting,
        queued?.refreshers.waiting ?? 0,
      ),
    apply,
    newFlight,
    launch,
    abandonIfUseless,
    handOver,
    readingOf,
    servedStale,
    fallback,
    disposedError,

    /** A value whose fetch starts now, or after the one in the air; `given` replaces what earlier callers queued. */
    refresh(given?: Fetch<V>): Promise<V> {
      const fetch = (given ?? queued?.fetch ?? setting.fetch) as Fetch<V>
      const flight = state.flight ? undefined : newFlight('refresh')
      if (!flight) {
        queued ??= { fetch, refreshers: openRoom(), inContextOfFirst: captureContext() }
        queued.fetch = fetch
        apply({ type: 'queue', now: 0 })
      }
      const { refreshers } = flight ?? (queued as Queued<V>)
      refreshers.waiting++
      if (flight) launch(flight, fetch)
      return refreshers.promise
    },
    /** Puts a value if it is newer, and answers the readers who wait if it is unexpired. False: refused. */
    seed: (entry: Entry<V>, now: number): boolean =>
      during(() => {
        const waited = inTheAir()
        if (!apply({ type: 'seed', entry, now })) return false
        for (const flight of isUsable(state, now) ? waited : []) {
          const { readers } = flight
          flight.readers = openRoom()
          readers.answer({ reading: readingOf(entry, 'memory', false) })
          abandonIfUseless(flight)
        }
        return true
      }),
    dispose() {
      during(() => apply({ type: 'dispose', now: 0 }, { error: disposedError() }) && observers.dismiss())
    },
  }
}
