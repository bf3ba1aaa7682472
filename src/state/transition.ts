/** What every input makes of a state: the only writer, and the only place that asks whether a fetch still owns the slot. */

import type { DiscardReason, Fact } from '../events/cache-event.ts'
import type { Defeat } from '../fetch/defeat.ts'
import type { Launch } from '../fetch/flight.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { coolDown, longestGone } from '../policy/backoff.ts'
import type { Entry } from '../policy/lifetime.ts'
import type { Policy } from '../policy/policy.ts'
import { ValueRejectedError } from '../errors.ts'
import { atRest, disposed, type Failure, type Rejections, type Setback, type State, type Trouble } from './state.ts'

export type Input<V, F extends Launch<V> = Launch<V>> =
  | { readonly type: 'launch'; readonly flight: F }
  | { readonly type: 'queue' }
  | {
      readonly type: 'landed'
      readonly flight: F
      readonly verdict: Verdict<V>
      readonly draw: number
      readonly now: number
    }
  | { readonly type: 'failed'; readonly flight: F; readonly defeat: Defeat; readonly now: number }
  | { readonly type: 'set'; readonly entry: Entry<V>; readonly now: number }
  | { readonly type: 'seed'; readonly entry: Entry<V>; readonly now: number }
  | { readonly type: 'invalidate'; readonly now: number }
  | { readonly type: 'reject'; readonly value: V; readonly draw: number; readonly now: number }
  | { readonly type: 'expire'; readonly now: number }
  | { readonly type: 'dispose' }

export interface Change<V, F extends Launch<V> = Launch<V>> {
  readonly state: State<V, F>
  /** false: the input came too late or was refused, and nothing changed */
  readonly accepted: boolean
  /** a mutation: fetches launched before it change nothing any more */
  readonly moved?: boolean
  /** the flight that lost the slot */
  readonly lost?: { readonly flight: F; readonly because: DiscardReason }
  /** the queued trailing fetch starts now */
  readonly startQueued: boolean
  readonly facts: readonly Fact[]
}

export function transition<V, F extends Launch<V>>(
  state: State<V, F>,
  input: Input<V, F>,
  policy: Policy<V>,
): Change<V, F> {
  if (state.kind === 'disposed') return refused(state)
  const { entry, trouble } = state
  switch (input.type) {
    case 'launch': {
      if (state.kind === 'refreshing') return refused(state)
      const { flight } = input
      const next = { kind: 'refreshing', entry, trouble, flight, queued: false } as const
      return {
        state: next,
        accepted: true,
        startQueued: false,
        facts: [{ kind: 'fetch-started', reason: flight.reason }],
      }
    }
    case 'queue':
      if (state.kind !== 'refreshing') return refused(state)
      return { state: { ...state, queued: true }, accepted: true, startQueued: false, facts: [] }
    case 'landed':
      return owns(state, input.flight) ? landed(state, input, policy) : refused(state)
    case 'failed':
      return owns(state, input.flight) ? failed(state, input, policy) : refused(state)
    case 'set': {
      const next = atRest(input.entry, afterNewValue(trouble, entry !== undefined, input.now))
      // Those who queued for a newer value get this one.
      return { ...mutate(state, next, 'set', [{ kind: 'value-set' }]), startQueued: false }
    }
    case 'seed':
      return seed(state, input, policy)
    case 'invalidate':
      return mutate(state, atRest<V>(undefined, lasting(trouble?.setback)), 'invalidated', [{ kind: 'invalidated' }])
    case 'reject':
      return entry !== undefined && Object.is(entry.value, input.value) ? reject(state, input, policy) : refused(state)
    case 'expire': {
      const told = { at: input.now, tried: false }
      const next = atRest(entry, { ...trouble, ...lasting(trouble?.setback, true), told })
      return mutate(state, next, 'expired', [{ kind: 'expired' }])
    }
    case 'dispose':
      return { ...mutate(state, disposed, 'disposed', [{ kind: 'disposed' }]), startQueued: false }
  }
}

