/** What one cache works with: the user's options, checked and completed once. */

import type { Fetch } from '../fetch/fetch.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { isProduction } from '../policy/freeze.ts'
import { checkOptions, isA, type Rule, refuse } from '../policy/options.ts'
import { type Policy, type PolicyOptions, policyRules, resolvePolicy } from '../policy/policy.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { createTimeline, type Timeline } from '../time/timeline.ts'

export interface Surroundings {
  /** Named in events and errors. */
  readonly name?: string | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Numbers in [0, 1). Default: `Math.random`. */
  readonly random?: (() => number) | undefined
  /** Receives every fetch that may outlive its reader, as a promise that never rejects. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

export interface Setting<V> {
  readonly policy: Policy<V>
  readonly clock: Clock
  readonly timeline: Timeline
  readonly random: () => number
  readonly fetch: Fetch<V> | undefined
  readonly schema: StandardSchema<V> | undefined
  readonly waitUntil: Surroundings['waitUntil']
  readonly name: string | undefined
  /** for messages: ` 'name'`, or nothing */
  readonly named: string
}

const standardSchema: Rule<StandardSchema<never>> = (option, value) =>
  typeof (value as StandardSchema<never> | null)?.['~standard']?.validate === 'function'
    ? (value as StandardSchema<never>)
    : refuse(option, 'a Standard Schema (zod, valibot, …)', value)

const clock: Rule<Clock> = (option, value) => {
  for (const method of ['now', 'wallNow', 'after']) {
    if (typeof Object(value)[method] !== 'function') refuse(option, `an object with ${method}()`, value)
  }
  return value as Clock
}

const rules = {
  ...policyRules,
  fetch: isA<never>('function'),
  schema: standardSchema,
  clock,
  random: isA<() => number>('function'),
  name: isA<string>('string'),
  waitUntil: isA<never>('function'),
}

type Options<V> = PolicyOptions<V> & Surroundings & { readonly fetch?: Fetch<V>; readonly schema?: StandardSchema<V> }

/** Throws `TypeError` or `RangeError` naming the option and what was received. */
export function resolveSetting<V>(options: Options<V>): Setting<V> {
  const checked = checkOptions('new BackgroundCache()', options, rules)
  const { fetch, schema, clock = systemClock, random = Math.random, name, waitUntil } = checked
  const policy = resolvePolicy<V>({ ...checked, freeze: checked.freeze && !isProduction() }, options)
  const named = name === undefined ? '' : ` '${name}'`
  return { policy, clock, timeline: createTimeline(clock), random, fetch, schema, waitUntil, name, named }
}
