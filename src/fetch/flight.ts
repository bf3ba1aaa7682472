/** One fetch in the air, and everybody who waits for it. */

import type { DiscardReason, FetchReason } from '../events/cache-event.ts'
import type { Entry } from '../policy/lifetime.ts'
import { Deferred } from './deferred.ts'
import { type Outcome, WaitingRoom } from './waiting-room.ts'

/** What the state machine knows of a fetch: its identity is the ticket, this is what is written on it. */
export interface Launch<V> {
  readonly reason: FetchReason
  /** in the cache's time */
  readonly startedAt: number
  /** what was held at the launch */
  readonly previous: Entry<V> | undefined
}

/**
 * Readers and refreshers wait apart, because a failed fetch may leave a reader with a stale value, but never somebody
 * who asked for a newer one.
 */
export class Flight<V> implements Launch<V> {
  readonly reason: FetchReason
  readonly startedAt: number
  readonly previous: Entry<V> | undefined
  /** why it lost the slot; it may fly on for those who wait */
  lostTo: DiscardReason | undefined
  timedOut = false
  /** stops its timeout */
  stopTimer: () => void = () => {}

  readonly #controller = new AbortController()
  readonly #done = new Deferred<void>()
  readonly #refreshers: WaitingRoom<V>
  #readers = new WaitingRoom<V>()
  #over = false

  constructor(launch: Launch<V>, refreshers = new WaitingRoom<V>()) {
    this.reason = launch.reason
    this.startedAt = launch.startedAt
    this.previous = launch.previous
    this.#refreshers = refreshers
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Settles when nothing more will come of this fetch; never rejects. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** Its waiters have their answer, or there are none: what it brings concerns nobody. */
  get over(): boolean {
    return this.#over
  }

  get readers(): WaitingRoom<V> {
    return this.#readers
  }

  get refreshers(): WaitingRoom<V> {
    return this.#refreshers
  }

  get waiting(): number {
    return this.#readers.waiting + this.#refreshers.waiting
  }

  /** Answers the readers who wait now; later ones may still come. */
  answerReaders(outcome: Outcome<V>): void {
    const answered = this.#readers
    this.#readers = new WaitingRoom()
    answered.answer(outcome)
  }

  /** Answers everybody and ends the flight. */
  finish(forReaders: Outcome<V>, forRefreshers: Outcome<V> = forReaders): void {
    this.#readers.answer(forReaders)
    this.#refreshers.answer(forRefreshers)
    this.#over = true
    this.stopTimer()
    this.#done.resolve()
  }

  /** Ends the flight for the fetch too. Whoever still waited must have been answered. */
  abort(reason?: unknown): void {
    this.#over = true
    this.stopTimer()
    this.#done.resolve()
    this.#controller.abort(reason)
  }
}
