/** What a read may give or reject with, in one registry of several on a store: the laws, one by one. */
import { BackendError, CacheDisposedError, FetchTimeoutError, ValueRejectedError } from 'evercurrent'
import { bornAt, dated, isFailing, type Ledger, type Made, type Past, tickFor, told } from './tiers-ledger.ts'
import { rule } from './tiers-rule.ts'
import { refreshWindow, type TierRules, ttl } from './tiers-rules.ts'
import type { TierCall } from './tiers-store.ts'

export interface Reader {
  readonly kind: 'get' | 'getMany' | 'read' | 'refresh' | 'refresh if older' | 'find' | 'peek' | 'tryGet'
  /** the registry's */
  readonly ledger: Ledger
  readonly name: string
  readonly tick: number
  /** epoch milliseconds */
  readonly at: number
  /** of the key here, when it began */
  readonly past: Past
  readonly wasFailing: boolean
  readonly olderThan?: number
}

/** A fetch that the source was asked for. */
export interface Asked {
  /** whether it asked for the right to fetch */
  readonly isLeased: boolean
  readonly ledger: Ledger
  readonly tick: number
  /** when it may have taken the slot, to ask the tier first */
  readonly since: number
  readonly at: number
  readonly signal: AbortSignal
  settled: { readonly tick: number; readonly at: number } | undefined
  /** when everything had followed from that */
  landed?: number
  error?: SourceError
}

export class SourceError extends Error {
  readonly asked: Asked
  readonly gone: boolean
  constructor(asked: Asked, gone: boolean) {
    super(gone ? 'no such thing' : 'the source is down')
    this.asked = asked
    this.gone = gone
  }
}

const isLost = (call: TierCall) => call.isLost || (!call.isAnswered && !!call.signal?.aborted)

/** `asked`: the fetch that brought it. */
export function judgeValue(rules: TierRules, reader: Reader, made: Made, asked: Asked | undefined, now: number): void {
  const { ledger, past, tick, at, kind } = reader
  const got = `${reader.name} got ${told(made)}`
  rule(made.key === ledger.key, 'the registry: a value stays with its key', () => `${got}, which is of ${made.key}`)
  judgeFences(reader, made, got)
  judgeRefresh(reader, made, got)
  // Of several keys the first may be over when the last has come.
  const age = (kind === 'getMany' ? at : now) - dated(made)
  const hasWaited = asked?.ledger === ledger && (asked.landed ?? Infinity) > tick
  const mayBeStale =
    (reader.wasFailing || isFailing(ledger) || ledger.lastSourceFailure > tick) &&
    kind !== 'peek' &&
    kind !== 'tryGet' &&
    kind !== 'find'
  const limit = mayBeStale ? ttl + rules.staleIfError : ttl
  rule(
    hasWaited || age < limit,
    'L2 L13: nothing beyond its time',
    () => `${got}, which is ${age} ms old, after a failure: ${mayBeStale}`,
  )
  if (kind === 'tryGet') {
    const left = dated(made) + ttl - (ledger.arrivals.get(made.value) ?? now)
    const freshFor = ttl - Math.min(refreshWindow, left / 2)
    rule(age < freshFor, 'L4: tryGet() gives what is fresh', () => `${got}, which is ${age} ms old: not fresh any more`)
  }
  const { expired } = past
  const isOutdated = expired && dated(made) < expired.at && tickFor(made, ledger.by) < expired.tick
  if (isOutdated && (ledger.lastFailure === -1 || kind === 'peek' || kind === 'tryGet')) {
    const isForgotten =
      rules.joined || rules.maxEntries < Infinity || ledger.past.dropped > tick || ledger.refused.size > 0
    const name = isForgotten ? 'L10: nothing undoes expire() but a newer value' : 'L10: nothing from before expire()'
    rule(false, name, () => `${got}, which is older than the expire() before it`)
  }
}

