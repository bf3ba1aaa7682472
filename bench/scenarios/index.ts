/** All scenarios, by the names they are chosen with. */

import type { Scenario } from '../scenario.ts'
import { growthByIdleKeys, growthBySubscribers } from './growth.ts'
import { importCost } from './import.ts'
import { entryWeight, keyed1e3, keyed1e5, keyed1e6 } from './keyed.ts'
import { keyedStampedeAllocated, keyedStampedeTime, stampedeAllocated, stampedeKept, stampedeTime } from './stampede.ts'
import { warmGet, warmSync } from './warm.ts'

export const scenarios: Readonly<Record<string, Scenario>> = {
  get: warmGet,
  sync: warmSync,
  stampede: stampedeTime,
  'stampede-allocated': stampedeAllocated,
  'stampede-kept': stampedeKept,
  'keyed-stampede': keyedStampedeTime,
  'keyed-stampede-allocated': keyedStampedeAllocated,
  'keyed-1e3': keyed1e3,
  'keyed-1e5': keyed1e5,
  'keyed-1e6': keyed1e6,
  'entry-weight': entryWeight,
  'growth-keys': growthByIdleKeys,
  'growth-subscribers': growthBySubscribers,
  import: importCost,
}
