/** What the values of one shelf are in a tier: looked for there before they are fetched, written there after. */

import type { Announcement } from '../backend/coordinator.ts'
import type { Codec } from '../codec/codec.ts'
import { BackendError } from '../errors.ts'
import type { StoredDefect } from '../events/cache-event.ts'
import type { Entry } from '../policy/lifetime.ts'
import { isUsable } from '../state/read-plan.ts'
import type { State } from '../state/state.ts'
import { partsOfSuffix, partsSuffix, typePrefix } from '../tier/full-key.ts'
import { type Tier, unsure, type Whereabouts } from '../tier/tier.ts'
import { hasPrefix, idOf, type KeyId, partsOf } from './key.ts'
import type { Kind } from './kind.ts'
import { Sealed } from './sealed.ts'
import type { Shelf } from './shelf.ts'
import type { Store } from './store.ts'
import { TierFlights } from './tier-flights.ts'
import { UnderWay } from './under-way.ts'

/** What is needed of the shelf whose values they are. */
type Owner<K, V> = Pick<
  Shelf<K, V>,
  'kind' | 'namespace' | 'ids' | 'isResident' | 'stateOf' | 'subjectOf' | 'pin' | 'unpin' | 'apply'
>

/** milliseconds within which everything observed is looked at again after messages were lost */
const recheckWithin = 1000

export class StoredValues<K, V> {
  readonly kind: Kind<K, V>
  readonly flights: TierFlights<V>
  readonly #owner: Owner<K, V>
  readonly #store: Store
  readonly #tier: Tier
  readonly #sealed: Sealed<V>
  /** what all full keys begin with */
  readonly #prefix: string
  /** where the tier is with what is held here, as far as that is known, or will be once it is written */
  readonly #generations = new Map<KeyId, Whereabouts | Promise<Whereabouts>>()
  /** values on their way by `set()` */
  readonly #underWay = new UnderWay()

  constructor(owner: Owner<K, V>, codec: Codec<V>, store: Store, tier: Tier) {
    this.#owner = owner
    this.kind = owner.kind
    this.flights = new TierFlights<V>(this as never, store, tier)
    this.#store = store
    this.#tier = tier
    const { type, version } = owner.kind
    this.#prefix = typePrefix(owner.namespace, type, version)
    this.#sealed = new Sealed(owner.kind, codec, store)
  }

  fullKey(id: KeyId): string {
    return this.#prefix + partsSuffix(partsOf(id))
  }

  /** What the tier holds, if it is to take the place of what is held here. */
  ifBetter(id: KeyId, entry: Entry<V> | undefined, { entry: held, trouble }: State<V>): Entry<V> | undefined {
    if (!entry || !held) return entry
    // What another process announced is there, whenever it was fetched.
    const isLater = trouble?.told?.announced || entry.fetchedAt > held.fetchedAt
    try {
      return isLater && this.kind.policy.isNewer?.(entry.value, held.value) !== false ? entry : undefined
    } catch {
      // Whatever the author's own code cannot work with is no value of his.
      return this.#defect(id, 'schema')
    }
  }

  /** A value that was fetched. Nobody asked for the write: it never rejects. */
  commit(id: KeyId, entry: Entry<V>, ifGeneration: string): Promise<void> {
    const key = this.fullKey(id)
    const write = this.#tier.write(key, () => this.#sealed.seal(key, entry), ifGeneration)
    const generation: Promise<Whereabouts> = write.catch((error: unknown) => this.#afterFailure(error))
    this.#generations.set(id, generation)
    const settled = (known: Whereabouts) => {
      if (this.#generations.get(id) !== generation) return
      if (known === undefined) this.#generations.delete(id)
      else this.#generations.set(id, known)
    }
    write.then(
      (known) => {
        settled(known)
        if (known === undefined) this.#refused(id, entry)
      },
      () => generation.then(settled),
    )
    return generation.then(() => {})
  }

  /** The key had moved on: what was fetched is kept by nobody. */
  #refused(id: KeyId, entry: Entry<V>): void {
    const { newsroom } = this.#store
    newsroom.during(() => {
      this.#owner.apply(id, { type: 'refused', entry, now: 0 })
      newsroom.tell({ kind: 'fetch-discarded', because: 'refused' }, this.#owner.subjectOf(id))
    })
  }

  /** What the tier itself failed at was told where it failed. Unless it answered, it may have the value all the same. */
  #afterFailure(error: unknown): Whereabouts {
    const { operation, reason } = error as BackendError
    if (operation !== 'encode') return reason === 'full' || reason === 'refused' ? undefined : unsure
    this.#store.newsroom.tell({ kind: 'backend-failed', operation, error })
    return undefined
  }

  /** Writes through: it happens here once the tier has it. Rejects with a `BackendError`. */
  set(id: KeyId, entry: Entry<V>, happen: () => void): Promise<void> {
    const key = this.fullKey(id)
    return this.#underWay.during(key, async (passage) => {
      const generation = await this.#tier.write(key, () => this.#sealed.seal(key, entry))
      if (generation === undefined) {
        this.#tier.writeFailures++
        const message = 'The backend refused a value without a condition'
        throw new BackendError(message, { operation: 'set', reason: 'refused' })
      }
      if (passage.dropped || this.#store.isDisposed) return
      happen()
      this.#generations.set(id, generation)
      if (passage.outdated) this.#lookAgain(id)
    })
  }

