/** One type of values in a registry: what its author decided about it, checked once. */

import { type Household, type Surroundings, valueRules } from '../cache/setting.ts'
import { newTally, type Tally } from '../cache/stats.ts'
import type { Codec } from '../codec/codec.ts'
import { KeyGoneError } from '../errors.ts'
import type { StandardSchema } from '../fetch/schema.ts'
import { checkOptions, having, isA, refuse } from '../policy/options.ts'
import { type Policy, type PolicyOptions, resolvePolicy } from '../policy/policy.ts'
import type { FetchMany, KeyedFetch } from './keyed.ts'
import { nameRule, wholeNumber } from './options.ts'
import { estimateBytes } from './size.ts'

export interface Kind<K, V> {
  readonly type: string
  readonly version: number
  readonly policy: Policy<V>
  readonly key: ((key: K) => unknown) | undefined
  readonly fetch: KeyedFetch<K, V> | undefined
  readonly fetchMany: FetchMany<K, V> | undefined
  readonly schema: StandardSchema<V> | undefined
  /** absent: its values stay in memory */
  readonly codec: Codec<V> | undefined
  readonly waitUntil: Surroundings['waitUntil']
  /** the reads of all its namespaces */
  readonly tally: Tally
  /** bytes, as its author or an estimate says */
  sizeOf(value: V): number
}

const call = /* @__PURE__ */ isA<never>('function')
// Made by a call that can be left out: whoever imports only `BackgroundCache` does not carry it.
const rules = /* @__PURE__ */ (() => ({
  ...valueRules,
  type: nameRule,
  version: wholeNumber,
  key: call,
  fetchMany: call,
  sizeOf: call,
  codec: having<Codec<never>>('encode', 'decode'),
}))()

type Classify = NonNullable<Policy<never>['classifyError']>
/** A closure of its own: a weak handle keeps it, and must not keep the registry's listeners with it. */
const withGone =
  (classifyError: Classify | undefined): Classify =>
  (error) =>
    error instanceof KeyGoneError ? 'gone' : (classifyError?.(error) ?? 'retry')

/** Throws `TypeError` or `RangeError` naming the option and what was received. */
export function resolveKind<K, V>(
  options: object,
  waitUntil: Surroundings['waitUntil'],
  { guard }: Household['newsroom'],
): Kind<K, V> {
  const checked = checkOptions('define()', options, rules)
  if (!checked.type) refuse('type', 'the name of the type', undefined)
  // A weak handle keeps the policy, so nothing else may be in it: a fetch may close over the registry.
  const { type: name, version = 0, key, fetch, fetchMany, schema, codec, sizeOf, ...decided } = checked
  const policy = resolvePolicy<V>(decided, options as PolicyOptions<V>)
  const measure = sizeOf as ((value: V) => number) | undefined
  return {
    ...({ type: name, version, key, fetch, fetchMany, schema, codec } as Omit<
      Kind<K, V>,
      'waitUntil' | 'tally' | 'policy' | 'sizeOf'
    >),
    waitUntil,
    tally: newTally(),
    policy: { ...policy, classifyError: withGone(policy.classifyError) },
    sizeOf(value) {
      const bytes = measure && guard(() => measure(value))
      // Larger ones are as good as that, and can be added up.
      if (typeof bytes === 'number' && bytes >= 0 && bytes < Infinity) return Math.min(bytes, Number.MAX_SAFE_INTEGER)
      // A proxy may throw whatever is asked of it.
      return guard(() => estimateBytes(value)) ?? 0
    },
  }
}