type Refreshing<V, F extends Launch<V>> = State<V, F> & { readonly kind: 'refreshing' }
type Of<T, V, F extends Launch<V>> = Extract<Input<V, F>, { readonly type: T }>

function owns<V, F extends Launch<V>>(state: State<V, F>, flight: F): state is Refreshing<V, F> {
  return state.kind === 'refreshing' && state.flight === flight
}

function refused<V, F extends Launch<V>>(state: State<V, F>): Change<V, F> {
  return { state, accepted: false, startQueued: false, facts: [] }
}

/** A mutation: whatever is in the air lost the slot, and a queued fetch need not wait for it any longer. */
function mutate<V, F extends Launch<V>>(
  state: State<V, F>,
  next: State<V, F>,
  because: DiscardReason,
  facts: readonly Fact[],
): Change<V, F> {
  if (state.kind !== 'refreshing') {
    return { state: next, accepted: true, moved: because !== 'seeded', startQueued: false, facts }
  }
  const { flight, queued: startQueued } = state
  const discarded: Fact = { kind: 'fetch-discarded', because }
  return {
    state: next,
    accepted: true,
    moved: true,
    lost: { flight, because },
    startQueued,
    facts: [discarded, ...facts],
  }
}

/** What outlives the loss of the value: any mutation forgets a 'gone', none but `set` clears another cool-down. */
function lasting(setback: Setback | undefined, always = false): Trouble | undefined {
  const kept = setback?.failure?.class === 'gone' ? undefined : setback
  return kept === undefined && !always ? undefined : { setback: kept }
}

/** After a new value only the memory of a rejection remains, and only if nothing was held between. */
function afterNewValue(trouble: Trouble | undefined, replacesOne: boolean, now: number): Trouble | undefined {
  const { rejections } = trouble ?? {}
  return rejections === undefined || replacesOne ? undefined : { rejections: { ...rejections, heldSince: now } }
}

function landed<V, F extends Launch<V>>(
  state: Refreshing<V, F>,
  { flight, verdict, draw, now }: Of<'landed', V, F>,
  policy: Policy<V>,
): Change<V, F> {
  const { entry, trouble, queued: startQueued } = state
  const tookMs = now - flight.startedAt
  const succeeded = (changed: boolean): Fact => ({ kind: 'fetch-succeeded', reason: flight.reason, tookMs, changed })
  switch (verdict.kind) {
    case 'replaced': {
      const next = atRest(verdict.entry, afterNewValue(trouble, entry !== undefined, now))
      return { state: next, accepted: true, startQueued, facts: [succeeded(true)] }
    }
    case 'renewed': {
      const { rejections } = trouble ?? {}
      const next = atRest(verdict.entry, rejections && { rejections })
      return { state: next, accepted: true, startQueued, facts: [succeeded(false)] }
    }
    case 'slow': {
      const setback = { at: now, attempts: 0, nextAttemptAt: now, failure: undefined, fatal: undefined }
      const slow: Fact = { kind: 'slower-than-ttl', tookMs, ttlMs: verdict.entry.expiresAt - flight.startedAt }
      return {
        state: atRest(entry, { ...trouble, setback }),
        accepted: true,
        startQueued,
        facts: [succeeded(false), slow],
      }
    }
    case 'older': {
      const attempts = (trouble?.setback?.attempts ?? 0) + 1
      const nextAttemptAt = now + coolDown(policy.backoff, attempts, draw, 0)
      const setback = { at: now, attempts, nextAttemptAt, failure: undefined, fatal: undefined }
      const next = atRest(entry, { ...tried(trouble), setback })
      return { state: next, accepted: true, startQueued, facts: [{ kind: 'fetch-discarded', because: 'older' }] }
    }
  }
}

