/** What one cache works with: the user's options, checked and completed once. */

import { createNewsroom, type Newsroom, type Subject } from '../events/newsroom.ts'
import type { Fetch } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import type { Load } from '../fetch/found.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { checkOptions, having, isA, type Rule, refuse } from '../policy/options.ts'
import { type Policy, type PolicyOptions, policyRules, resolvePolicy } from '../policy/policy.ts'
import { empty, type State } from '../state/state.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import type { Pause } from '../time/pause.ts'
import { createTimeline, type Timeline } from '../time/timeline.ts'
import { newTally, type Tally } from './stats.ts'

export interface Surroundings {
  /** Named in events and errors. */
  readonly name?: string | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Numbers in [0, 1). Default: `Math.random`. */
  readonly random?: (() => number) | undefined
  /** Receives every fetch that may outlive its reader, as a promise that never rejects. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /**
   * While it says so, `keepFresh()` and whoever holds it rest: no timer, no fetch. Afterwards what is due is fetched
   * once. Reads are not affected. Default: never.
   */
  readonly pauseWhile?: Pause | undefined
}

/** What the values of one registry share, and a cache of one value has for itself. */
export interface Household {
  readonly clock: Clock
  readonly timeline: Timeline
  /** a random number in [0, 1], whatever the injected generator does */
  readonly draw: () => number
  readonly newsroom: Newsroom
}

export interface Setting<V> extends Household {
  readonly tally: Tally
  readonly policy: Policy<V>
  readonly fetch: Fetch<V> | undefined
  /** where a value is looked for before it is fetched */
  readonly load?: Load<V> | undefined
  readonly schema: StandardSchema<V> | undefined
  readonly waitUntil: Surroundings['waitUntil']
  readonly pauseWhile?: Surroundings['pauseWhile']
  /** for messages: ` 'name'`, or nothing */
  readonly named: string
  readonly subject?: Subject
  /** what is held to begin with */
  readonly initial: State<V, Flight<V>>
}

const standardSchema: Rule<StandardSchema<never>> = (option, value) =>
  typeof (value as StandardSchema<never> | null)?.['~standard']?.validate === 'function'
    ? (value as StandardSchema<never>)
    : refuse(option, 'a Standard Schema (zod, valibot, …)', value)

export const pauseRules = { pauseWhile: having<Pause>('isPaused', 'subscribe') }

/** The options of a household, and those of what a value is and how it is kept. */
export const householdRules = {
  ...pauseRules,
  clock: having<Clock>('now', 'wallNow', 'after'),
  random: isA<() => number>('function'),
  name: isA<string>('string'),
  waitUntil: isA<NonNullable<Surroundings['waitUntil']>>('function'),
}
export const valueRules = { ...policyRules, fetch: isA<never>('function'), schema: standardSchema }
const rules = /* @__PURE__ */ (() => ({ ...valueRules, ...householdRules }))()

export function openHousehold({ clock = systemClock, random = Math.random, name }: Surroundings): Household {
  const timeline = createTimeline(clock)
  const newsroom = createNewsroom(timeline, name)
  const draw = () => {
    const drawn = newsroom.guard(random) ?? NaN
    return drawn >= 0 && drawn <= 1 ? drawn : 0.5
  }
  return { clock, timeline, draw, newsroom }
}

type Options<V> = PolicyOptions<V> & Surroundings & { readonly fetch?: Fetch<V>; readonly schema?: StandardSchema<V> }

/** Throws `TypeError` or `RangeError` naming the option and what was received. */
export function resolveSetting<V>(options: Options<V>): Setting<V> {
  const checked = checkOptions('new BackgroundCache()', options, rules)
  const { fetch, schema, waitUntil, pauseWhile, name } = checked
  return {
    ...openHousehold(checked),
    tally: newTally(),
    policy: resolvePolicy<V>(checked, options),
    fetch,
    schema,
    waitUntil,
    pauseWhile,
    named: name === undefined ? '' : ` '${name}'`,
    initial: empty,
  }
}
