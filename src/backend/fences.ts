/**
 * Which writes of a store in memory come too late. Every change of the store is a step of one counter, and a generation is
 * the step at which something was true, so a miss costs no memory: a write is timely if its key has not changed since.
 */

const DAY = 86_400_000

/** How much is remembered of what is not held any more. Beyond it the oldest is forgotten, and what it fenced is refused. */
const MOST = { keys: 10_000, prefixes: 64 }

interface Departure {
  readonly step: number
  /** epoch milliseconds */
  readonly at: number
}

/** The steps of the keys that are held are kept with what they hold, not here. */
export interface Fences {
  /** What a miss is given: true as of now. */
  current(): string
  generationOf(step: number): string
  /** A value takes the key: its own step is its fence from now on. */
  arrive(key: string): number
  /** A value left the key, or would have: whatever was known of it before is outdated. */
  depart(key: string): number
  /** A value ran out, which changes nothing for whoever is about to replace it. */
  lapse(key: string, step: number): void
  departAll(prefix: string): void
  /** Whether the key is still as it was then. `heldStep`: of the value it holds. */
  isTimely(key: string, generation: string, heldStep: number | undefined): boolean
}

interface Departures {
  /** the oldest first */
  readonly known: Map<string, Departure>
  /** nothing that was forgotten happened after this step */
  floor: number
}

/** A name that nothing else has, nor had in an earlier life. */
export const newEpoch = (): string =>
  [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('')

/** Each store has an epoch, so a generation of another store, or of an earlier life, is refused. */
export function createFences(now: () => number): Fences {
  const epoch = newEpoch()
  const keys: Departures = { known: new Map(), floor: 0 }
  const prefixes: Departures = { known: new Map(), floor: 0 }
  let step = 0

  const remember = (departures: Departures, key: string, at: number, most: number) => {
    const { known } = departures
    const today = now()
    known.delete(key)
    known.set(key, { step: at, at: today })
    for (const [oldest, departure] of known) {
      if (known.size <= most && departure.at > today - DAY) return
      known.delete(oldest)
      departures.floor = Math.max(departures.floor, departure.step)
    }
  }

  const lastChange = (key: string): number => {
    let last = Math.max(prefixes.floor, keys.known.get(key)?.step ?? keys.floor)
    for (const [prefix, departure] of prefixes.known) if (key.startsWith(prefix)) last = Math.max(last, departure.step)
    return last
  }

  const generationOf = (at: number) => `${epoch}.${at}`

  return {
    generationOf,
    current: () => generationOf(step),
    arrive(key) {
      keys.known.delete(key)
      return ++step
    },
    depart(key) {
      remember(keys, key, ++step, MOST.keys)
      return step
    },
    lapse: (key, heldStep) => remember(keys, key, heldStep, MOST.keys),
    departAll(prefix) {
      // It fences whatever a longer prefix fenced before it.
      for (const longer of prefixes.known.keys()) if (longer.startsWith(prefix)) prefixes.known.delete(longer)
      remember(prefixes, prefix, ++step, MOST.prefixes)
    },
    isTimely(key, generation, heldStep) {
      const seenAt = generation.startsWith(`${epoch}.`) ? Number(generation.slice(epoch.length + 1)) : Number.NaN
      return seenAt <= step && seenAt >= (heldStep ?? lastChange(key))
    },
  }
}
