/** A fetch from its launch to its landing, and what its result, its error or its time-out means for the slot. */

import { FetchTimeoutError } from '../errors.ts'
import type { Fact } from '../events/cache-event.ts'
import { attempt } from '../fetch/attempt.ts'
import { answerNotModified, type Fetch, type Held, type NotModified, type Reading } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import { Found } from '../fetch/found.ts'
import { judge, judgeFailure } from '../fetch/verdict.ts'
import { handled, type Outcome } from '../fetch/waiting-room.ts'
import type { Entry } from '../policy/lifetime.ts'
import { isUsable } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import type { Input } from '../state/transition.ts'
import { startTimer } from '../time/timer.ts'
import type { Setting } from './setting.ts'

/** What a fetch is launched from, and comes back to. */
interface Slot<V> {
  state(): State<V, Flight<V>>
  apply(input: Input<V, Flight<V>>): boolean
  /** Answers everybody who waits for it. */
  finish(flight: Flight<V>, forReaders: Outcome<V>, forRefreshers?: Outcome<V>): void
  heldOf(entry: Entry<V>): Held<V>
  readingOf(entry: Entry<V>, from: Reading<V>['from'], stale: boolean): Reading<V>
  /** the held value, for readers who would else get an error, if it may serve */
  fallback(now: number, readers: number): Reading<V> | undefined
  tell(fact: Fact): void
}

export function createLauncher<V>(setting: Setting<V>, slot: Slot<V>) {
  const { policy, timeline, clock, draw, schema, named, load } = setting
  const { during, guard } = setting.newsroom
  const { toEpoch, checkedNow } = timeline
  const { apply, finish, heldOf, readingOf, tell } = slot

  /** Starts it in the empty slot. Unless a tier is asked first, the fetch function is called before this returns. */
  const launch = (flight: Flight<V>, fetch: Fetch<V>) =>
    during(() => {
      flight.stopTimer = startTimer(clock, policy.fetchTimeout, () => timeOut(flight), false)
      flight.isLookingUp = !!load
      apply({ type: 'launch', flight, now: flight.startedAt })
      handled(
        (load ? load(flight, () => ask(flight, fetch)) : ask(flight, fetch))
          .then((result) => landed(flight, result))
          .catch((error) => failed(flight, error)),
      )
    })
  const ask = ({ reason, startedAt, previous, controller }: Flight<V>, fetch: Fetch<V>) => {
    const notModified = () => answerNotModified(!!previous)
    const context = { signal: controller.signal, reason, startedAt: toEpoch(startedAt), notModified }
    return attempt(fetch, context, previous && heldOf(previous), schema)
  }

  const landed = (flight: Flight<V>, result: V | NotModified | Found<V>) => {
    if (flight.over) {
      if (flight.lostTo === 'timed-out') tell({ kind: 'fetch-discarded', because: 'timed-out' })
      return
    }
    const now = checkedNow()
    // One that was superseded is compared with nothing: it only answers its waiters.
    const held = flight.lostTo ? undefined : slot.state().entry
    const verdict =
      result instanceof Found
        ? result.verdict(held)
        : judge(result, { policy, timeline, launch: flight, held, now, draw })
    const { kind, entry } = verdict
    during(() => {
      apply({ type: 'landed', flight, verdict, now })
      const fromMemory = kind === 'older'
      const stale = fromMemory ? !isUsable(slot.state(), now) : kind === 'slow'
      const from = fromMemory ? 'memory' : flight.isLookingUp ? 'backend' : 'source'
      finish(flight, { reading: readingOf(entry, from, stale) })
    })
  }
  const failed = (flight: Flight<V>, error: unknown) => {
    if (flight.over) return
    const now = checkedNow()
    const verdict = judgeFailure(error, policy, draw(), guard)
    during(() => {
      apply({ type: 'landed', flight, verdict, now })
      // Readers who waited when the value was invalidated asked for this fetch's own result.
      const mayFallBack = verdict.class === 'retry' && flight.lostTo !== 'invalidated'
      const reading = mayFallBack ? slot.fallback(now, flight.readers.waiting) : undefined
      finish(flight, reading ? { reading } : { error }, { error })
    })
  }
  const timeOut = (flight: Flight<V>) => {
    const error = new FetchTimeoutError(`The fetch${named} did not settle within ${policy.fetchTimeout} ms`)
    during(() => {
      failed(flight, error)
      flight.lostTo ??= 'timed-out'
      flight.controller.abort(error)
    })
  }
  return launch
}
