/** What all types and namespaces of a registry share: its rows and their budget, its time and its listeners. */

import type { CacheBackend } from '../backend/backend.ts'
import { type Household, openHousehold, type Surroundings } from '../cache/setting.ts'
import { Tier } from '../tier/tier.ts'
import { startTimer } from '../time/timer.ts'
import { type Row, Rows } from './rows.ts'
import type { Shelf } from './shelf.ts'

export type Store = ReturnType<typeof createStore>

export interface Budget {
  readonly maxEntries?: number | undefined
  readonly maxBytes?: number | undefined
  readonly backend?: CacheBackend | undefined
  readonly backendDeadline?: number | undefined
  readonly writeDeadline?: number | undefined
}

export function createStore(
  surroundings: Surroundings,
  { maxEntries = Infinity, maxBytes = Infinity, backend, backendDeadline = 200, writeDeadline = 5000 }: Budget,
) {
  const household: Household = openHousehold(surroundings)
  const sized = maxBytes < Infinity
  const rows = new Rows(sized)
  /** by the number that their rows have for them */
  const shelves: (Shelf<never, unknown> | undefined)[] = []
  const free: number[] = []
  /** Calls back when an object that was handed out is held by nobody any more. */
  const whenGone = new FinalizationRegistry<() => void>((forget) => forget())
  const kept = new Set<object>()
  return {
    ...household,
    household,
    rows,
    sized,
    maxEntries,
    tier: backend && new Tier({ backend, backendDeadline, writeDeadline }, household),
    addShelf(shelf: Shelf<never, unknown>): number {
      const owner = free.pop() ?? shelves.length
      shelves[owner] = shelf
      return owner
    },
    /** Only for one that has no rows. */
    removeShelf(owner: number) {
      shelves[owner] = undefined
      free.push(owner)
    },
    isDisposed: false,
    whenGone,
    /** Keeps what a handle does not keep itself, for as long as anybody has the handle. */
    keepWith<H extends object>(handle: H, what: object): H {
      const box = { what }
      kept.add(box)
      whenGone.register(handle, () => void kept.delete(box))
      return handle
    },
    waitUntil: surroundings.waitUntil,
    pauseWhile: surroundings.pauseWhile,
    soon: (ms: number, task: () => void) => void startTimer(household.clock, ms, task, false),
    /** Evicts what was not used for longest until the rest is within the budget. What is in use stays. */
    trim(arrived: Row) {
      const evict = (row: Row) => shelves[rows.owner[row] as number]?.evict(rows.ids[row] as string)
      // What is too large by itself would drive out all the others first.
      if (arrived && rows.bytesAt(arrived) > maxBytes) evict(arrived)
      while (rows.count > maxEntries || rows.bytes > maxBytes) {
        const row = rows.oldest()
        if (!row) return
        evict(row)
      }
    },
  }
}
