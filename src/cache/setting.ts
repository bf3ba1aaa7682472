/** What one cache works with: the user's options, checked and completed once. */

import type { Fetch } from '../fetch/fetch.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { checkKeys, checkType } from '../policy/check.ts'
import { isProduction } from '../policy/freeze.ts'
import { type Policy, type PolicyOptions, policyKeys, resolvePolicy } from '../policy/policy.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { received } from '../time/received.ts'
import { Timeline } from '../time/timeline.ts'

export interface Surroundings {
  /** Named in events and errors. */
  readonly name?: string
  /** Default: the system's. */
  readonly clock?: Clock
  /** Numbers in [0, 1). Default: `Math.random`. */
  readonly random?: () => number
  /** Receives every fetch that may outlive its reader, as a promise that never rejects. */
  readonly waitUntil?: (work: Promise<unknown>) => void
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

type Options<V> = PolicyOptions<V> & Surroundings & { readonly fetch?: Fetch<V>; readonly schema?: StandardSchema<V> }

/** Throws `TypeError` or `RangeError` naming the option and what was received. */
export function resolveSetting<V>(options: Options<V>): Setting<V> {
  checkKeys('new BackgroundCache()', options, [
    ...policyKeys,
    'fetch',
    'schema',
    'clock',
    'random',
    'name',
    'waitUntil',
  ])
  const { fetch, schema, clock = systemClock, random = Math.random, name, waitUntil } = options
  const policy = resolvePolicy(options)
  for (const [option, callback] of Object.entries({ fetch, random, waitUntil })) checkType(option, callback, 'function')
  checkType('name', name, 'string')
  checkSchema(schema)
  checkClock(clock)
  return {
    policy: { ...policy, freeze: policy.freeze && !isProduction() },
    clock,
    timeline: new Timeline(clock),
    random,
    fetch,
    schema,
    waitUntil,
    name,
    named: name === undefined ? '' : ` '${name}'`,
  }
}

function checkSchema(schema: unknown): void {
  if (schema === undefined) return
  const { '~standard': standard } = Object(schema) as Partial<StandardSchema<unknown>>
  if (typeof standard?.validate === 'function') return
  throw new TypeError(`Cannot use schema: not a Standard Schema (zod, valibot, …): received ${received(schema)}`)
}

function checkClock(clock: Clock): void {
  checkType('clock', clock, 'object')
  for (const method of ['now', 'wallNow', 'after'] as const) {
    if (typeof clock[method] !== 'function') throw new TypeError(`Cannot use clock: no ${method}(): received an object`)
  }
}
