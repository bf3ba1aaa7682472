/** Carries out the plan of one read: serves, joins, fetches or rejects, for a reader who may not want to wait. */

import { WaitTimeoutError } from '../errors.ts'
import { handled } from '../fetch/deferred.ts'
import type { Fetch, Reading } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import type { WaitingRoom } from '../fetch/waiting-room.ts'
import type { Entry } from '../policy/lifetime.ts'
import { planRead, usable } from '../state/read-plan.ts'
import { outsideContext } from '../time/async-context.ts'
import { waitBounded } from './bounded-wait.ts'
import type { Cell } from './cell.ts'
import { type ReadRequest, readRequest, refreshRequest } from './requests.ts'
import type { Setting } from './setting.ts'

/** What a read comes to: an error, a value at once, or a place among those who wait. */
type Answer<V> =
  | { readonly error: unknown }
  | { readonly entry: Entry<V>; readonly stale: boolean }
  | { readonly flight: Flight<V>; readonly launch: Fetch<V> | undefined; readonly request: ReadRequest<V> }

const noPromise = new Promise<never>(() => {})

export class Reader<V> {
  readonly #cell: Cell<V>
  readonly #setting: Setting<V>
  readonly #hasFetch: boolean
  /** The hot path: until then `get()` answers with the promise below. Kept in step by `update`. */
  #freshUntil = Number.NEGATIVE_INFINITY
  #served: Promise<V> = noPromise
  #servedEntry: Entry<V> | undefined

  constructor(cell: Cell<V>, setting: Setting<V>) {
    this.#cell = cell
    this.#setting = setting
    this.#hasFetch = setting.fetch !== undefined
  }

  get(argument: unknown): Promise<V> {
    if (argument === undefined ? this.#hasFetch : typeof argument === 'function') {
      if (this.#setting.timeline.now() < this.#freshUntil) {
        this.#cell.counters.hits++
        return this.#served
      }
    }
    const answer = this.#answer('get()', argument)
    if ('error' in answer) return rejected(answer.error)
    if ('entry' in answer) return this.#promiseOf(answer.entry)
    return this.#wait(
      answer,
      (room) => room.enter(),
      (reading) => reading.value,
    )
  }

  read(argument: unknown): Promise<Reading<V>> {
    const answer = this.#answer('read()', argument)
    if ('error' in answer) return rejected(answer.error)
    if ('entry' in answer) return Promise.resolve(this.#cell.reading(answer.entry, 'memory', answer.stale))
    return this.#wait(
      answer,
      (room) => handled(room.readingOf(room.enter())),
      (reading) => reading,
    )
  }

  refresh(argument: unknown): Promise<V> {
    try {
      const { fetch, ifOlderThan } = refreshRequest<V>(argument, this.#hasFetch)
      if (this.#cell.state.kind === 'disposed') return rejected(this.#cell.disposedError())
      return (ifOlderThan !== undefined && this.#recent(ifOlderThan)) || this.#cell.refresh(fetch, this.#setting.fetch)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The state was replaced. */
  update(): void {
    const { entry, trouble } = this.#cell.state
    if (entry !== this.#servedEntry) {
      this.#servedEntry = entry
      this.#served = entry ? Promise.resolve(entry.value) : noPromise
    }
    const healthy = entry && !trouble?.told && !trouble?.setback?.fatal
    this.#freshUntil = healthy ? entry.agingAt : Number.NEGATIVE_INFINITY
  }

  #promiseOf(entry: Entry<V>): Promise<V> {
    return entry === this.#servedEntry ? this.#served : Promise.resolve(entry.value)
  }

  #answer(call: 'get()' | 'read()', argument: unknown): Answer<V> {
    let request: ReadRequest<V>
    try {
      request = readRequest<V>(call, argument, this.#hasFetch)
    } catch (error) {
      return { error }
    }
    const { state, counters } = this.#cell
    if (state.kind === 'disposed') return { error: this.#cell.disposedError() }
    if (request.signal?.aborted) return { error: request.signal.reason }
    const { policy, timeline } = this.#setting
    const now = timeline.now()
    const plan = planRead(state, policy, now)
    const fetch = (request.fetch ?? this.#setting.fetch) as Fetch<V>
    switch (plan.step) {
      case 'serve':
      case 'serve-and-refresh':
        counters.hits++
        if (plan.stale) this.#cell.servedStale(plan.entry, now, 1)
        if (plan.step === 'serve-and-refresh') {
          const flight = this.#cell.newFlight(plan.reason)
          outsideContext(() => this.#cell.launch(flight, fetch))
          this.#handOver(request, flight)
        }
        return plan
      case 'join':
        counters.misses++
        return { flight: plan.flight, launch: undefined, request }
      case 'fetch':
        counters.misses++
        return { flight: this.#cell.newFlight(plan.reason), launch: fetch, request }
      case 'reject':
        counters.misses++
        return plan
    }
  }

  /** Boards the flight, starts it if it has not, and waits as long as this reader wants to. */
  #wait<T>(
    { flight, launch, request }: Extract<Answer<V>, { readonly flight: unknown }>,
    board: (room: WaitingRoom<V>) => Promise<T>,
    pick: (reading: Reading<V>) => T,
  ): Promise<T> {
    const { readers } = flight
    const boarded = board(readers)
    if (launch) this.#cell.launch(flight, launch)
    const { clock, timeline, policy, named } = this.#setting
    const { signal, maxWait = policy.maxWait } = request
    if (signal === undefined && maxWait === Number.POSITIVE_INFINITY) return boarded
    return waitBounded(boarded, {
      clock,
      signal,
      maxWait,
      leave: () => {
        readers.leave()
        this.#cell.left(flight)
        if (!flight.over) this.#handOver(request, flight)
      },
      settleFor: () => {
        const reading = this.#cell.fallback(timeline.now(), 1)
        if (reading) return Promise.resolve(pick(reading))
        return rejected(new WaitTimeoutError(`No value${named} within maxWait (${maxWait} ms); the fetch goes on`))
      },
    })
  }

  /** The fetch outlives this reader: whoever keeps the process up for it is told. */
  #handOver(request: ReadRequest<V>, flight: Flight<V>): void {
    const waitUntil = request.waitUntil ?? this.#setting.waitUntil
    if (waitUntil) this.#cell.observers.guard(() => waitUntil(flight.done))
  }

  /** The outcome of an attempt younger than that, if there is one: strangers cannot drive the source through it. */
  #recent(ifOlderThan: number): Promise<V> | undefined {
    const { state } = this.#cell
    const { setback } = state.trouble ?? {}
    const now = this.#setting.timeline.now()
    const young = state.entry && !setback?.fatal && usable(state, now) && now - state.entry.fetchedAt < ifOlderThan
    if (state.entry && young) return this.#promiseOf(state.entry)
    if (setback?.failure && now - setback.at < ifOlderThan) return rejected(setback.failure.error)
    const joins = state.kind === 'refreshing' && now - state.flight.startedAt < ifOlderThan
    return joins ? state.flight.refreshers.enter() : undefined
  }
}

function rejected(error: unknown): Promise<never> {
  return handled(Promise.reject(error))
}