function failed<V, F extends Launch<V>>(
  state: Refreshing<V, F>,
  { flight, defeat, now }: Of<'failed', V, F>,
  policy: Policy<V>,
): Change<V, F> {
  const { entry, trouble, queued: startQueued } = state
  const failure = { error: defeat.error, class: defeat.class }
  const gone = failure.class === 'gone'
  const setback = gone
    ? { at: now, attempts: 1, nextAttemptAt: now + Math.min(longestGone, policy.ttl), failure, fatal: undefined }
    : worse(trouble?.setback, failure, 1, defeat, policy, now)
  const tookMs = now - flight.startedAt
  const { nextAttemptAt } = setback
  const fact: Fact = { kind: 'fetch-failed', reason: flight.reason, tookMs, ...failure, nextAttemptAt }
  const next = gone ? atRest<V>(undefined, { setback }) : atRest(entry, { ...tried(trouble), setback })
  return { state: next, accepted: true, startQueued, facts: [fact] }
}

/** One failure more: at least the n-th in a row. */
function worse<V>(
  before: Setback | undefined,
  failure: Failure,
  least: number,
  { draw, retryAfter }: { readonly draw: number; readonly retryAfter: number },
  policy: Policy<V>,
  now: number,
): Setback {
  const attempts = Math.max((before?.attempts ?? 0) + 1, least)
  const nextAttemptAt = now + coolDown(policy.backoff, attempts, draw, retryAfter)
  return { at: now, attempts, nextAttemptAt, failure, fatal: failure.class === 'fatal' ? failure : before?.fatal }
}

function tried(trouble: Trouble | undefined): Trouble | undefined {
  return trouble?.told ? { ...trouble, told: { ...trouble.told, tried: true } } : trouble
}

function seed<V, F extends Launch<V>>(
  state: State<V, F>,
  { entry: seeded, now }: Of<'seed', V, F>,
  policy: Policy<V>,
): Change<V, F> {
  const { entry, trouble } = state
  if (entry !== undefined && entry.fetchedAt >= seeded.fetchedAt) return refused(state)
  if (now >= seeded.expiresAt + policy.staleIfError) return refused(state)
  const told = trouble?.told && seeded.fetchedAt < trouble.told.at ? { told: trouble.told } : undefined
  const next = atRest(seeded, merge(lasting(trouble?.setback), told, afterNewValue(trouble, entry !== undefined, now)))
  const facts: readonly Fact[] = [{ kind: 'value-seeded' }]
  if (state.kind === 'refreshing' && state.flight.startedAt > seeded.fetchedAt) {
    const fallback = { ...state, entry: seeded, trouble: next.trouble }
    return { state: fallback, accepted: true, startQueued: false, facts }
  }
  return mutate(state, next, 'seeded', facts)
}

function merge(...parts: (Trouble | undefined)[]): Trouble | undefined {
  return parts.some((part) => part !== undefined) ? Object.assign({}, ...parts) : undefined
}

/** The value was found unusable by its consumer. Twice in a row, and fetching at once would only hammer the source. */
function reject<V, F extends Launch<V>>(
  state: State<V, F>,
  { draw, now }: Of<'reject', V, F>,
  policy: Policy<V>,
): Change<V, F> {
  const before: Rejections | undefined = state.trouble?.rejections
  const young = policy.backoff && before?.heldSince !== undefined && now - before.heldSince < policy.backoff.max
  const inARow = young ? before.inARow + 1 : 1
  const rejections = { inARow, heldSince: undefined }
  const kept = lasting(state.trouble?.setback)
  const facts: readonly Fact[] = [{ kind: 'invalidated' }]
  if (!young) return mutate(state, atRest<V>(undefined, { ...kept, rejections }), 'invalidated', facts)
  const error = new ValueRejectedError(`The value was rejected, as the one before it was (${inARow} in a row)`)
  const failure: Failure = { error, class: 'retry' }
  const setback = worse(kept?.setback, failure, inARow - 1, { draw, retryAfter: 0 }, policy, now)
  const fact: Fact = {
    kind: 'fetch-failed',
    reason: 'first',
    tookMs: 0,
    ...failure,
    nextAttemptAt: setback.nextAttemptAt,
  }
  return mutate(state, atRest<V>(undefined, { setback, rejections }), 'invalidated', [...facts, fact])
}
