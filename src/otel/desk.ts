/** What a meter is told whenever it is read: counts, sizes and ages of all that is measured with it. */

import { type Attributes, createInstruments, type Instruments, type MeterLike, type Observing } from './meter.ts'
import { type Holds, holdOnce } from './once.ts'
import { Series } from './series.ts'
import { type Inspected, inspectionsOf, type Reads, readsOf, type Source, statsOf } from './source.ts'

export interface Watched {
  readonly source: Source
  readonly attributes: Attributes
  readonly maxInspected: number
  /** what was counted already */
  counted: Reads
  /** `undefined`: nothing was ever said about a tier */
  isSuspended?: boolean
  /** how old the oldest of each type was when all were looked at last, and the look that is under way */
  readonly ages: {
    known: Ages
    looking?: { readonly at: Iterator<Inspected>; readonly found: Map<string | undefined, number> } | undefined
  }
}
/** milliseconds by type */
type Ages = ReadonlyMap<string | undefined, number>

/** the instruments that are asked, and not told */
type Answer = 'reads' | 'entries' | 'memory' | 'suspended' | 'age'

/** All that is measured with one meter. Two that answer under the same attributes would overwrite one another. */
export interface Desk {
  readonly instruments: Instruments
  readonly watched: Set<Watched>
  readonly series: Readonly<Record<Answer, Series>>
  readonly holds: Holds<Source>
}

const desks = new WeakMap<MeterLike, Desk>()
const attached: Holds<Desk> = new WeakMap()

export function deskOf(meter: MeterLike): Desk {
  const known = desks.get(meter)
  if (known) return known
  const desk: Desk = {
    instruments: createInstruments(meter),
    watched: new Set(),
    series: {
      reads: new Series(),
      entries: new Series(),
      memory: new Series(),
      suspended: new Series(),
      age: new Series(),
    },
    holds: new WeakMap(),
  }
  desks.set(meter, desk)
  return desk
}

/** Has the source answered for. Returns what ends that; what it counted until then stays in the sums. */
export function watch(desk: Desk, watched: Watched): { readonly leave: () => void; readonly detach: () => void } {
  const detach = holdOnce(attached, desk, () => attach(desk))
  desk.watched.add(watched)
  return {
    detach,
    leave() {
      if (desk.watched.delete(watched)) countReads(desk, watched)
    },
  }
}

function attach(desk: Desk): () => void {
  let isOver = false
  const removals = (Object.keys(answers) as Answer[]).map((name) => {
    const callback = (result: Observing) => {
      if (isOver) return
      answers[name](desk)
      desk.series[name].observe(result)
    }
    const instrument = desk.instruments[name]
    instrument.addCallback(callback)
    return () => instrument.removeCallback?.(callback)
  })
  return () => {
    isOver = true
    for (const remove of removals) remove()
  }
}

/** Adds what was counted since. These sums only grow: past the end of a source, and past what resets its counters. */
function countReads({ series }: Desk, watched: Watched): void {
  const { source, attributes, counted } = watched
  const now = readsOf(source)
  watched.counted = now
  for (const [type, reads] of now) {
    const before: Partial<typeof reads> = counted.get(type) ?? {}
    const results = Object.entries(reads) as [keyof typeof reads, number][]
    const wasReset = results.some(([result, count]) => count < (before[result] ?? 0))
    const of = type === undefined ? attributes : { ...attributes, 'evercurrent.type': type }
    for (const [result, count] of results) {
      series.reads.add(count - ((!wasReset && before[result]) || 0), { ...of, 'evercurrent.read.result': result })
    }
  }
}

/** Goes on looking at the values, at some of them each time: how old the oldest is, is known once all were looked at. */
function lookAtAges({ source, maxInspected, ages }: Watched): Ages {
  ages.looking ??= { at: inspectionsOf(source)[Symbol.iterator](), found: new Map() }
  const { at, found } = ages.looking
  for (let looked = 0; looked < maxInspected; looked++) {
    const { done, value } = at.next()
    if (done) {
      Object.assign(ages, { known: found, looking: undefined })
      break
    }
    if (value.age !== undefined) found.set(value.type, Math.max(value.age, found.get(value.type) ?? 0))
  }
  return ages.known
}

const answers: Readonly<Record<Answer, (desk: Desk) => void>> = {
  reads(desk) {
    for (const watched of desk.watched) countReads(desk, watched)
  },
  entries: ({ series, watched }) => total(series.entries, watched, ({ source }) => statsOf(source).entries),
  memory: ({ series, watched }) => total(series.memory, watched, ({ source }) => statsOf(source).bytes),
  suspended: ({ series, watched }) =>
    total(series.suspended, watched, ({ isSuspended }) =>
      isSuspended === undefined ? undefined : Number(isSuspended),
    ),
  age({ series, watched }) {
    series.age.zero()
    for (const each of watched) {
      for (const [type, age] of lookAtAges(each)) {
        const attributes = type === undefined ? each.attributes : { ...each.attributes, 'evercurrent.type': type }
        series.age.raise(age / 1000, attributes)
      }
    }
  },
}

/** The sum of what the sources say, of those that say anything. */
function total(series: Series, watched: Desk['watched'], of: (watched: Watched) => number | undefined): void {
  series.zero()
  for (const each of watched) {
    const value = of(each)
    if (value !== undefined) series.add(value, each.attributes)
  }
}
