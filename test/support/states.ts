/** States to put an input to, around a value that is held from 100 to 1100 and a fetch that started at 150. */

import { makeEntry } from '../../src/policy/lifetime.ts'
import { resolvePolicy } from '../../src/policy/policy.ts'
import type { State, Trouble } from '../../src/state/state.ts'
import { type Change, type Input, transition } from '../../src/state/transition.ts'

export const policy = resolvePolicy<string>({ ttl: 1000, refreshWindow: 200, staleIfError: 100 }, { ttl: 1000 })
export const entry = (value: string, fetchedAt: number) =>
  makeEntry(policy, value, { fetchedAt, arrivedAt: fetchedAt, ownExpiry: Infinity, draw: () => 0 })
const flightAt = (startedAt: number) => ({ reason: 'aging' as const, startedAt, previous: undefined })
export const [held, flight] = [entry('held', 100), flightAt(150)]
export const failure = { error: 'down', class: 'retry' as const }
export const empty: State<string> = { kind: 'empty' }
export const current: State<string> = { kind: 'current', entry: held }
export const flying: State<string> = { kind: 'refreshing', entry: held, flight }
export const queued: State<string> = { ...flying, queued: true }
export const coolDown = { at: 120, attempts: 2, nextAttemptAt: 4000, failure }
export const gone = { at: 120, attempts: 1, nextAttemptAt: 4000, failure: { error: 'gone', class: 'gone' as const } }
export const troubled = (state: State<string>, trouble: Trouble): State<string> => ({ ...state, trouble })

export const changed = (state: State<string>, input: Input<string>) =>
  transition(state, input, policy) as Change<string>
export const discarded = (because: string) => ({ kind: 'fetch-discarded', because })
