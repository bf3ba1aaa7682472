/** Everybody who waits for the same outcome, on one shared promise. */

import type { Reading } from './fetch.ts'

/** What somebody who waited gets. */
export type Outcome<V> =
  | { readonly reading: Reading<V>; readonly error?: undefined }
  | { readonly reading?: undefined; readonly error: unknown }

export interface WaitingRoom<V> {
  waiting: number
  promise: Promise<V>
  /** the value with where it came from, for those who ask: there is one once the promise has resolved */
  reading?: Reading<V>
  closed?: boolean
  /** those who may leave before the answer: called when it is there */
  guests?: Set<() => void>
  /** Answers everybody; later answers change nothing. */
  answer(outcome: Outcome<V>): void
}

export function openRoom<V>(): WaitingRoom<V> {
  const room = { waiting: 0 } as WaitingRoom<V>
  room.promise = handled(
    new Promise((resolve, reject) => {
      room.answer = ({ reading, error }) => {
        room.closed = true
        room.waiting = 0
        for (const guest of room.guests ?? []) guest()
        if (!reading) return reject(error)
        room.reading ??= reading
        resolve(reading.value)
      }
    }),
  )
  return room
}

/** Calls the guest when the answer is there. */
export function invite(room: Pick<WaitingRoom<never>, 'guests'>, guest: () => void): void {
  room.guests ??= new Set()
  room.guests.add(guest)
}

/** Marks a promise as handled: whether anybody listens is the user's affair, and must not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
