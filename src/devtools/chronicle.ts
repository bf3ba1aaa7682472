/** What has happened to each value of a source in the last minute or so: all that a timeline shows, in bounded memory. */

import type { CacheEvent, DiscardReason, FetchReason } from '../events/cache-event.ts'
import type { Inspection } from '../state/snapshot.ts'
import { idOf, inspectionsOf, type Source, titleOf, type ValueName } from './source.ts'

/** How a reader was answered: from what is held, after waiting for a fetch, or by an error. */
export type Served = 'fresh' | 'aging' | 'stale' | 'waited' | 'failed'

/** One read, as whoever read saw it: the cache emits no event for a hit. */
export interface Read {
  /** epoch milliseconds */
  readonly at: number
  readonly tookMs: number
  readonly served: Served
}

/** All times are epoch milliseconds; what is not over yet has none for its end. */
export interface Call {
  readonly startedAt: number
  readonly reason: FetchReason
  endedAt?: number
  outcome?: 'succeeded' | 'failed' | 'discarded'
}

/** A value, from when it was held to when it was replaced, renewed or dropped. */
export interface Life {
  readonly fetchedAt: number
  readonly since: number
  refreshAt: number
  expiresAt: number
  until?: number
}

export interface CoolDown {
  readonly from: number
  readonly until: number
}

export interface Change {
  readonly at: number
  readonly kind: 'value-set' | 'value-seeded' | 'invalidated' | 'expired' | 'evicted'
}

/** What is remembered of one value. */
export interface Track {
  readonly title: string
  readonly calls: readonly Call[]
  readonly lives: readonly Life[]
  readonly coolDowns: readonly CoolDown[]
  readonly changes: readonly Change[]
  readonly reads: readonly Read[]
}

export interface ChronicleOptions {
  /** How far back it remembers, in milliseconds. Default 60,000. */
  readonly span?: number | undefined
  /** How many values it follows; further ones are left out. Default 200. */
  readonly maxKeys?: number | undefined
}

/** Two looks at one value need not agree to the millisecond when it was fetched. */
const sameMoment = 2
const mostReads = 2_000

/** Reasons that are told of a call whose end was told before. */
const late: ReadonlySet<DiscardReason> = new Set(['timed-out', 'refused'])

const isChange = ({ kind }: CacheEvent) =>
  kind === 'value-set' || kind === 'value-seeded' || kind === 'invalidated' || kind === 'expired' || kind === 'evicted'

class Record implements Track {
  readonly title: string
  readonly calls: Call[] = []
  readonly lives: Life[] = []
  readonly coolDowns: CoolDown[] = []
  readonly changes: Change[] = []
  readonly reads: Read[] = []
  /** when the held value last became another one */
  #turnedAt: number | undefined

  constructor(title: string) {
    this.title = title
  }

  hear(event: CacheEvent): void {
    const { at } = event
    if (event.kind === 'fetch-started') this.calls.push({ startedAt: at, reason: event.reason })
    if (event.kind === 'fetch-succeeded') this.#end(at, 'succeeded')
    if (event.kind === 'fetch-failed') {
      this.#end(at, 'failed')
      if (event.nextAttemptAt > at) this.coolDowns.push({ from: at, until: event.nextAttemptAt })
    }
    if (event.kind === 'fetch-discarded' && !late.has(event.because)) this.#end(at, 'discarded')
    if (isChange(event)) this.changes.push({ at, kind: event.kind as Change['kind'] })
    if (event.kind === 'fetch-succeeded' || isChange(event)) this.#turnedAt = at
  }

  see({ age, refreshAt = Infinity, expiresAt = Infinity }: Partial<Inspection>, now: number): void {
    const last = this.lives.at(-1)
    const open = last?.until === undefined ? last : undefined
    const fetchedAt = age === undefined ? undefined : now - age
    if (open && fetchedAt !== undefined && Math.abs(open.fetchedAt - fetchedAt) <= sameMoment) {
      Object.assign(open, { refreshAt, expiresAt })
      return
    }
    // What another tab or process fetched is told by no event of this one.
    const told = this.#turnedAt !== undefined && this.#turnedAt > (open?.since ?? 0)
    const turnedAt = told ? Math.min(now, this.#turnedAt as number) : now
    if (open) open.until = turnedAt
    if (fetchedAt === undefined) return
    this.lives.push({ fetchedAt, since: Math.max(turnedAt, fetchedAt), refreshAt, expiresAt })
  }

  read(read: Read): void {
    this.reads.push(read)
    if (this.reads.length > mostReads) this.reads.shift()
  }

  /** Forgets what was over by then. */
  forget(before: number): void {
    drop(this.calls, ({ endedAt = Infinity }) => endedAt < before)
    drop(this.lives, ({ until = Infinity }) => until < before)
    drop(this.coolDowns, ({ until }) => until < before)
    drop(this.changes, ({ at }) => at < before)
    drop(this.reads, ({ at }) => at < before)
  }

  get isBlank(): boolean {
    return [this.calls, this.lives, this.coolDowns, this.changes, this.reads].every((list) => list.length === 0)
  }

  /** At most one is in the air: what loses its place to a later one is told as discarded before that starts. */
  #end(at: number, outcome: Call['outcome'] & string): void {
    const call = this.calls.at(-1)
    if (call && call.endedAt === undefined) Object.assign(call, { endedAt: at, outcome })
  }
}

/** Follows a source until it is stopped. Its events come by themselves; `look()` is for whoever keeps the time. */
export class Chronicle {
  readonly #source: Source
  readonly #span: number
  readonly #maxKeys: number
  readonly #records = new Map<string, Record>()
  readonly #stop: () => void

  constructor(source: Source, { span = 60_000, maxKeys = 200 }: ChronicleOptions = {}) {
    this.#source = source
    this.#span = span
    this.#maxKeys = maxKeys
    this.#stop = source.on((event) => {
      // Of a registry, what is about no key is about its tier.
      this.#recordOf(event)?.hear(event)
    })
  }

  /** Looks at every value that is followed, and forgets what is older than the span. Gives what it saw. */
  look(now = Date.now()): (Inspection & ValueName)[] {
    const seen = new Map<Record, Inspection & ValueName>()
    for (const inspection of inspectionsOf(this.#source)) {
      const record = this.#recordOf(inspection)
      if (!record) break
      seen.set(record, inspection)
    }
    for (const [id, record] of this.#records) {
      record.see(seen.get(record) ?? {}, now)
      record.forget(now - this.#span)
      if (record.isBlank && !seen.has(record)) this.#records.delete(id)
    }
    return [...seen.values()]
  }

  /** Counts a read of one value. */
  read(name: ValueName, read: Read): void {
    this.#recordOf(name)?.read(read)
  }

  /** What is remembered of one value; `undefined` where nothing is. */
  track(name: ValueName): Track | undefined {
    return this.#records.get(idOf(name))
  }

  stop(): void {
    this.#stop()
  }

  #recordOf(name: ValueName): Record | undefined {
    const id = idOf(name)
    const known = this.#records.get(id)
    if (known || this.#records.size >= this.#maxKeys) return known
    const record = new Record(titleOf(name))
    this.#records.set(id, record)
    return record
  }
}

/** They are in the order of time, so those to go are the first. */
function drop<T>(list: T[], isOver: (item: T) => boolean): void {
  const kept = list.findIndex((item) => !isOver(item))
  list.splice(0, kept < 0 ? list.length : kept)
}
