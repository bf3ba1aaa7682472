/** How lengths of time are written by users: the only place where units are parsed. */

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

/** A length of time: milliseconds, or a string such as `'30s'`, `'1.5m'`. Units: ms, s, m, h, d. */
export type Duration = number | `${number}${Unit}`

/** A point in time going in: epoch milliseconds or a `Date`. Coming out it is always epoch milliseconds. */
export type Instant = number | Date

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds, or `NaN` for what is not a duration. */
export function parseDuration(duration: unknown): number {
  if (typeof duration === 'number') return duration
  const parts = typeof duration === 'string' && /^(\d*\.?\d+(?:e\d+)?)(ms|[smhd])$/.exec(duration)
  return parts ? Number(parts[1]) * (units[parts[2] as Unit] as number) : NaN
}

/** Epoch milliseconds, or `NaN` for what is not a point in time. `Infinity` is one that never comes. */
export function parseInstant(instant: unknown): number {
  return typeof instant === 'number' || isKind(instant, 'Date') ? Number(instant) : NaN
}

/** As `instanceof`, but for objects of other realms too. */
export function isKind(value: unknown, kind: 'Date' | 'Object' | 'CryptoKey'): boolean {
  return Object.prototype.toString.call(value) === `[object ${kind}]`
}
