/** What the author of a registry, and of a type in it, decides. */

import type { CacheBackend } from '../backend/backend.ts'
import { householdRules, type Surroundings } from '../cache/setting.ts'
import type { Codec } from '../codec/codec.ts'
import { duration, having, type Rule, refuse } from '../policy/options.ts'
import type { PolicyOptions } from '../policy/policy.ts'
import type { Duration } from '../time/duration.ts'

export interface RegistryOptions extends Surroundings {
  /** Begins every key, so that registries of one store keep apart. Default: none. */
  readonly namespace?: string | readonly string[] | undefined
  /**
   * How many values may rest here; the one not used for longest goes first. 0: nothing is kept, one fetch is shared.
   * Default: `Infinity`. What is fetched or observed stays.
   */
  readonly maxEntries?: number | undefined
  /** How many bytes they may take, by their type's `sizeOf` or an estimate. Default: `Infinity`, and nothing is measured. */
  readonly maxBytes?: number | undefined
  /** A storage tier for the types that have a `codec`. It belongs to whoever made it: `dispose()` does not close it. */
  readonly backend?: CacheBackend | undefined
  /** How long a reader waits for the backend before the source is asked. Default 200 ms. */
  readonly backendDeadline?: Duration | undefined
  /** How long the backend may take to write or delete. Default 5 s. */
  readonly writeDeadline?: Duration | undefined
}

/** What one type of values decides, beside where they come from: the policy is that of a `BackgroundCache`. */
export interface TypeOptions<V> extends PolicyOptions<V> {
  /** A name that stays the same between releases. Required, and not empty. */
  readonly type: string
  /** Moves on when the shape of the values changes. Default 0. */
  readonly version?: number | undefined
  /**
   * Bytes of one value, asked once for each value and only under `maxBytes`. Default: an estimate (2 per character, 16 per
   * object and 8 for each slot, which is all that a number in it takes). If it throws or gives nonsense: the estimate.
   */
  readonly sizeOf?: ((value: V) => number) | undefined
  /** How values become bytes that the registry's `backend` keeps. Default: none, and they stay in memory. */
  readonly codec?: Codec<V> | undefined
}

export const wholeNumber: Rule<number> = (option, value) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(option, 'a whole number from 0', value, typeof value === 'number')

const limit: Rule<number> = (option, value) => (value === Infinity ? value : wholeNumber(option, value))

export const namespacePath: Rule<readonly string[]> = (option, value) => {
  const path = typeof value === 'string' ? [value] : value
  const isPath = Array.isArray(path) && path.every((part) => typeof part === 'string' && part)
  return isPath ? path : refuse(option, 'a name or an array of names', value)
}

export const nameRule: Rule<string> = (option, value) =>
  typeof value === 'string' && value ? value : refuse(option, 'a name that is not empty', value)

const asBackend = /* @__PURE__ */ having<CacheBackend>('get', 'set', 'delete', 'deletePrefix')
const backend: Rule<CacheBackend> = (option, value) => {
  const given = asBackend(option, value)
  nameRule(`${option}.name`, given.name)
  return given
}

export const registryRules = /* @__PURE__ */ (() => ({
  ...householdRules,
  namespace: namespacePath,
  maxEntries: limit,
  maxBytes: limit,
  backend,
  backendDeadline: duration(1),
  writeDeadline: duration(1),
}))()