/** Nothing that was outdated when the read began. */
function judgeFences({ ledger, past, tick }: Reader, made: Made, got: string): void {
  rule(
    tickFor(made, ledger.by) > past.dropped,
    'L7: nothing from before a drop',
    () => `${got}, which is older than the drop before it`,
  )
  const rejectedAt = ledger.rejected.get(made.value)
  rule(
    !(rejectedAt !== undefined && rejectedAt < tick),
    'L10: nothing that was rejected',
    () => `${got}, which was rejected before`,
  )
  // The tier had moved on, as its answer to the drop said while this reader waited.
  const isOvertaken = ledger.lastDropRefused > tick
  rule(
    made.how !== 'fetched' || made.tick > past.gone || isOvertaken,
    'L16: nothing from before the key was gone',
    () => `${got}, and the key was gone since`,
  )
  if (past.set && past.set !== made) {
    const { set } = past
    // A seed is taken at its call, so one that was called later is later.
    const isNewer = made.how === 'seeded' ? made.tick > set.tick : bornAt(made) > bornAt(set)
    rule(
      isNewer,
      'L9: nothing older than an accepted set()',
      () => `${got}, which is older than ${told(set)}, accepted before the read`,
    )
  }
  if (made.how === 'set') {
    rule(
      !(made.failed && !made.accepted),
      'L9: nothing of a set() that failed',
      () => `${got}, whose set() rejected, and which no tier has`,
    )
  }
  const refusedAt = ledger.refused.get(made.value)
  rule(
    !(refusedAt !== undefined && refusedAt < tick),
    'L6: nothing that the tier has refused',
    () => `${got}, which the tier had refused before`,
  )
  const { landed } = past
  // What the tier refused, or could not be told, is no measure.
  if (landed && made.how === 'fetched' && landed.call.took !== false && !isLost(landed.call)) {
    const isNewer = made.tick >= landed.made.tick
    rule(
      isNewer,
      'L6: reads do not go back',
      () => `${got}, which is older than ${told(landed.made)}, which came before the read`,
    )
  }
}

/** L8: fetched at or after the call, or set later. */
function judgeRefresh({ ledger, kind, tick, at, olderThan = 0 }: Reader, made: Made, got: string): void {
  // A process takes its own set() for accepted when it hears so.
  const happened = made.by === ledger.by && made.how === 'set' ? (made.resolved ?? Infinity) : bornAt(made)
  const isAfter = happened > tick
  if (kind === 'refresh') {
    const isLater = made.how === 'seeded' ? made.at >= at : isAfter
    rule(
      isLater,
      'L8: refresh() gives what is fetched or set from then on',
      () => `${got}, which is older than the call`,
    )
  } else if (kind === 'refresh if older') {
    const isYoung = isAfter || at - dated(made) < olderThan
    rule(
      isYoung,
      'L8: ifOlderThan gives nothing older',
      () => `${got}, which was ${at - dated(made)} ms old, and not younger than ${olderThan} ms`,
    )
  }
}

/** Why a read may reject. */
export function judgeError({ ledger, past, kind, name, at, tick, olderThan }: Reader, error: unknown): void {
  const how = () => `${name} rejected with ${error}`
  if (error instanceof CacheDisposedError || error instanceof ValueRejectedError) return
  if (kind === 'find') {
    rule(error instanceof BackendError, 'L15: find() rejects with errors of the tier alone', how)
    return
  }
  if (error instanceof FetchTimeoutError) return
  rule(error instanceof SourceError, 'L15: a read rejects with errors of its fetch alone', how)
  const { asked, gone } = error as SourceError
  rule(
    asked.ledger === ledger,
    'L15: an error stays with its key',
    () => `${how()}, which is another key's, or another registry's`,
  )
  const settled = asked.settled as NonNullable<Asked['settled']>
  const isCached = settled.tick < tick
  const outdated = asked.tick < past.dropped && settled.tick > past.dropped
  rule(
    !outdated,
    'L6 L7: no error of a superseded fetch',
    () => `${how()}: of a fetch that was superseded before the read`,
  )
  if (kind === 'refresh')
    rule(
      asked.tick > tick,
      'L8: refresh() rejects with errors of a later fetch',
      () => `${how()}: of a fetch before the call`,
    )
  else if (kind === 'refresh if older') {
    rule(
      asked.tick > tick || at - settled.at < (olderThan ?? 0),
      'L8: ifOlderThan rejects with young errors',
      () => `${how()}: of an old fetch`,
    )
  } else if (isCached) {
    rule(
      at - settled.at <= 5000,
      'L12 L16: an error is repeated for five seconds',
      () => `${how()}, ${at - settled.at} ms after it`,
    )
    const since = Math.max(past.dropped, past.set ? bornAt(past.set) : -1)
    rule(
      !gone || settled.tick > since,
      'L16: whoever writes forgets that it was gone',
      () => `${how()}, and the key was written since`,
    )
  }
}

/** Why a write may reject. */
export function judgeRefusal(name: string, error: unknown, hadTrouble: boolean): void {
  if (error instanceof CacheDisposedError) return
  rule(
    error instanceof BackendError,
    'L15: a write rejects with errors of the tier alone',
    () => `${name} rejected with ${error}`,
  )
  rule(hadTrouble, 'L9: a tier that is well refuses nobody', () => `${name} rejected, and the tier was well: ${error}`)
}
