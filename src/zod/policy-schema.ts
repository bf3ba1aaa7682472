/** Policies from outside the program: the rules of the core, applied to JSON and to strings of the environment. */

import * as z from 'zod'
import { checkOptions, type Rule } from '../policy/options.ts'
import { type Backoff, policyRules, resolvePolicy } from '../policy/policy.ts'
import { isKind } from '../time/duration.ts'

/** The part of a policy that can be written down as data; durations in whole milliseconds. */
export interface PolicyConfig {
  readonly ttl: number
  readonly refreshWindow?: number | undefined
  readonly staleIfError?: number | undefined
  readonly fetchTimeout?: number | undefined
  readonly maxWait?: number | undefined
  readonly backoff?: Backoff | false | undefined
  readonly jitter?: number | undefined
}

/** The environment has only strings: those that say a number or `false` mean it. */
function meant(value: unknown): unknown {
  if (isKind(value, 'Object')) return Object.fromEntries(Object.entries(value as object).map(([k, v]) => [k, meant(v)]))
  if (typeof value !== 'string') return value
  return value === 'false' ? false : /^-?(\d*\.?\d+|Infinity)$/.test(value) ? Number(value) : value
}

/** Why the core refuses it, in its own words. */
function refusal(check: () => unknown): string {
  try {
    check()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

const option = <T>(name: string, rule: Rule<T>) =>
  z.unknown().transform((given, context): T => {
    const value = meant(given)
    const message = refusal(() => rule(name, value))
    if (!message) return rule(name, value)
    context.addIssue(message)
    return z.NEVER
  })

/**
 * Checks and completes a policy from a config file or the environment: `ttl` (required), `refreshWindow`, `staleIfError`,
 * `fetchTimeout`, `maxWait`, `backoff` and `jitter`. Durations are milliseconds or strings such as `'30s'`; strings that
 * say a number or `false` are taken for it, and what is `undefined` is absent. The rules and the messages are those of
 * `new BackgroundCache()`: what is expected, and what was received unless that may be a secret. All that is wrong with
 * single options is told at once.
 *
 * @example
 * ```ts
 * const policy = policySchema.parse({ ttl: '30s', refreshWindow: '5000', jitter: '0.2', backoff: 'false' })
 * policy // { ttl: 30_000, refreshWindow: 5000, jitter: 0.2, backoff: false }
 * const cache = new BackgroundCache({ ...policy, fetch: () => 'v1' })
 * await cache.get() // 'v1'
 * policySchema.safeParse({ ttl: 'soon' }).error?.issues[0]?.message.slice(0, 37) // 'Cannot use ttl: expected a duration a'
 * ```
 */
export const policySchema: z.ZodType<PolicyConfig> = /* @__PURE__ */ (() => {
  const { ttl, refreshWindow, staleIfError, fetchTimeout, maxWait, backoff, jitter } = policyRules
  const rules = { ttl, refreshWindow, staleIfError, fetchTimeout, maxWait, backoff, jitter }
  const refused = (given: unknown) => refusal(() => checkOptions('policySchema', given, rules))
  return z
    .strictObject(
      {
        ttl: option('ttl', ttl),
        refreshWindow: option('refreshWindow', refreshWindow).optional(),
        staleIfError: option('staleIfError', staleIfError).optional(),
        fetchTimeout: option('fetchTimeout', fetchTimeout).optional(),
        maxWait: option('maxWait', maxWait).optional(),
        backoff: option('backoff', backoff).optional(),
        jitter: option('jitter', jitter).optional(),
      },
      {
        error: ({ code, keys, input }) =>
          code === 'unrecognized_keys'
            ? (keys as string[]).map((key) => refused({ [key]: (input as never)[key] })).join('; ')
            : refused(input),
      },
    )
    .superRefine((policy, context) => {
      const message = refusal(() => resolvePolicy(policy, policy))
      if (message) context.addIssue({ code: 'custom', message, path: ['refreshWindow'] })
    })
})()