  /** With `ifHeld` only what was held here is dropped there, not what another process put in its place. */
  drop(id: KeyId, ifHeld: boolean): Promise<boolean> {
    const key = this.fullKey(id)
    const generation = this.#generations.get(id)
    this.#generations.delete(id)
    if (ifHeld) return this.#tier.dropAt(key, () => generation)
    this.#underWay.drop((each) => each === key)
    return this.#tier.drop(key)
  }

  /** The source says that there is no such thing. Where the key was when it was asked is not known if it could not be looked up. */
  dropGone(id: KeyId, generation: string | undefined, fetchedBefore: number): Promise<unknown> | undefined {
    this.#generations.delete(id)
    const key = this.fullKey(id)
    if (generation !== undefined) return this.#tier.dropAt(key, () => generation).catch(() => {})
    this.#tier.owe(key, fetchedBefore)
    return undefined
  }

  /** They are dropped, whatever they are. */
  dropPrefix(parts: readonly string[]): Promise<number | undefined> {
    const prefix = this.#prefix + partsSuffix(parts)
    this.forgetPrefix(prefix)
    return this.#tier.dropPrefix(prefix)
  }

  forgetPrefix(prefix: string): void {
    for (const id of this.#generations.keys()) if (this.fullKey(id).startsWith(prefix)) this.#generations.delete(id)
    this.#underWay.drop((each) => each.startsWith(prefix))
  }

  /** Values are on their way by `set()`. */
  isBusy(): boolean {
    return !this.#underWay.isEmpty()
  }

  generationOf(id: KeyId): Whereabouts | Promise<Whereabouts> {
    return this.#generations.get(id)
  }

  /** What is held here was found there. */
  isAt(id: KeyId, generation: string): void {
    this.#generations.set(id, generation)
  }

  /** What is held here no more. */
  forget(id: KeyId): void {
    this.#generations.delete(id)
  }

  /** Looks for the value in the tier and holds what it finds there, unless something happened here meanwhile. */
  async find(id: KeyId, key: K): Promise<V | undefined> {
    const resident = this.#owner.pin(id, key)
    const { cell } = resident
    try {
      const before = cell.generation()
      const { entry, generation } = await this.look(id)
      const now = this.#store.timeline.checkedNow()
      const better = this.ifBetter(id, entry, cell.state())
      const isNews = (better || !entry) && cell.generation() === before
      if (isNews && cell.apply({ type: 'found', entry: better, now })) this.#generations.set(id, generation)
      const state = cell.state()
      return isUsable(state, now) ? state.entry?.value : undefined
    } finally {
      this.#owner.unpin(resident)
    }
  }

  /** Another process changed these keys: what is held here, or about to be, is stale unless it is just that. */
  announced({ key, generation, prefix }: Announcement): void {
    const isOfAll = prefix && this.#prefix.startsWith(key)
    if (!isOfAll && !key.startsWith(this.#prefix)) return
    this.#underWay.outdate((each) => (prefix ? each.startsWith(key) : each === key))
    const parts = isOfAll ? [] : partsOfSuffix(key.slice(this.#prefix.length))
    if (!parts) return
    if (prefix) {
      for (const id of this.#owner.ids()) if (hasPrefix(id, parts)) this.#lookAgain(id)
    } else if (parts.length) {
      const id = idOf(parts)
      if (this.#isKnown(id) && this.#generations.get(id) !== generation) this.#lookAgain(id)
    }
  }

  #isKnown(id: KeyId): boolean {
    const { kind, trouble } = this.#owner.stateOf(id)
    return this.#owner.isResident(id) || kind !== 'empty' || !!trouble
  }

  /** What is held is stale. Where it is observed, what took its place is shown, without asking the source. */
  #lookAgain(id: KeyId): void {
    this.#owner.apply(id, { type: 'announced', now: 0 })
    if (!this.#owner.isResident(id)) return
    const resident = this.#owner.pin(id, undefined as K)
    const { state, observers } = resident.cell
    // A fetch that keeps it fresh has begun, and looks there first.
    if (observers.count() && !state().flight) this.find(id, undefined as K).catch(() => {})
    this.#owner.unpin(resident)
  }

  /** Nobody knows what other processes said: everything is looked at again, what is observed not all at once. */
  recheck(): void {
    this.#underWay.outdate(() => true)
    for (const id of this.#owner.ids()) {
      const check = () => this.#lookAgain(id)
      if (this.#owner.isResident(id)) this.#store.soon(this.#store.draw() * recheckWithin, check)
      else check()
    }
  }

  /** The entry there, if there is one that can be read. Rejects with a `BackendError` if the tier cannot be asked. */
  async look(id: KeyId): Promise<{ readonly generation: string; readonly entry: Entry<V> | undefined }> {
    const key = this.fullKey(id)
    const { generation, stored } = await this.#tier.look(key)
    if (!stored) return { generation, entry: undefined }
    const opened = this.#sealed.open(key, stored, (because) => this.#defect(id, because))
    const entry = await this.#tier.inReadersTime('decode', opened).catch(() => this.#defect(id, 'schema'))
    return { generation, entry }
  }

  #defect(id: KeyId, because: StoredDefect): undefined {
    this.#store.newsroom.tell({ kind: 'stored-value-rejected', because }, this.#owner.subjectOf(id))
  }
}
