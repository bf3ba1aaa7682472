/** The faster of two tiers: what it holds, and when that must not be served because the slower one may know better. */

import type { CacheBackend, Lookup, Stored } from './backend.ts'
import { newEpoch } from './fences.ts'
import { labelled, unlabelled } from './label.ts'

/** What the front knows of a key. */
interface Glance {
  /** only what may be served */
  readonly stored: Stored | undefined
  /** Puts in what the back answered. Never rejects. */
  fill(stored: Stored): Promise<void>
}

/** A change of a key that the back is asked for. From `begin` to `end` the front does not serve the key. */
interface Change {
  /** the front may have served the key when the change began */
  readonly wasTrusted: boolean
  /** The back accepted it. Never rejects. */
  put(stored: Stored): Promise<void>
  /** The front must not hold the key any more. Never rejects. */
  drop(): Promise<void>
  /** Nobody knows what the back did: until it answers, the front is not served. */
  doubt(): void
  end(): void
}

export type Front = ReturnType<typeof createFront>

/** Beyond so many doubtful keys the whole front is. */
const MOST_DOUBTS = 1000

const isHit = (lookup: Lookup | undefined): lookup is Lookup & { stored: Stored } => lookup?.stored !== undefined

export function createFront(tier: CacheBackend) {
  /** Every value carries it. A new one makes all that is held worthless, and what an earlier object left behind. */
  let era = newEpoch()
  /** goes up whenever something may have become outdated */
  let changes = 0
  /** by key, how many changes of it are in the air. Once two were, nobody knows which one came last. */
  const changing = new Map<string, { count: number; mixed: boolean }>()
  const prefixes = new Set<{ readonly prefix: string }>()
  /** by key, which doubt: it ends with the next answer of the back that was asked for after it arose */
  const doubts = new Map<string, number>()

  const isCovered = (key: string) => [...prefixes].some(({ prefix }) => key.startsWith(prefix))
  const isTrusted = (key: string) => !changing.has(key) && !doubts.has(key) && !isCovered(key)

  const distrustAll = () => {
    changes++
    era = newEpoch()
    doubts.clear()
  }
  const doubt = (key: string) => {
    doubts.set(key, ++changes)
    if (doubts.size > MOST_DOUBTS) distrustAll()
  }

  /** A front that fails knows nothing. */
  const look = (key: string, signal?: AbortSignal) => attempt(() => tier.get(key, signal))

  const glanceAt = async (key: string, signal?: AbortSignal): Promise<Glance> => {
    const [asked, askedIn, doubted] = [changes, era, doubts.get(key)]
    const wasTrusted = isTrusted(key)
    const lookup = await look(key, signal)
    const stored = isHit(lookup) && wasTrusted && asked === changes ? unlabelled(lookup.stored, askedIn) : undefined
    return {
      stored,
      async fill(answer) {
        if (!lookup) return
        // The front's own fence refuses it, if the key was changed here while the back was asked.
        const options = { ifGeneration: lookup.generation }
        const filled = await attempt(() => tier.set(key, labelled(answer, askedIn), options))
        if (filled !== undefined && doubts.get(key) === doubted) doubts.delete(key)
      },
    }
  }

  /** Whether it holds a value of this era. Never rejects. */
  const holds = async (key: string) => {
    const lookup = await look(key)
    return isHit(lookup) && unlabelled(lookup.stored, era) !== undefined
  }

  const begin = (key: string): Change => {
    const [beganIn, doubted, wasTrusted] = [era, doubts.get(key), isTrusted(key)]
    changes++
    const all = changing.get(key) ?? { count: 0, mixed: isCovered(key) }
    changing.set(key, all)
    if (++all.count > 1) all.mixed = true
    const drop = async () => {
      if (!(await attempt(() => tier.delete(key, {})))) doubt(key)
    }
    return {
      wasTrusted,
      drop,
      async put(stored) {
        const isPut = (await attempt(() => tier.set(key, labelled(stored, beganIn), {}))) !== undefined
        if (!isPut || all.mixed) await drop()
        else if (doubts.get(key) === doubted) doubts.delete(key)
      },
      doubt: () => doubt(key),
      end() {
        if (--all.count === 0) changing.delete(key)
      },
    }
  }

  const beginAll = (prefix: string): Omit<Change, 'wasTrusted' | 'put'> => {
    changes++
    const one = { prefix }
    prefixes.add(one)
    for (const [key, all] of changing) if (key.startsWith(prefix)) all.mixed = true
    return {
      async drop() {
        const isDropped = await attempt(async () => [await tier.deletePrefix(prefix)])
        if (!isDropped) distrustAll()
      },
      doubt: distrustAll,
      end: () => prefixes.delete(one),
    }
  }

  return { glanceAt, holds, begin, beginAll, distrustAll }
}

/** `undefined` when it failed. */
async function attempt<T>(call: () => T): Promise<Awaited<T> | undefined> {
  try {
    return await call()
  } catch {
    return undefined
  }
}
