/** What every registry of a world stands on: one clock, one source, one store, and one book of what was made. */
import type { Clock } from 'evercurrent'
import type { MeetingPoint } from './tiers-coordinator.ts'
import type { Asked, Reader } from './tiers-laws.ts'
import type { Made } from './tiers-ledger.ts'
import type { TierRules } from './tiers-rules.ts'
import type { TierStore } from './tiers-store.ts'

/** A call that has not settled. */
export interface Pending {
  readonly name: string
  /** none for a write */
  readonly readers: readonly Reader[]
}

export interface Fetching extends Asked {
  readonly key: string
  settle(how: 'ok' | 'fail' | 'gone'): void
}

export interface Key {
  readonly name: string
  readonly parts: readonly string[]
}

export interface Ground {
  readonly rules: TierRules
  readonly clock: Clock
  readonly keys: readonly Key[]
  readonly store: TierStore
  readonly made: Map<number, Made>
  /** by which fetch a value came */
  readonly brought: Map<number, Fetching>
  readonly fetching: Fetching[]
  readonly pending: Set<Pending>
  readonly meeting: MeetingPoint | undefined
  partsOf(name: string): readonly string[]
  keysUnder(first?: string): string[]
  /** The next moment: no two things happen at one. */
  tick(): number
  /** A line of the story. */
  say(line: string): void
  ago(at: number): string
  /** Keeps the first rule that was broken. */
  attempt(judge: () => void): void
  /** Judges once everything has followed from what happens now. */
  later(judge: () => void): void
  make(what: Pick<Made, 'key' | 'how' | 'by' | 'tick' | 'at'>, fetched?: Fetching): Made
  /** Whoever waits for a fetch, and for nothing that changed since, has its answer as soon as it has come. */
  answersAtOnce(one: Fetching): void
}
