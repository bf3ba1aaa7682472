/** The keys of one type in one namespace: at rest, or resident while something happens to them. */

import { createLiveValue, inspectLive } from '../cache/live-value.ts'
import type { Writer } from '../cache/writer.ts'
import { KeyGoneError } from '../errors.ts'
import type { Subject } from '../events/newsroom.ts'
import type { Fetch } from '../fetch/fetch.ts'
import type { Flight } from '../fetch/flight.ts'
import { type Inspection, inspect } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import { type Input, transition } from '../state/transition.ts'
import { writerAtRest } from './at-rest.ts'
import { fetchAlone } from './batch.ts'
import { hasPrefix, type KeyId, partsOf } from './key.ts'
import type { KeyName } from './keyed.ts'
import type { Kind } from './kind.ts'
import type { Holder, Resident } from './resident.ts'
import { Resting } from './resting.ts'
import type { Store } from './store.ts'
import { StoredValues } from './stored-values.ts'

const nobody: Subject['listeners'] = new Set()
const atRest = { generation: 0, waiting: 0, observers: 0 }

/**
 * A value at rest is a row and nothing else. Whatever has to wait or to be told makes its key a resident, which goes back
 * to being a row when nothing is in the air and nobody observes it.
 */
export class Shelf<K, V> {
  readonly kind: Kind<K, V>
  readonly namespace: readonly string[]
  readonly resting: Resting<V>
  readonly #store: Store
  readonly #residents = new Map<KeyId, Resident<V>>()
  readonly #holders = new Map<KeyId, WeakRef<Holder<V>>>()
  readonly #fetchAlone: (id: KeyId, key: K) => Fetch<V>
  /** what is kept of it in the tier, if there is one for this type */
  readonly stored: StoredValues<K, V> | undefined

  constructor(kind: Kind<K, V>, namespace: readonly string[], store: Store) {
    this.kind = kind
    this.namespace = namespace
    this.#store = store
    this.resting = new Resting(store, store.addShelf(this as never), kind.sizeOf)
    this.#fetchAlone = fetchAlone(kind, store.soon)
    const { tier } = store
    this.stored = tier && kind.codec && new StoredValues<K, V>(this, kind.codec, store, tier)
  }

  /** Nothing would be lost with it. */
  isBlank(): boolean {
    return !this.#residents.size && this.resting.isBlank() && !this.stored?.isBusy()
  }

  isResident(id: KeyId): boolean {
    return this.#residents.has(id)
  }

  /** The source said that there is no such thing, by leaving it out or by what the type's author says of its error. */
  isGone(id: KeyId, error: unknown): boolean {
    const failure = this.stateOf(id).trouble?.setback?.failure
    return error instanceof KeyGoneError || (failure?.class === 'gone' && failure.error === error)
  }

  stateOf(id: KeyId): State<V> {
    return this.#residents.get(id)?.cell.state() ?? this.resting.state(id)
  }

  /** What a stampede gets: a place among those who wait for the key's first value. */
  board(id: KeyId): Promise<V> | undefined {
    return this.#residents.get(id)?.reader.board()
  }

  /** The key as a resident, at least until `call` has returned. */
  with<T>(id: KeyId, key: K, call: (resident: Resident<V>) => T): T {
    const resident = this.pin(id, key)
    try {
      return call(resident)
    } finally {
      this.unpin(resident)
    }
  }

  /** The key as a resident, until it is unpinned. */
  pin(id: KeyId, key: K): Resident<V> {
    const resident = this.#open(id, key)
    resident.pins++
    return resident
  }

  unpin(resident: Resident<V>): void {
    resident.pins--
    this.#settled(resident)
  }

  /** Carries out a write: at rest, unless somebody is there who has to be told. */
  write<T>(id: KeyId, key: K, call: (writer: Writer<V>) => T): T {
    if (this.#store.isDisposed || this.#residents.has(id) || this.holderOf(id)?.resident) {
      return this.with(id, key, ({ writer }) => call(writer))
    }
    const state = () => this.resting.state(id) as State<V, never>
    return call(writerAtRest(this.kind.policy, this.#store, state, (input) => this.#applyAtRest(id, input)))
  }

  /** What a holder looks at: its own for as long as nothing happens to the key. */
  residentOf(id: KeyId, key: K, holder: Holder<V>): Resident<V> {
    holder.resident ??= this.#residents.get(id) ?? this.#create(id, key)
    return holder.resident
  }

  hold(id: KeyId, holder: Holder<V>): void {
    this.#holders.set(id, new WeakRef(holder))
    this.#store.whenGone.register(holder, () => {
      if (!this.holderOf(id)) this.#holders.delete(id)
    })
  }

  holderOf(id: KeyId): Holder<V> | undefined {
    return this.#holders.get(id)?.deref()
  }

