/** What an outcome or a rejection adds to a history, by the laws. */
import { add, coolDownOf, factsOf, failuresInARow, type Happening, heldFrom, type Past } from './history.ts'
import type { Refusal, Rules } from './rules.ts'

export interface Failing {
  readonly at: number
  readonly error: unknown
  readonly class: Refusal['class']
  readonly retryAfter?: number | undefined
}

/** L12, L16: a failed fetch that owned the slot. */
export function afterFailure(past: Past, rules: Rules, { at, error, class: severity, retryAfter }: Failing): Past {
  // "Gone" is an answer, not an outage: remembered for at most 5 s, and no longer than a value would be.
  if (severity === 'gone')
    return add(past, { what: 'gone', at, error, attempts: 1, until: at + Math.min(5000, rules.ttl) })
  const attempts = failuresInARow(factsOf(past)) + 1
  const until = at + coolDownOf(rules, attempts, rules.draw, retryAfter)
  return add(past, { what: 'failed', at, error, attempts, until, fatal: severity === 'fatal' })
}

/** L6: the author's `isNewer` says that the result is older than what is held. */
export function afterOlder(past: Past, rules: Rules, at: number): Past {
  const attempts = failuresInARow(factsOf(past)) + 1
  return add(past, { what: 'older', at, attempts, until: at + coolDownOf(rules, attempts, rules.draw) })
}

/** What a result means that a fetch started at `startedAt` brings `at`; `isSame`: it says what is held already. */
export function resultOf(
  rules: Rules,
  value: number,
  isSame: boolean,
  startedAt: number,
  at: number,
): Happening | 'expired' {
  if (startedAt + rules.ownLife <= at) return 'expired'
  const held = heldFrom(rules, value, startedAt, at)
  return held.expiresAt <= at ? { what: 'slow', at } : { what: isSame ? 'renewed' : 'fetched', at, held }
}

/** L10: the held value was rejected; twice in a row counts as a failed fetch, which shortens no cool-down that runs. */
export function afterRejection(past: Past, rules: Rules, at: number, error: unknown, draw = rules.draw): Past {
  const { rejection, setback } = factsOf(past)
  const again = rules.backoff && rejection?.since !== undefined && at - rejection.since < rules.backoff.max
  if (!again) return add(past, { what: 'rejected', at, inARow: 1 })
  const inARow = rejection.inARow + 1
  const attempts = Math.max(failuresInARow(factsOf(past)) + 1, inARow - 1)
  const until = Math.max(setback?.until ?? at, at + coolDownOf(rules, attempts, draw))
  const rejected = add(past, { what: 'rejected', at, inARow })
  return add(rejected, { what: 'failed', at, error, attempts, until, fatal: false })
}
