/** What every input makes of a state: the only writer, and the only place that asks whether a fetch still owns the slot. */

import { ValueRejectedError } from '../errors.ts'
import type { DiscardReason, Fact } from '../events/cache-event.ts'
import type { Launch } from '../fetch/flight.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { coolDown, longestGone } from '../policy/backoff.ts'
import type { Entry } from '../policy/lifetime.ts'
import type { Policy } from '../policy/policy.ts'
import type { Failure, Setback, State } from './state.ts'

export type Input<V, F extends Launch<V> = Launch<V>> = { readonly now: number } & (
  | { readonly type: 'launch'; readonly flight: F }
  | { readonly type: 'queue' }
  | { readonly type: 'landed'; readonly flight: F; readonly verdict: Verdict<V> }
  | { readonly type: 'set'; readonly entry: Entry<V> }
  | { readonly type: 'seed'; readonly entry: Entry<V> }
  | { readonly type: 'invalidate' }
  | { readonly type: 'reject'; readonly value: V; readonly draw: number }
  | { readonly type: 'expire' }
  /** what a tier holds: kept meanwhile, or for good if nothing is in the air; `undefined`: it holds nothing any more */
  | { readonly type: 'found'; readonly entry: Entry<V> | undefined }
  /** another process changed the key */
  | { readonly type: 'announced' }
  /** the tier did not take it, because the key had moved on */
  | { readonly type: 'refused'; readonly entry: Entry<V> }
  | { readonly type: 'dispose' }
)

export interface Change<V, F extends Launch<V> = Launch<V>> {
  readonly state: State<V, F>
  readonly facts: readonly Fact[]
  /** why fetches launched before it change nothing any more: it was a mutation */
  readonly because?: DiscardReason | undefined
  /** the flight that lost the slot to it */
  readonly lost?: F | undefined
  /** the queued trailing fetch starts now */
  readonly startQueued?: boolean | undefined
}

