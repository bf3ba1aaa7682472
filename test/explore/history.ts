/**
 * What the laws say of a history, as sentences over what happened. It is the oracle of the explorers: written from the
 * laws alone, it keeps no state and has no transition, so it cannot be wrong in the way the machine would be.
 */
import type { Rules } from './rules.ts'

export interface Held {
  readonly value: number
  readonly fetchedAt: number
  readonly agingAt: number
  /** where jitter puts the refresh */
  readonly refreshAt: number
  readonly expiresAt: number
}

export type Happening = { readonly at: number } & (
  | { readonly what: 'fetched' | 'renewed' | 'set' | 'seeded'; readonly held: Held }
  /** `error` is absent when the source answered with something older than what is held */
  | {
      readonly what: 'failed' | 'gone' | 'older'
      readonly until: number
      readonly attempts: number
      readonly error?: unknown
      readonly fatal?: boolean
    }
  /** arrived, but had outlived its own ttl */
  | { readonly what: 'slow' | 'expired' | 'invalidated' }
  | { readonly what: 'rejected'; readonly inARow: number }
)

/** A history, newest first. */
export type Past = { readonly last: Happening; readonly before: Past } | undefined

export const add = (before: Past, last: Happening): Past => ({ last, before })

/** A failed attempt since the last success: the cool-down it caused and its error. */
export interface Setback {
  readonly at: number
  readonly until: number
  readonly attempts: number
  readonly failed: boolean
  /** the source answered that it does not exist */
  readonly gone: boolean
  readonly error: unknown
}

export interface Facts {
  readonly held: Held | undefined
  readonly setback: Setback | undefined
  readonly fatal: { readonly error: unknown } | undefined
  /** `expire()` still counts; `tried`: an attempt since then brought nothing */
  readonly told: { readonly at: number; readonly tried: boolean } | undefined
  /** the rejection right before what is held now, and since when that is held */
  readonly rejection: { readonly inARow: number; readonly since: number | undefined } | undefined
  /** the last attempt since the last kept value brought one that had outlived its ttl */
  readonly slowAt: number | undefined
}

export function factsOf(past: Past): Facts {
  return {
    held: heldAfter(past),
    setback: setbackAfter(past),
    fatal: fatalAfter(past),
    told: toldAfter(past),
    rejection: rejectionBefore(past),
    slowAt: past && slowAfter(past),
  }
}

/** The newest value, unless it was dropped since. */
function heldAfter(past: Past): Held | undefined {
  for (let p = past; p; p = p.before) {
    const { last } = p
    if ('held' in last) return last.held
    if (last.what === 'invalidated' || last.what === 'rejected' || last.what === 'gone') return undefined
  }
  return undefined
}

/** L12: cleared by any success and by `set`, by nothing else. L16: any mutation forgets a "gone". */
function setbackAfter(past: Past): Setback | undefined {
  let mutated = false
  for (let p = past; p; p = p.before) {
    const { last } = p
    switch (last.what) {
      case 'fetched':
      case 'renewed':
      case 'set':
      case 'slow':
        return undefined
      case 'gone':
        if (mutated) return undefined
        return { ...last, failed: true, gone: true, error: last.error }
      case 'failed':
      case 'older':
        return { ...last, failed: last.what === 'failed', gone: false, error: last.error }
      default:
        mutated = true
    }
  }
  return undefined
}

/** L16: fatal until the next success or `set`; the source answering "gone" or with an older value ends it too. */
function fatalAfter(past: Past): { readonly error: unknown } | undefined {
  for (let p = past; p; p = p.before) {
    const { last } = p
    if (last.what === 'failed' && last.fatal) return { error: last.error }
    if (/fetched|renewed|set|slow|gone|older/.test(last.what)) return undefined
  }
  return undefined
}

/** L10: `expire()` counts until there is another value, if that is not a seed from before it. */
function toldAfter(past: Past): { readonly at: number; readonly tried: boolean } | undefined {
  let tried = false
  let seededFrom = -Infinity
  for (let p = past; p; p = p.before) {
    const { last } = p
    switch (last.what) {
      case 'expired':
        return last.at > seededFrom ? { at: last.at, tried } : undefined
      case 'failed':
      case 'older':
        tried = true
        break
      case 'seeded':
        seededFrom = Math.max(seededFrom, last.held.fetchedAt)
        break
      case 'slow':
        break
      default:
        return undefined
    }
  }
  return undefined
}

/** L10: whether the value before the one held now (or the last one, when none is) was rejected. */
function rejectionBefore(past: Past): Facts['rejection'] {
  let since: number | undefined
  for (let p = past; p; p = p.before) {
    const { last } = p
    switch (last.what) {
      case 'rejected':
        return { inARow: last.inARow, since }
      case 'fetched':
      case 'set':
      case 'seeded':
        if (since !== undefined) return undefined
        since = last.at
        break
      case 'invalidated':
      case 'gone':
        return undefined
    }
  }
  return undefined
}

