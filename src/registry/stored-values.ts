/** What the values of one shelf are in a tier: looked for there before they are fetched, written there after. */

import type { Announcement, Lease } from '../backend/coordinator.ts'
import type { Cell } from '../cache/cell.ts'
import type { Codec } from '../codec/codec.ts'
import { BackendError } from '../errors.ts'
import type { Flight } from '../fetch/flight.ts'
import { Found, type Load } from '../fetch/found.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { type Entry, refreshAt } from '../policy/lifetime.ts'
import { isUsable } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import { partsSuffix, typePrefix } from './full-key.ts'
import { type KeyId, partsOf } from './key.ts'
import { Sealed } from './sealed.ts'
import type { Shelf } from './shelf.ts'
import type { Store } from './store.ts'
import type { Tier } from './tier.ts'

/** What a flight knows of the tier: where the key was when it looked, and its right to fetch. */
interface Ticket {
  generation?: string
  lease?: Lease
  written?: Promise<unknown>
}

/** What is needed of the shelf whose values they are. */
type Owner<K, V> = Pick<
  Shelf<K, V>,
  'kind' | 'namespace' | 'ids' | 'isResident' | 'stateOf' | 'subjectOf' | 'pin' | 'unpin' | 'apply'
>

/** milliseconds within which everything observed is looked at again after messages were lost */
const recheckWithin = 1000

export class StoredValues<K, V> {
  readonly #owner: Owner<K, V>
  readonly #store: Store
  readonly #tier: Tier
  readonly #sealed: Sealed<V>
  /** what all full keys begin with */
  readonly #prefix: string
  /** where the tier was with what is held here, as far as that is known */
  readonly #generations = new Map<KeyId, string>()
  readonly #tickets = new WeakMap<Flight<V>, Ticket>()
  /** values on their way by `set()`: one that is invalidated meanwhile does not get into memory */
  readonly #underWay = new Set<{ readonly key: string; dropped: boolean }>()

  constructor(owner: Owner<K, V>, codec: Codec<V>, store: Store, tier: Tier) {
    this.#owner = owner
    this.#store = store
    this.#tier = tier
    const { type, version } = owner.kind
    this.#prefix = typePrefix(owner.namespace, type, version)
    this.#sealed = new Sealed(owner.kind, codec, store)
  }