/** `undefined`: the input came too late or was refused, and nothing changes. */
export function transition<V, F extends Launch<V>>(
  state: State<V, F>,
  input: Input<V, F>,
  policy: Policy<V>,
): Change<V, F> | undefined {
  const owner = state.flight
  const { now } = input
  let { entry, flight, queued } = state
  let { setback, told, rejections } = state.trouble ?? {}
  const facts: Fact[] = []
  let because: DiscardReason | undefined

  /** With a new value only a rejection is remembered, and only if nothing was held between. */
  const take = (next: Entry<V>) => {
    rejections = rejections && !entry ? { ...rejections, heldSince: now } : undefined
    setback = told = undefined
    entry = next
  }
  /** One failure more, at least the n-th in a row; without an error when the source did answer. */
  const worsen = (draw: number, failure?: Failure, retryAfter = 0, least = 1) => {
    // 'gone' was an answer: an outage after it starts anew.
    const before = setback?.failure?.class === 'gone' ? 0 : (setback?.attempts ?? 0)
    const attempts = Math.max(before + 1, least)
    const nextAttemptAt = now + coolDown(policy.backoff, attempts, draw, retryAfter)
    const fatal = failure?.class === 'fatal' ? failure : failure && setback?.fatal
    setback = { at: now, attempts, nextAttemptAt, failure, fatal }
    // From here on a value that was told to expire serves on, as stale.
    told &&= { ...told, tried: true }
  }
  const reportFailure = (launch: { reason: Launch<V>['reason']; startedAt: number }) => {
    const { failure, nextAttemptAt } = setback as Setback
    const tookMs = now - launch.startedAt
    facts.push({ kind: 'fetch-failed', reason: launch.reason, tookMs, ...(failure as Failure), nextAttemptAt })
  }

  if (state.kind === 'disposed') return undefined
  switch (input.type) {
    case 'launch':
      if (owner) return undefined
      flight = input.flight
      if (!flight.isLookingUp) facts.push({ kind: 'fetch-started', reason: flight.reason })
      break

    case 'queue':
      queued = true
      break

    case 'landed': {
      if (input.flight !== owner) return undefined
      flight = undefined
      const { verdict } = input
      const { reason, startedAt } = owner
      const tookMs = now - startedAt
      if (verdict.kind === 'failed') {
        const { error, class: severity, draw, retryAfter } = verdict
        const failure = { error, class: severity }
        if (severity === 'gone') {
          entry = told = rejections = undefined
          setback = { at: now, attempts: 1, nextAttemptAt: now + Math.min(longestGone, policy.ttl), failure }
        } else worsen(draw, failure, retryAfter)
        reportFailure(owner)
      } else if (verdict.kind === 'older') {
        worsen(verdict.draw)
        facts.push({ kind: 'fetch-discarded', because: 'older' })
      } else {
        const changed = verdict.kind === 'replaced'
        if (!owner.isLookingUp) facts.push({ kind: 'fetch-succeeded', reason, tookMs, changed })
        if (verdict.kind === 'slow') {
          setback = { at: now, attempts: 0, nextAttemptAt: now }
          facts.push({ kind: 'slower-than-ttl', tookMs, ttlMs: verdict.entry.expiresAt - startedAt })
        } else {
          const before = rejections
          take(verdict.entry)
          // The very value that was held stays the successor of the one rejected before it.
          if (verdict.kind === 'renewed') rejections = before
        }
      }
      break
    }
    case 'set':
      because = 'set'
      take(input.entry)
      // Those who queued for a newer value get this one.
      queued = undefined
      facts.push({ kind: 'value-set' })
      break

    case 'seed': {
      const { fetchedAt, expiresAt } = input.entry
      if ((entry && entry.fetchedAt >= fetchedAt) || now >= expiresAt + policy.staleIfError) return undefined
      const before = { setback, told }
      take(input.entry)
      // A seed is not a success, and one from before `expire()` is told to expire too.
      setback = before.setback
      if (before.told && fetchedAt < before.told.at) told = before.told
      // A fetch that started later keeps the slot, with the seed as what is held meanwhile.
      if (owner && owner.startedAt <= fetchedAt) because = 'seeded'
      facts.push({ kind: 'value-seeded' })
      break
    }
    case 'reject': {
      if (!entry || !Object.is(entry.value, input.value)) return undefined
      const { backoff } = policy
      // The consumer found it unusable. Twice in a row, and fetching at once would only hammer the source.
      const { inARow: before = 0, heldSince = -Infinity } = rejections ?? {}
      const again = backoff && now - heldSince < backoff.max
      const inARow = again ? before + 1 : 1
      because = 'invalidated'
      entry = told = undefined
      rejections = { inARow }
      facts.push({ kind: 'invalidated' })
      if (again) {
        const error = new ValueRejectedError(`The value was rejected, as the one before it was (${inARow} in a row)`)
        // No mutation but `set` shortens a cool-down that runs.
        const running = setback?.nextAttemptAt ?? now
        worsen(input.draw, { error, class: 'retry' }, 0, inARow - 1)
        const counted = setback as Setback
        setback = { ...counted, nextAttemptAt: Math.max(counted.nextAttemptAt, running) }
        reportFailure({ reason: 'first', startedAt: now })
      }
      break
    }
    case 'invalidate':
      because = 'invalidated'
      entry = told = rejections = undefined
      facts.push({ kind: 'invalidated' })
      break

    case 'expire':
      because = 'expired'
      told = told?.announced ? { at: now, announced: true } : { at: now }
      facts.push({ kind: 'expired' })
      break

    case 'found': {
      const next = input.entry
      // Who was told by another process that it changed learns here that it is gone.
      if (!next && !told?.announced) return undefined
      if (!next) rejections = undefined
      if (!next || (told && next.fetchedAt > told.at)) told = undefined
      entry = next
      break
    }
    case 'announced':
      because = 'announced'
      // What the tier holds counts, unless it was told to expire as well.
      if (entry) told = { at: told?.at ?? -Infinity, announced: true }
      facts.push({ kind: 'expired' })
      break

    case 'refused':
      if (entry?.value !== input.entry.value || entry.fetchedAt !== input.entry.fetchedAt) return undefined
      entry = told = rejections = undefined
      break

    case 'dispose':
      because = 'disposed'
      entry = setback = told = rejections = queued = undefined
      facts.push({ kind: 'disposed' })
  }

  const lost = because && owner
  if (lost) {
    flight = undefined
    if (!lost.isLookingUp) facts.unshift({ kind: 'fetch-discarded', because: because as DiscardReason })
  }
  // Any mutation forgets a 'gone'; none but `set` clears another cool-down.
  if ((because || input.type === 'seed') && setback?.failure?.class === 'gone') setback = undefined
  const trouble = setback || told || rejections ? { setback, told, rejections } : undefined
  const startQueued = !flight && queued
  if (!flight) queued = undefined
  const kind = input.type === 'dispose' ? 'disposed' : flight ? 'refreshing' : entry ? 'current' : 'empty'
  return { state: { kind, entry, trouble, flight, queued } as State<V, F>, facts, because, lost, startQueued }
}