function slowAfter(past: NonNullable<Past>): number | undefined {
  for (let p: Past = past; p; p = p.before) {
    const { what, at } = p.last
    if (what === 'slow') return at
    if (/fetched|renewed|set|failed|older|gone/.test(what)) return undefined
  }
  return undefined
}

/** L1, L2: the times of a value that arrived `now` and counts from `fetchedAt`. */
export function heldFrom(rules: Rules, value: number, fetchedAt: number, now: number, draw = rules.draw): Held {
  const expiresAt = fetchedAt + Math.min(rules.ttl, rules.ownLife)
  const left = expiresAt - now
  const wanted = rules.refreshWindow ?? defaultWindow(rules, left)
  const window = Math.max(0, Math.floor(Math.min(wanted, left / 2)))
  const agingAt = expiresAt - window
  return { value, fetchedAt, agingAt, refreshAt: agingAt + Math.floor(window * rules.jitter * draw), expiresAt }
}

/** A fifth of the ttl; when the expiry is the value's own, 5 minutes of up to 20, 15 of up to 90, 60 of more. */
function defaultWindow({ ttl, ownLife }: Rules, left: number): number {
  if (ownLife >= ttl) return ttl / 5
  const minute = 60_000
  if (left <= 20 * minute) return 5 * minute
  return left < 90 * minute ? 15 * minute : 60 * minute
}

/** L12: exponential, factor 2, equal jitter; `retryAfter` lengthens it, to at most an hour. */
export function coolDownOf({ backoff }: Rules, attempts: number, draw: number, retryAfter = 0): number {
  if (backoff === false) return 0
  let delay = backoff.base
  for (let n = 1; n < attempts && delay < backoff.max; n++) delay *= 2
  delay = Math.min(delay, backoff.max)
  return Math.max(Math.round(delay * (0.5 + draw / 2)), Math.min(retryAfter, 3_600_000))
}

/** L12: the cool-down a read obeys: in full while an unexpired value is held, at most 5 s of it while none is. */
function coolDownRuns({ held, setback }: Facts, now: number): boolean {
  if (!setback) return false
  return now < (held && now < held.expiresAt ? setback.until : Math.min(setback.until, setback.at + 5000))
}

/** L12, L16: how many attempts in a row failed; "gone" is an answer, so an outage after it starts anew. */
export function failuresInARow({ setback }: Facts): number {
  return !setback || setback.gone ? 0 : setback.attempts
}

export function isUsable({ held, told }: Facts, now: number): boolean {
  return held !== undefined && now < held.expiresAt && !told
}

export function mayServeStale({ held, fatal }: Facts, rules: Rules, now: number): boolean {
  return held !== undefined && !fatal && now < held.expiresAt + rules.staleIfError
}

export interface Decision {
  readonly gets: 'value' | 'stale' | 'wait' | 'error'
  /** a fetch starts */
  readonly fetches: boolean
  readonly error?: unknown
}

/** The table "How a read is decided", row by row; `flying`: a fetch owns the slot. */
export function decide(facts: Facts, flying: boolean, rules: Rules, now: number): Decision {
  const { held, setback, fatal, told } = facts
  const calm = coolDownRuns(facts, now)
  const mayFetch = !flying && !calm
  if (fatal) return calm ? { gets: 'error', fetches: false, error: fatal.error } : { gets: 'wait', fetches: !flying }
  if (held && isUsable(facts, now)) return { gets: 'value', fetches: mayFetch && now >= held.refreshAt }
  const stale = mayServeStale(facts, rules, now)
  // L13: once a fetch has failed, later attempts run behind. L10: `expire()` makes one read wait again all the same.
  if (stale && setback?.failed && (!told || told.tried)) return { gets: 'stale', fetches: mayFetch }
  if (flying) return { gets: 'wait', fetches: false }
  if (calm && stale) return { gets: 'stale', fetches: false }
  // Without an error there is nothing to tell this reader but what a fetch brings.
  if (calm && setback?.failed) return { gets: 'error', fetches: false, error: setback.error }
  return { gets: 'wait', fetches: true }
}

/** L12, L22: when `keepFresh()` fetches: as a read would, never in a cool-down, and a second apart where there is none. */
export function keepFreshAt(facts: Facts, now: number): number {
  const { held, setback, fatal, told, slowAt } = facts
  const wanted = held && !fatal && !told ? held.refreshAt : now
  const pause = setback && setback.until <= setback.at ? setback.at + 1000 : slowAt === undefined ? now : slowAt + 1000
  const least = Math.max(now, wanted, pause)
  const ends = [least, held?.expiresAt ?? now, setback?.until ?? now, (setback?.at ?? now) + 5000]
  return Math.min(...ends.filter((at) => at >= least && !coolDownRuns(facts, at)))
}
