/** The policies under which every schedule is explored. */
import { type Policy, type PolicyOptions, resolvePolicy } from '../../src/policy/policy.ts'

/** What the user decided, in whole milliseconds, and where the clock stands when the cache is made. */
export interface Rules {
  readonly name: string
  readonly startAt: number
  readonly ttl: number
  /** `undefined`: the default */
  readonly refreshWindow: number | undefined
  readonly staleIfError: number
  readonly fetchTimeout: number
  readonly backoff: false | { readonly base: number; readonly max: number }
  readonly jitter: number
  /** what the random generator answers */
  readonly draw: number
  /** how long every value lives by itself, from the start of its fetch */
  readonly ownLife: number
  /** larger values are newer, and smaller ones are dropped */
  readonly ordered: boolean
}

export const day = 86_400_000

const plain: Rules = {
  name: 'plain',
  startAt: 0,
  ttl: 10_000,
  refreshWindow: 4000,
  staleIfError: 0,
  fetchTimeout: 20_011,
  backoff: { base: 1000, max: 8000 },
  jitter: 0,
  draw: 1,
  ownLife: Infinity,
  ordered: false,
}

export const allRules: readonly Rules[] = [
  plain,
  { ...plain, name: 'stale-if-error', staleIfError: 6000, draw: 0 },
  { ...plain, name: 'no back-off', staleIfError: 6000, backoff: false, fetchTimeout: 3011 },
  { ...plain, name: 'no window', refreshWindow: 0, ordered: true, staleIfError: 2000, fetchTimeout: 7011 },
  { ...plain, name: 'jitter, widest window', refreshWindow: 9000, jitter: 1, draw: 0.5, ordered: true },
  { ...plain, name: 'own expiry', ttl: day, ownLife: 2_400_000, refreshWindow: undefined, staleIfError: 60_000 },
  {
    ...plain,
    name: '60 days, clock near 2**31',
    startAt: 2 ** 31 - 3000,
    ttl: 60 * day,
    refreshWindow: 12 * day,
    staleIfError: 30 * day,
    backoff: { base: 14_400_000, max: 14_400_000 },
    fetchTimeout: 90 * day + 11,
  },
  {
    ...plain,
    name: 'short ttl, long cool-down',
    ttl: 3000,
    refreshWindow: undefined,
    backoff: { base: 16_000, max: 64_000 },
  },
]

/** What a failing fetch throws: the policy's callbacks read what it means from it. */
export interface Refusal {
  readonly class: 'retry' | 'fatal' | 'gone'
  readonly retryAfter?: number
}

/** Values are whole numbers, and what is behind the point says nothing new. */
export const saysTheSame = (next: number, held: number) => Math.floor(next) === Math.floor(held)

/** The same rules as the options of a cache. */
export function optionsOf(rules: Rules) {
  const { ttl, refreshWindow, staleIfError, fetchTimeout, backoff, jitter, ownLife, ordered } = rules
  return {
    ...(ttl < Infinity && { ttl }),
    ...(ownLife < Infinity && { expiresAt: (_: number, fetchedAt: number) => fetchedAt + ownLife }),
    equals: saysTheSame,
    ...(ordered && { isNewer: (next: number, held: number) => next > held }),
    ...(refreshWindow !== undefined && { refreshWindow }),
    staleIfError,
    fetchTimeout,
    backoff,
    jitter,
    classifyError: (error: unknown) => (error as Refusal).class,
    retryAfter: (error: unknown) => (error as Refusal).retryAfter,
  }
}

export function policyOf(rules: Rules): Policy<number> {
  const options = optionsOf(rules)
  return resolvePolicy<number>(options, options as PolicyOptions<number>)
}
