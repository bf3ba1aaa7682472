/** One slot: its state, the fetches in the air, and what follows from every change. */

import { CacheDisposedError, FetchTimeoutError } from '../errors.ts'
import type { Fact, FetchReason } from '../events/cache-event.ts'
import { Adrift } from '../fetch/adrift.ts'
import { attempt } from '../fetch/attempt.ts'
import { defeatOf } from '../fetch/defeat.ts'
import { answerNotModified, type Fetch, type Held, type NotModified, type Reading } from '../fetch/fetch.ts'
import { Flight } from '../fetch/flight.ts'
import { judge, type Verdict } from '../fetch/verdict.ts'
import { type Outcome, WaitingRoom } from '../fetch/waiting-room.ts'
import type { Entry } from '../policy/lifetime.ts'
import { mayServeStale, usable } from '../state/read-plan.ts'
import { empty, type State } from '../state/state.ts'
import { type Input, transition } from '../state/transition.ts'
import { captureContext } from '../time/async-context.ts'
import { startTimer } from '../time/timer.ts'
import { Counters } from './counters.ts'
import { Observers } from './observers.ts'
import type { Setting } from './setting.ts'

/** What the owner of a cell does after every change. */
export interface Hooks {
  /** the state was replaced, and nobody was told yet */
  replaced(): void
  /** everything that follows from the change has been started */
  settled(): void
}

/** The trailing fetch that callers of `refresh()` wait for while an earlier one is in the air. */
interface Queued<V> {
  fetch: Fetch<V>
  readonly refreshers: WaitingRoom<V>
  readonly inContextOfFirst: <T>(task: () => T) => T
}

export class Cell<V> {
  readonly observers: Observers<V>
  readonly counters = new Counters()
  /** moved by every mutation */
  generation = 0
  readonly #setting: Setting<V>
  readonly #hooks: Hooks
  readonly #adrift = new Adrift<V>()
  #state: State<V, Flight<V>> = empty
  #queued: Queued<V> | undefined

