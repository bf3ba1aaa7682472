/** The registries under which schedules over several keys are explored. */
import { allRules, type Rules } from './rules.ts'

export interface KeyedRules {
  readonly name: string
  readonly rules: Rules
  /** 3: the last one has the parts of the first, and another type */
  readonly keys: 2 | 3
  readonly maxEntries: number
  /** whether a single key has a fetch of its own, beside `fetchMany` */
  readonly fetch: boolean
  /** whether somebody holds every entry from the start, and looks at it without observing it */
  readonly held: boolean
}

const [plain, staleIfError] = allRules as [Rules, Rules]

const roomy: KeyedRules = {
  name: 'room for all',
  rules: plain,
  keys: 2,
  maxEntries: Infinity,
  fetch: true,
  held: false,
}

/** Explored over every schedule. */
export const keyedRules: readonly KeyedRules[] = [
  roomy,
  { ...roomy, name: 'room for one', maxEntries: 1 },
  { ...roomy, name: 'room for one, entries held, only fetchMany', maxEntries: 1, fetch: false, held: true },
]

/** Explored by samples. */
export const widerRules: readonly KeyedRules[] = [
  { ...roomy, name: 'room for two of three', keys: 3, maxEntries: 2 },
  { ...roomy, name: 'room for two of three, entries held', keys: 3, maxEntries: 2, held: true, rules: staleIfError },
  { ...roomy, name: 'room for one of three, only fetchMany', keys: 3, maxEntries: 1, fetch: false },
  { ...roomy, name: 'room for all three, stale if error', keys: 3, held: true, rules: staleIfError },
  { ...roomy, name: 'room for none', keys: 3, maxEntries: 0, held: true },
]