  #fullKey(id: KeyId): string {
    return this.#prefix + partsSuffix(partsOf(id))
  }

  /** Looks in the tier, waits for whoever fetches the key already, and only then lets the flight ask the source. */
  loader(id: KeyId, cellOf: () => Cell<V>): Load<V> {
    return async (flight, ask) => {
      const ticket: Ticket = {}
      this.#tickets.set(flight, ticket)
      const key = this.#fullKey(id)
      while (!flight.over) {
        const found = await this.#consult(id, flight, ticket, cellOf())
        if (found || ticket.lease) return found ?? ask()
        const lease = await this.#tier.lease(key, flight.controller.signal)
        if (lease === 'free') break
        // Whoever held it may have stored something since the look above: so look once more, and then fetch.
        if (lease && flight.over) this.#tier.release(lease)
        else if (lease) ticket.lease = lease
      }
      return ask()
    }
  }

  /** What the tier holds, if it will do for this flight. */
  async #consult(id: KeyId, flight: Flight<V>, ticket: Ticket, cell: Cell<V>): Promise<Found<V> | undefined> {
    const sighting = await this.#look(id).catch(() => undefined)
    if (sighting) ticket.generation = sighting.generation
    else delete ticket.generation
    if (!sighting || flight.over) return undefined
    const { entry, generation } = sighting
    const now = this.#store.timeline.checkedNow()
    const state = cell.state()
    if (entry && this.#willDo(entry, flight, state, now)) return new Found(entry)
    if (!flight.lostTo && flight.reason !== 'refresh' && cell.apply({ type: 'found', entry, now }))
      this.#generations.set(id, generation)
    return undefined
  }

  #willDo(entry: Entry<V>, flight: Flight<V>, state: State<V>, now: number): boolean {
    const { told, setback } = state.trouble ?? {}
    const held = state.entry
    if (flight.reason === 'refresh' || now >= entry.expiresAt) return false
    if (told && entry.fetchedAt < told.at) return false
    // Only a fetch that began after it can have made good a fatal failure.
    if (setback?.fatal && entry.fetchedAt <= setback.at) return false
    if (!held) return true
    if (this.#owner.kind.policy.isNewer?.(entry.value, held.value) === false) return false
    return !isUsable(state, now) || (entry.fetchedAt > held.fetchedAt && now < refreshAt(entry))
  }

  /** A fetch that owns the slot has brought something. */
  landed(id: KeyId, flight: Flight<V>, verdict: Verdict<V>): void {
    const ticket = this.#tickets.get(flight)
    const generation = ticket?.generation
    if (verdict.kind === 'failed') {
      if (verdict.class === 'gone' && ticket) ticket.written = this.#unasked(this.drop(id, generation))
    } else if (verdict.kind === 'replaced' || verdict.kind === 'renewed') {
      if (generation === undefined) this.#generations.delete(id)
      else if (flight.isLookingUp) this.#generations.set(id, generation)
      else if (ticket) ticket.written = this.#unasked(this.#commit(id, verdict.entry, generation))
    }
  }

  /** It lost the slot, or nobody waits for it any more: others may fetch once it is written. */
  over(flight: Flight<V>): void {
    const { lease, written } = this.#tickets.get(flight) ?? {}
    this.#tickets.delete(flight)
    if (lease) Promise.resolve(written).then(() => this.#tier.release(lease))
  }

  async #commit(id: KeyId, entry: Entry<V>, ifGeneration: string): Promise<void> {
    const key = this.#fullKey(id)
    const generation = await this.#tier.write(key, () => this.#sealed.seal(key, entry), ifGeneration)
    if (generation === undefined) {
      this.#generations.delete(id)
      this.#owner.apply(id, { type: 'refused', entry, now: 0 })
      return
    }
    const held = this.#owner.stateOf(id).entry
    if (held?.value === entry.value && held.fetchedAt === entry.fetchedAt) this.#generations.set(id, generation)
  }

  /** Writes through: it happens here once the tier has it. Rejects with a `BackendError`. */
  async set(id: KeyId, entry: Entry<V>, happen: () => void): Promise<void> {
    const key = this.#fullKey(id)
    const mine = { key, dropped: false }
    this.#underWay.add(mine)
    try {
      const generation = await this.#tier.write(key, () => this.#sealed.seal(key, entry))
      if (generation === undefined) {
        throw new BackendError('The backend refused a value without a condition', {
          operation: 'set',
          reason: 'refused',
        })
      }
      if (mine.dropped || this.#store.isDisposed) return
      happen()
      this.#generations.set(id, generation)
    } finally {
      this.#underWay.delete(mine)
    }
  }

  /** Values are on their way by `set()`. */
  isBusy(): boolean {
    return this.#underWay.size > 0
  }

  generationOf(id: KeyId): string | undefined {
    return this.#generations.get(id)
  }

  /** What is held here no more. */
  forget(id: KeyId): void {
    this.#generations.delete(id)
  }

  /** With a generation only what was there then is dropped, not what another process put in its place. */
  drop(id: KeyId, ifGeneration?: string): Promise<boolean> {
    const key = this.#fullKey(id)
    this.#generations.delete(id)
    this.#overtake(key)
    return this.#tier.drop(key, ifGeneration)
  }

  /** They are dropped, whatever they are. */
  dropPrefix(parts: readonly string[]): Promise<number | undefined> {
    const prefix = this.#prefix + partsSuffix(parts)
    this.forgetPrefix(prefix)
    return this.#tier.dropPrefix(prefix)
  }

  forgetPrefix(prefix: string): void {
    for (const id of this.#generations.keys()) if (this.#fullKey(id).startsWith(prefix)) this.#generations.delete(id)
    this.#overtake(prefix)
  }

  #overtake(prefix: string): void {
    for (const each of this.#underWay) if (each.key.startsWith(prefix)) each.dropped = true
  }

  /** Looks for the value in the tier and holds what it finds there, unless something happened here meanwhile. */
  async find(id: KeyId, key: K): Promise<V | undefined> {
    const resident = this.#owner.pin(id, key)
    const { cell } = resident
    try {
      const before = cell.generation()
      const { entry, generation } = await this.#look(id)
      const now = this.#store.timeline.checkedNow()
      if (entry && cell.generation() === before && cell.apply({ type: 'found', entry, now }))
        this.#generations.set(id, generation)
      const state = cell.state()
      return isUsable(state, now) ? state.entry?.value : undefined
    } finally {
      this.#owner.unpin(resident)
    }
  }

  /** Another process changed these keys: what is held here is stale unless it is just that. */
  announced({ key, generation, prefix }: Announcement): void {
    if (!key.startsWith(this.#prefix) && !(prefix && this.#prefix.startsWith(key))) return
    for (const id of this.#owner.ids()) {
      const full = this.#fullKey(id)
      const isMeant = prefix ? full.startsWith(key) : full === key && this.#generations.get(id) !== generation
      if (isMeant) this.#owner.apply(id, { type: 'announced', now: 0 })
    }
  }

  /** Nobody knows what other processes said: everything is looked at again, what is observed not all at once. */
  recheck(): void {
    for (const id of this.#owner.ids()) {
      const check = () => this.#owner.apply(id, { type: 'announced', now: 0 })
      if (this.#owner.isResident(id)) this.#store.soon(this.#store.draw() * recheckWithin, check)
      else check()
    }
  }

  /** The entry there, if there is one that can be read. Rejects with a `BackendError` if the tier cannot be asked. */
  async #look(id: KeyId): Promise<{ readonly generation: string; readonly entry: Entry<V> | undefined }> {
    const key = this.#fullKey(id)
    const { generation, stored } = await this.#tier.look(key)
    return { generation, entry: stored && (await this.#sealed.open(key, stored, () => this.#owner.subjectOf(id))) }
  }

  /** A write that nobody asked for: what the tier itself failed at was told where it failed. */
  #unasked(work: Promise<unknown>): Promise<unknown> {
    return work.catch((error: unknown) => {
      const operation = 'encode'
      if (error instanceof BackendError && error.operation === operation)
        this.#store.newsroom.tell({ kind: 'backend-failed', operation, error })
    })
  }
}
