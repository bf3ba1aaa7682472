/** What a flight does at the tier: it looks there before it asks the source, and what it brings is written there. */

import type { Lease } from '../backend/coordinator.ts'
import type { Cell } from '../cache/cell.ts'
import type { NotModified } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import { Found, type Load } from '../fetch/found.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { type Entry, refreshAt } from '../policy/lifetime.ts'
import type { State } from '../state/state.ts'
import type { Tier } from '../tier/tier.ts'
import type { KeyId } from './key.ts'
import type { Store } from './store.ts'
import type { StoredValues } from './stored-values.ts'

/** What a flight knows of the tier: where the key was when it looked, and its right to fetch. */
interface Ticket<V> {
  readonly launchedIn: State<V>
  generation?: string
  lease?: Lease
  /** It could not be asked, so its readers do not wait for whom it would give the lease to, either. */
  isBlind?: boolean
  written?: Promise<unknown> | undefined
}

export class TierFlights<V> {
  readonly #values: StoredValues<never, V>
  readonly #store: Store
  readonly #tier: Tier
  readonly #tickets = new WeakMap<Flight<V>, Ticket<V>>()

  constructor(values: StoredValues<never, V>, store: Store, tier: Tier) {
    this.#values = values
    this.#store = store
    this.#tier = tier
  }

  /** Looks in the tier, waits for whoever fetches the key already, and only then lets the flight ask the source. */
  loader(id: KeyId, cellOf: () => Cell<V>): Load<V> {
    return async (flight, ask) => {
      const ticket: Ticket<V> = { launchedIn: cellOf().state() }
      this.#tickets.set(flight, ticket)
      const key = this.#values.fullKey(id)
      for (let pause = 0; !flight.over; pause = Math.min(2 * pause || 10, 1000)) {
        const found = await this.#consult(id, flight, ticket, cellOf())
        if (found) return found
        if (ticket.lease || ticket.isBlind) break
        // For those alone who waited when it lost the slot.
        if (flight.lostTo) break
        // Whoever had the lease stored nothing. One that says so at every turn must not keep the process busy.
        if (pause > 10) await new Promise<void>((resolve) => this.#store.soon(pause, resolve))
        const lease = await this.#tier.lease(key, flight.controller.signal)
        if (lease === 'free') break
        // Whoever held it may have stored something since the look above: so look once more, and then fetch.
        if (lease && (flight.over || flight.lostTo)) this.#tier.release(lease)
        else if (lease) ticket.lease = lease
      }
      return this.#ask(flight, ask, cellOf())
    }
  }

  /** No tier had it: only now the fetch starts. */
  #ask(flight: Flight<V>, ask: () => Promise<V | NotModified>, cell: Cell<V>): Promise<V | NotModified> {
    const { newsroom, timeline } = this.#store
    return newsroom.during(() => {
      if (flight.over) return Promise.reject(flight.controller.signal.reason)
      flight.isLookingUp = false
      flight.startedAt = timeline.checkedNow()
      if (!flight.lostTo) flight.previous = cell.state().entry
      cell.observers.tell({ kind: 'fetch-started', reason: flight.reason })
      if (flight.lostTo) cell.observers.tell({ kind: 'fetch-discarded', because: flight.lostTo })
      return ask()
    })
  }

  /** What the tier holds, or what came to be held here meanwhile, if it will do for this flight. */
  async #consult(id: KeyId, flight: Flight<V>, ticket: Ticket<V>, cell: Cell<V>): Promise<Found<V> | undefined> {
    const sighting = await this.#values.look(id).catch(() => undefined)
    ticket.isBlind = !sighting
    // A tier that cannot be asked may take a write yet, if nothing happened since it was asked last.
    const generation = sighting?.generation ?? this.#values.generationOf(id)
    if (typeof generation === 'string') ticket.generation = generation
    else delete ticket.generation
    if (!sighting || flight.over || flight.reason === 'refresh') return undefined
    const now = this.#store.timeline.checkedNow()
    // Those who wait for one that lost its slot asked when it was launched.
    const state = flight.lostTo ? ticket.launchedIn : cell.state()
    const better = this.#values.ifBetter(id, sighting.entry, state)
    const best = better ?? state.entry
    if (best && willDo(best, { isHeld: !better, flight, state, now })) return this.#found(best)
    if (!flight.lostTo && (better || !sighting.entry) && cell.apply({ type: 'found', entry: better, now }))
      this.#values.isAt(id, sighting.generation)
    return undefined
  }

  /** As good as what the source would have brought. */
  #found(entry: Entry<V>): Found<V> {
    const { equals } = this.#values.kind.policy
    const isSame = (value: V) => {
      try {
        return Object.is(entry.value, value) || equals(entry.value, value)
      } catch {
        // Nothing that the source could be asked about.
        return false
      }
    }
    return new Found((held) =>
      held && isSame(held.value)
        ? { kind: 'renewed', entry: { ...entry, value: held.value } }
        : { kind: 'replaced', entry },
    )
  }

  /** A flight that owns the slot has brought something. */
  landed(id: KeyId, flight: Flight<V>, verdict: Verdict<V>): void {
    const ticket = this.#tickets.get(flight)
    if (!ticket) return
    if (flight.isLookingUp) {
      // Its readers counted as misses when they came.
      const { tally } = this.#values.kind
      tally.misses -= flight.readers.waiting
      tally.backendHits += flight.readers.waiting
    }
    const { generation } = ticket
    if (verdict.kind === 'failed') {
      if (verdict.class === 'gone')
        ticket.written = this.#values.dropGone(id, generation, this.#store.timeline.toEpoch(flight.startedAt))
    } else if (verdict.kind === 'replaced' || verdict.kind === 'renewed') {
      if (generation === undefined) this.#values.forget(id)
      else if (flight.isLookingUp) this.#values.isAt(id, generation)
      else ticket.written = this.#values.commit(id, verdict.entry, generation)
    }
    const { written } = ticket
    const { waitUntil } = this.#values.kind
    if (written && waitUntil) this.#store.newsroom.guard(() => waitUntil(written))
  }

  /** It lost the slot, or nobody waits for it any more: others may fetch once it is written. */
  over(flight: Flight<V>): void {
    const { lease, written } = this.#tickets.get(flight) ?? {}
    this.#tickets.delete(flight)
    if (lease) Promise.resolve(written).then(() => this.#tier.release(lease))
  }
}

/** Whether a usable value, of the tier or held meanwhile, is what those who wait for the flight would get from it. */
function willDo<V>(
  best: Entry<V>,
  { isHeld, flight, state, now }: { isHeld: boolean; flight: Flight<V>; state: State<V>; now: number },
): boolean {
  const { told, setback } = state.trouble ?? {}
  if (now >= best.expiresAt) return false
  if (told && (isHeld || best.fetchedAt <= told.at)) return false
  // Only a fetch that began after it can have made good a fatal failure.
  if (setback?.fatal && best.fetchedAt <= setback.at) return false
  // Ahead of time only something that need not be refreshed itself is worth taking.
  const { previous } = flight
  const isAhead = previous && now < previous.expiresAt && !told
  return !isAhead || now < refreshAt(best)
}
