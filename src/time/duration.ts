/** How lengths and points of time are written by users: the only place where units are parsed. */

import { received } from './received.ts'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

/** A length of time: milliseconds, or a string such as `'30s'`, `'1.5m'`. Units: ms, s, m, h, d. */
export type Duration = number | `${number}${Unit}`

/** A point in time going in: epoch milliseconds or a `Date`. Coming out it is always epoch milliseconds. */
export type Instant = number | Date

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Whole milliseconds of a duration. `Infinity` passes, unless `most` is lower. */
export function toMilliseconds(option: string, value: unknown, least: 0 | 1, most = Number.POSITIVE_INFINITY): number {
  const parts = typeof value === 'string' ? /^(\d*\.?\d+(?:e\d+)?)(ms|[smhd])$/.exec(value) : undefined
  const ms = typeof value === 'number' ? value : parts ? Number(parts[1]) * (units[parts[2] as Unit] ?? 1) : Number.NaN
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw new TypeError(`Cannot use ${option}: not a duration (30000 or '30s'): received ${received(value)}`)
  }
  if (!(ms >= 0 && (ms > 0 || least === 0) && ms <= most)) {
    const range = `${least ? 'above' : 'at least'} 0${most < Number.POSITIVE_INFINITY ? ' and finite' : ''}`
    throw new RangeError(`Cannot use ${option}: not a duration ${range} (30000 or '30s'): received ${received(value)}`)
  }
  return Math.max(least, Math.round(ms))
}

/** Epoch milliseconds of an instant, where `Infinity` never comes. `quote` says how a wrong one is named. */
export function toEpoch(option: string, value: unknown, quote = received): number {
  const epoch = value instanceof Date ? value.getTime() : value
  if (typeof epoch !== 'number') {
    throw new TypeError(`Cannot use ${option}: not epoch milliseconds or a Date: received ${quote(value)}`)
  }
  if (Number.isNaN(epoch)) throw new RangeError(`Cannot use ${option}: not a point in time: received NaN`)
  return epoch
}
