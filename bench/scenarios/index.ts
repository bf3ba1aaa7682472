/** All scenarios, by the names they are chosen with. */

import type { Scenario } from '../scenario.ts'
import { importCost } from './import.ts'
import { stampedeAllocated, stampedeKept, stampedeTime } from './stampede.ts'
import { warmGet, warmSync } from './warm.ts'

export const scenarios: Readonly<Record<string, Scenario>> = {
  get: warmGet,
  sync: warmSync,
  stampede: stampedeTime,
  'stampede-allocated': stampedeAllocated,
  'stampede-kept': stampedeKept,
  import: importCost,
}