  constructor(setting: Setting<V>, hooks: Hooks) {
    this.#setting = setting
    this.#hooks = hooks
    this.observers = new Observers(setting.name, setting.timeline, () => this.#state)
  }

  get state(): State<V, Flight<V>> {
    return this.#state
  }

  get waiting(): number {
    return this.#inTheAir().reduce((sum, flight) => sum + flight.waiting, this.#queued?.refreshers.waiting ?? 0)
  }

  /** A fetch about to start. Whoever waits for it boards now: the fetch function may change the cache at once. */
  newFlight(reason: FetchReason, refreshers?: WaitingRoom<V>): Flight<V> {
    const startedAt = this.#setting.timeline.checkedNow()
    return new Flight({ reason, startedAt, previous: this.#state.entry }, refreshers)
  }

  /** Starts it in the empty slot. The fetch function is called before this returns. */
  launch(flight: Flight<V>, fetch: Fetch<V>): void {
    const { timeline, policy, clock, schema } = this.#setting
    const { signal, reason, previous } = flight
    this.observers.during(() => {
      this.#apply({ type: 'launch', flight })
      flight.stopTimer = startTimer(clock, policy.fetchTimeout, () => this.#timeOut(flight), false)
      const notModified = () => answerNotModified(previous !== undefined)
      const context = { signal, reason, startedAt: timeline.toEpoch(flight.startedAt), notModified }
      attempt(fetch, context, previous && this.#held(previous), schema).then(
        (result) => this.#landed(flight, result),
        (error: unknown) => this.#failed(flight, error),
      )
    })
  }

  /** A value whose fetch starts now, or after the one in the air; `given` replaces what earlier callers queued. */
  refresh(given: Fetch<V> | undefined, own: Fetch<V> | undefined): Promise<V> {
    const fetch = (given ?? this.#queued?.fetch ?? own) as Fetch<V>
    if (this.#state.kind !== 'refreshing') {
      const flight = this.newFlight('refresh')
      const refreshed = flight.refreshers.enter()
      this.launch(flight, fetch)
      return refreshed
    }
    this.#queued ??= { fetch, refreshers: new WaitingRoom(), inContextOfFirst: captureContext() }
    this.#queued.fetch = fetch
    this.#apply({ type: 'queue' })
    return this.#queued.refreshers.enter()
  }

  /** Wins over everything that started before it, and answers everybody who waits. */
  set(entry: Entry<V>, now: number): void {
    this.#change({ type: 'set', entry, now }, { reading: this.reading(entry, 'memory', false) })
  }

  /** False when refused. Answers the readers who wait, if it is unexpired. */
  seed(entry: Entry<V>, now: number): boolean {
    return this.observers.during(() => {
      const waited = this.#inTheAir()
      if (!this.#apply({ type: 'seed', entry, now })) return false
      if (!usable(this.#state, now)) return true
      for (const flight of waited) {
        flight.answerReaders({ reading: this.reading(entry, 'memory', false) })
        this.#adrift.abandonIfUseless(flight)
      }
      return true
    })
  }

  invalidate(now: number): void {
    this.#change({ type: 'invalidate', now })
  }

  /** Invalidates that very value, and remembers that it was rejected. False when another one is held. */
  reject(value: V, now: number): boolean {
    return this.#change({ type: 'reject', value, draw: this.draw(), now })
  }

  expire(now: number): void {
    this.#change({ type: 'expire', now })
  }

  dispose(): void {
    const disposed = this.#change({ type: 'dispose' }, { error: this.disposedError() })
    if (disposed) this.observers.dismiss()
  }

  disposedError(): CacheDisposedError {
    return new CacheDisposedError(`The cache${this.#setting.named} was disposed`)
  }

  /** One of those who waited for it gave up. */
  left(flight: Flight<V>): void {
    this.#adrift.abandonIfUseless(flight)
  }

  reading(entry: Entry<V>, from: Reading<V>['from'], stale: boolean): Reading<V> {
    return { ...this.#held(entry), from, stale }
  }

  /** The held value, for readers who would else get an error, if it may serve. */
  fallback(now: number, readers: number): Reading<V> | undefined {
    const { entry } = this.#state
    if (entry === undefined || !mayServeStale(this.#state, this.#setting.policy, now)) return undefined
    const stale = !usable(this.#state, now)
    if (stale && readers > 0) this.servedStale(entry, now, readers)
    return this.reading(entry, 'memory', stale)
  }

  servedStale(entry: Entry<V>, now: number, readers: number): void {
    this.counters.staleServed += readers
    this.observers.tell({ kind: 'served-stale', age: now - entry.fetchedAt })
  }

  /** A random number in [0, 1], whatever the injected generator does. */
  draw(): number {
    const drawn = this.observers.guard(this.#setting.random) ?? 0.5
    return drawn >= 0 && drawn <= 1 ? drawn : 0.5
  }

  #held(entry: Entry<V>): Held<V> {
    const { timeline } = this.#setting
    const { value, fetchedAt, expiresAt } = entry
    return { value, fetchedAt: timeline.toEpoch(fetchedAt), expiresAt: timeline.toEpoch(expiresAt) }
  }

  #inTheAir(): Flight<V>[] {
    return this.#state.kind === 'refreshing' ? [this.#state.flight, ...this.#adrift.all()] : this.#adrift.all()
  }

  /** A change from outside. `answer` is for everybody who waits now, for whatever fetch. */
  #change(input: Input<V, Flight<V>>, answer?: Outcome<V>): boolean {
    return this.observers.during(() => this.#apply(input, answer))
  }

  /** The one place where the state is replaced. False: nothing changed. */
  #apply(input: Input<V, Flight<V>>, answer?: Outcome<V>): boolean {
    const waited = answer ? this.#inTheAir() : []
    const change = transition(this.#state, input, this.#setting.policy)
    if (!change.accepted) return false
    this.#state = change.state
    if (change.moved) this.generation++
    if (change.lost) this.#adrift.add(change.lost.flight, change.lost.because)
    this.#hooks.replaced()
    this.counters.count(change.facts)
    this.observers.changed(change.facts)
    if (answer) this.#answerAll(waited, answer)
    else if (change.lost) this.#adrift.abandonIfUseless(change.lost.flight)
    if (change.startQueued) this.#startQueued()
    this.#hooks.settled()
    return true
  }

  #answerAll(waited: readonly Flight<V>[], answer: Outcome<V>): void {
    const queued = this.#queued
    this.#queued = undefined
    queued?.refreshers.answer(answer)
    for (const flight of waited) {
      this.#adrift.delete(flight)
      flight.finish(answer)
      flight.abort('error' in answer ? answer.error : undefined)
    }
  }

  #startQueued(): void {
    const queued = this.#queued
    this.#queued = undefined
    queued?.inContextOfFirst(() => this.launch(this.newFlight('refresh', queued.refreshers), queued.fetch))
  }

  #landed(flight: Flight<V>, result: V | NotModified): void {
    if (flight.over) return this.#tooLate(flight)
    const { policy, timeline } = this.#setting
    const now = timeline.checkedNow()
    // One that was superseded is compared with nothing: it only answers its waiters.
    const held = flight.lostTo === undefined ? this.#state.entry : undefined
    let verdict: Verdict<V>
    try {
      verdict = judge(result, { policy, timeline, launch: flight, held, now, draw: () => this.draw() })
    } catch (error) {
      return this.#failed(flight, error)
    }
    this.observers.during(() => {
      this.#apply({ type: 'landed', flight, verdict, draw: this.draw(), now })
      const entry = verdict.kind === 'older' ? (held as Entry<V>) : verdict.entry
      this.#adrift.delete(flight)
      flight.finish({
        reading: this.reading(entry, verdict.kind === 'older' ? 'memory' : 'source', entry.expiresAt <= now),
      })
    })
  }

  #failed(flight: Flight<V>, error: unknown): void {
    if (flight.over) return
    const { policy, timeline } = this.#setting
    const now = timeline.checkedNow()
    const defeat = defeatOf(error, policy, this.draw(), (call) => this.observers.guard(call))
    // The user's callbacks may have changed the cache themselves.
    if (flight.over) return
    this.observers.during(() => {
      this.#apply({ type: 'failed', flight, defeat, now })
      // Readers who waited when the value was invalidated asked for this fetch's own result.
      const mayServe = defeat.class === 'retry' && flight.lostTo !== 'invalidated'
      const reading = mayServe ? this.fallback(now, flight.readers.waiting) : undefined
      this.#adrift.delete(flight)
      flight.finish(reading ? { reading } : { error }, { error })
    })
  }

  #timeOut(flight: Flight<V>): void {
    const { named, policy } = this.#setting
    const error = new FetchTimeoutError(`The fetch${named} did not settle within ${policy.fetchTimeout} ms`)
    flight.timedOut = true
    this.#failed(flight, error)
    flight.abort(error)
  }

  #tooLate(flight: Flight<V>): void {
    if (!flight.timedOut) return
    const fact: Fact = { kind: 'fetch-discarded', because: 'timed-out' }
    this.counters.count([fact])
    this.observers.tell(fact)
  }
}
