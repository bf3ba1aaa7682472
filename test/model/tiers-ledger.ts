/** What a model knows of every value, and of every key in one life of one registry: what readers there may be given. */

import type { TierCall } from './tiers-store.ts'

/** One value. No two are equal, so whoever gets one can be asked how old it is. */
export interface Made {
  readonly value: number
  readonly key: string
  readonly how: 'fetched' | 'set' | 'seeded'
  /** the life of a registry that brought it */
  readonly by: string
  /** when its fetch began, or the call that wrote it */
  readonly tick: number
  /** epoch milliseconds: its age counts from here */
  readonly at: number
  /** of a set: when the store took it */
  accepted: { readonly tick: number; readonly at: number } | undefined
  /** of a set: when its caller heard so; its own registry may hold it from a little before */
  resolved: number | undefined
  /** of a set: it rejected. Whether the store has it is then unknown. */
  failed: boolean
}

/** What has happened to a key, in one registry, up to some moment. Ticks order everything; -1: never. */
export interface Past {
  /** the last call that dropped it: `invalidate()`, by prefix, `clear()` */
  readonly dropped: number
  /** the value of the last `set()` that has resolved */
  readonly set: Made | undefined
  readonly expired: { readonly tick: number; readonly at: number } | undefined
  /** a fetch that began then was told that the key is gone */
  readonly gone: number
  /** the newest value that a fetch brought and that was sent to the tier */
  readonly landed: { readonly made: Made; readonly call: TierCall } | undefined
}

export interface Ledger {
  readonly by: string
  readonly key: string
  past: Past
  /** when the store refused them, or a caller of `invalidate({ ifValue })` rejected them */
  readonly refused: Map<number, number>
  readonly rejected: Map<number, number>
  /** of which somebody said so, whatever came of it */
  readonly rejecting: Set<number>
  /** epoch milliseconds at which a value last came here */
  readonly arrivals: Map<number, number>
  /** ticks at which this registry told of a fetch that failed, and of one that brought something */
  lastFailure: number
  lastSuccess: number
  /** The source failed, also for a fetch that had lost its slot: whoever waited for it may be given what is stale. */
  lastSourceFailure: number
  /** Everything that may have moved the key here. */
  lastTouch: number
  /** The last thing that takes the slot from a fetch. */
  lastSuperseded: number
  /** The last call that drops, whatever it drops: a `set()` from before it does not get into memory. */
  lastDrop: number
  /** The store had moved on when a drop with a condition came. */
  lastDropRefused: number
  /** the look-ups after which the source may yet be asked, oldest first */
  lookUps: { readonly tick: number; readonly at: number }[]
  /** Drops that were asked for, and that the tier may not know of. */
  readonly owed: Set<object>
  /** since when no fetch is in the air: epoch milliseconds */
  quietSince: number
}

export const openLedger = (by: string, key: string, now: number): Ledger => ({
  by,
  key,
  past: { dropped: -1, set: undefined, expired: undefined, gone: -1, landed: undefined },
  refused: new Map(),
  rejected: new Map(),
  rejecting: new Set(),
  arrivals: new Map(),
  lastFailure: -1,
  lastSuccess: -1,
  lastSourceFailure: -1,
  lastTouch: -1,
  lastSuperseded: -1,
  lastDrop: -1,
  lastDropRefused: -1,
  lookUps: [],
  owed: new Set(),
  quietSince: now,
})

export const isFailing = ({ lastFailure, lastSuccess }: Ledger): boolean => lastFailure > lastSuccess

/** When it counts from among the writes of a registry: those go in the order of the calls, the others' as the store took them. */
export const tickFor = (made: Made, by: string): number => {
  if (made.how !== 'set') return made.tick
  if (made.by === by && !made.failed) return made.tick
  return made.accepted?.tick ?? -1
}

/** Of a set: it happens when the tier has accepted it. */
export const bornAt = (made: Made): number => (made.how === 'set' ? (made.accepted?.tick ?? -1) : made.tick)
export const dated = (made: Made): number => (made.how === 'set' ? (made.accepted?.at ?? made.at) : made.at)

export const told = (made: Made): string => `${made.value} (${made.how} by ${made.by})`