  /** Drops every key that begins with these parts, and what fetches in the air will bring. Says how many there were. */
  invalidatePrefix(prefix: readonly string[]): number {
    const known = this.ids().filter((id) => hasPrefix(id, prefix))
    const invalidate = (id: KeyId) => this.write(id, undefined as K, (writer) => writer.invalidate())
    return this.#store.newsroom.during(() => known.filter(invalidate).length)
  }

  /** Makes room: called for a row that nobody uses. */
  evict(id: KeyId): void {
    this.resting.evict(id, !!this.stored)
    this.stored?.forget(id)
    const holder = this.holderOf(id)
    if (holder) holder.resident = undefined
    this.#store.newsroom.tell({ kind: 'evicted' }, this.subjectOf(id))
  }

  dispose(): void {
    for (const resident of this.#residents.values()) resident.cell.dispose()
    for (const id of this.#holders.keys()) this.holderOf(id)?.resident?.cell.dispose()
    this.#residents.clear()
    this.resting.clear()
  }

  *inspect(): IterableIterator<Inspection & KeyName> {
    const { now, toEpoch } = this.#store.timeline
    for (const id of this.ids()) {
      const resident = this.#residents.get(id)
      const inspection = resident ? inspectLive(resident) : inspect(this.resting.state(id), now(), toEpoch, atRest)
      // Spread together they would take ten times as long.
      yield Object.assign(inspection, this.#nameOf(id))
    }
  }

  ids(): KeyId[] {
    return [...new Set([...this.resting.ids(), ...this.#residents.keys()])]
  }

  #open(id: KeyId, key: K): Resident<V> {
    const known = this.#residents.get(id)
    if (known) return known
    const resident = this.holderOf(id)?.resident ?? this.#create(id, key)
    if (this.#store.isDisposed) return resident
    this.#residents.set(id, resident)
    this.resting.wake(id)
    return resident
  }

  #create(id: KeyId, key: K): Resident<V> {
    const { policy, schema, waitUntil, tally, fetch, fetchMany, type } = this.kind
    const { clock, timeline, draw, newsroom } = this.#store
    const label = this.#nameOf(id)
    const subject: Subject = { label, listeners: new Set() }
    const own: Fetch<V> | undefined = fetch && ((context, previous) => fetch(key, context, previous))
    const initial = (this.#store.isDisposed ? { kind: 'disposed' } : this.resting.state(id)) as State<V, never>
    const live = createLiveValue<V>(
      {
        // Written out, as is what comes of it: a spread takes kilobytes, and this is made for every fetch.
        clock,
        timeline,
        draw,
        newsroom,
        tally,
        policy,
        schema,
        waitUntil,
        pauseWhile: this.#store.pauseWhile,
        subject,
        initial,
        fetch: own ?? (fetchMany && this.#fetchAlone(id, key)),
        load: this.stored?.flights.loader(id, () => resident.cell),
        named: ` of ${type} '${label.key.join("', '")}'`,
      },
      {
        replaced: ({ entry }) => {
          if (entry !== resident.written) this.resting.write(id, entry)
          resident.written = entry
        },
        landed: (flight, verdict) => this.stored?.flights.landed(id, flight, verdict),
        over: (flight) => this.stored?.flights.over(flight),
        settled: () => this.#settled(resident),
      },
    )
    const resident: Resident<V> = Object.assign(live, { id, pins: 0, written: initial.entry })
    return resident
  }

  /** Once everything that is queued by now was told, the key goes back to rest if nothing holds it up. */
  #settled(resident: Resident<V>): void {
    if (resident.pins || !resident.cell.isIdle()) return
    this.#store.newsroom.afterwards(() => {
      const { id, cell } = resident
      if (resident.pins || !cell.isIdle() || this.#residents.get(id) !== resident) return
      this.#residents.delete(id)
      this.resting.rest(id, cell.state().trouble)
    })
  }

  /** Nothing that anybody asked for. */
  apply(id: KeyId, input: Input<V>): void {
    const resident = this.#residents.get(id) ?? this.holderOf(id)?.resident
    if (this.#store.isDisposed) return
    if (resident) this.with(id, undefined as K, () => resident.cell.apply(input as Input<V, Flight<V>>))
    else this.#applyAtRest(id, input)
  }

  #applyAtRest(id: KeyId, input: Input<V>): boolean {
    const { newsroom } = this.#store
    return newsroom.during(() => {
      const change = transition(this.resting.state(id), input, this.kind.policy)
      if (!change) return false
      const { entry, trouble } = change.state
      this.resting.write(id, entry)
      this.resting.rest(id, trouble)
      const subject = this.subjectOf(id)
      for (const fact of change.facts) newsroom.tell(fact, subject)
      return true
    })
  }

  subjectOf(id: KeyId): Subject {
    return { label: this.#nameOf(id), listeners: nobody }
  }

  #nameOf(id: KeyId): KeyName {
    const name = { type: this.kind.type, key: partsOf(id) }
    return this.namespace.length ? { ...name, namespace: this.namespace } : name
  }
}
