/** One key of a real registry beside its oracle: what is known of it by the laws, and what was seen. */
import type { CacheEntry, CacheEvent, Held, Snapshot } from 'evercurrent'
import type { Attempt, Caller } from './answers.ts'
import type { Got } from './duo.ts'
import { createExpected, type Expected } from './expected.ts'
import type { Rules } from './rules.ts'

/** One call of the real `fetch` or `fetchMany`. */
export interface SourceCall {
  readonly isBatch: boolean
  readonly signal: AbortSignal
  readonly startedAt: number
  /** of a batch: nothing */
  readonly previous: Held<number> | undefined
  readonly asked: readonly { readonly lane: Lane; readonly attempt: Attempt }[]
  readonly settle: (how: 'resolve' | 'reject', outcome: unknown) => void
  settled: boolean
}

/** What one caller got. Who asked for several keys waits for as many answers of the oracle. */
export interface KeyedGot extends Omit<Got, 'value'> {
  readonly lanes: readonly Lane[]
  readonly callers: readonly Caller[]
  value?: number | Map<Lane, number>
}

export interface Lane {
  readonly name: string
  readonly key: readonly string[]
  readonly type: 'number' | 'other'
  /** A new one after every eviction: nothing is known of the key. */
  expected: Expected
  calls: SourceCall[]
  told: CacheEvent[]
  /** what observers heard, and since which of the oracle's states they listen */
  heard: Snapshot<number>[]
  heardFrom: number
  unsubscribe?: (() => void) | undefined
  entry?: CacheEntry<number> | undefined
  /** in which step it was used last */
  usedAt: number
  /** whether it held a value before this step */
  wasHeld: boolean
}

export function openLane(name: string, key: readonly string[], rules: Rules, now: number): Lane {
  const expected = createExpected(rules, now, () => {})
  const type = name === 'C' ? 'other' : 'number'
  return { name, key, type, expected, calls: [], told: [], heard: [], heardFrom: 0, usedAt: 0, wasHeld: false }
}

/** Fetched or observed: it must not be evicted. */
export const isBusy = ({ expected, unsubscribe }: Lane) =>
  expected.inTheAir().length > 0 || expected.trailing() !== undefined || unsubscribe !== undefined

/** Whether the registry has anything to remember of it. */
export function isKnown(lane: Lane): boolean {
  const { held, setback, told, rejection, slowAt } = lane.expected.facts()
  return isBusy(lane) || !!held || !!setback || !!told || !!rejection || slowAt !== undefined
}

export const isHeld = ({ expected }: Lane) => expected.facts().held !== undefined
