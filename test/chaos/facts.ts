/** What is recorded of a fleet: every read, every change, every look into the tier and every message heard, with its time. */

/** Milliseconds of the one monotonic clock that all processes of a machine share. */
export const monotonicNow = (): number => Number(process.hrtime.bigint()) / 1e6

interface Timed {
  /** the number of the process in its fleet */
  readonly member: number
  readonly key: string
  readonly began: number
  readonly ended: number
}

export interface ReadFact extends Timed {
  readonly kind: 'read'
  /** `undefined`: it failed */
  readonly version: number | undefined
  readonly from?: 'memory' | 'backend' | 'source'
  /** epoch milliseconds */
  readonly expiresAt?: number
  readonly readAt?: number
  readonly error?: string
}

/** A process dropped or replaced a value: from now on nobody should be given a version below `atLeast`. */
export interface MoveFact extends Timed {
  readonly kind: 'move'
  readonly how: 'invalidate' | 'prefix' | 'set'
  readonly atLeast: number
  readonly isDone: boolean
  /** what the tier answered: the generations that it announces */
  readonly generations: readonly string[]
}

/** A process asked the tier, which held this version. */
export interface LookFact extends Timed {
  readonly kind: 'look'
  readonly version: number | undefined
}

/** A process wrote what it had fetched, and was refused or not. */
export interface CommitFact extends Timed {
  readonly kind: 'commit'
  readonly version: number | undefined
  readonly isAccepted: boolean
}

/** A message of another process was heard. `key` is a prefix if `generation` is empty. */
export interface HeardFact {
  readonly kind: 'heard'
  readonly member: number
  readonly key: string
  readonly generation: string
  readonly at: number
}

/** An observer of the process was shown this version. */
export interface ShownFact {
  readonly kind: 'shown'
  readonly member: number
  readonly key: string
  readonly version: number
  readonly at: number
}

/** An event of the registry that is not about one value. */
export interface EventFact {
  readonly kind: 'event'
  readonly member: number
  readonly what: string
  readonly detail?: string
  readonly at: number
}

/** A call of the source: it says the version that held when it was called, a little later. */
export interface CallFact extends Timed {
  readonly kind: 'call'
  readonly version: number
}

export type MemberFact = ReadFact | MoveFact | LookFact | CommitFact | HeardFact | ShownFact | EventFact
export type Fact = MemberFact | CallFact
