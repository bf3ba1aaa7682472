/** A tier in the memory of this process: bounded, the least recently used goes first. The reference for all others. */

import { BackendError } from '../errors.ts'
import { checkOptions, type Rule, refuse } from '../policy/options.ts'
import type { CacheBackend, Lookup, Stored } from './backend.ts'
import { createFences } from './fences.ts'

export interface MemoryBackendOptions {
  /** How many values are held. 0: none, every look-up is a miss. Default: `Infinity`. */
  readonly maxEntries?: number | undefined
  /** How many bytes they may have together, keys and bookkeeping not counted. Default: `Infinity`. */
  readonly maxBytes?: number | undefined
  /**
   * `evict`: the value that was not read or written for longest makes room, and one that is larger than the whole store is
   * not kept. `reject`: `set()` rejects with a `BackendError` whose `reason` is `full`, and nothing changes.
   * Default: `evict`.
   */
  readonly whenFull?: 'evict' | 'reject' | undefined
  /**
   * Epoch milliseconds, with which `keepUntil` is compared. Default: the latest `fetchedAt` of all values written, so that
   * the time is that of the writers.
   */
  readonly now?: (() => number) | undefined
}

/** As `CacheBackend`, with what is optional there. It has no coordinator: join registries with `memoryCoordinator()`. */
export interface MemoryBackend extends CacheBackend {
  getMany(keys: readonly string[], signal?: AbortSignal): Promise<readonly Lookup[]>
  /** What has run out and was not swept yet included; `bytes` are those of the values alone. */
  size(): Promise<{ readonly entries: number; readonly bytes: number }>
  close(): Promise<void>
}

type Entry = Omit<Stored, 'generation'> & { readonly step: number }

const limit: Rule<number> = (option, value) =>
  value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)
    ? (value as number)
    : refuse(option, 'a whole number from 0, or Infinity', value, typeof value === 'number')

const rules = /* @__PURE__ */ (() => ({
  maxEntries: limit,
  maxBytes: limit,
  whenFull: ((option, value) =>
    value === 'evict' || value === 'reject' ? value : refuse(option, "'evict' or 'reject'", value)) as Rule<
    'evict' | 'reject'
  >,
  now: ((option, value) =>
    typeof value === 'function' ? (value as () => number) : refuse(option, 'a function', value)) as Rule<() => number>,
}))()

/** Of what has run out, this much is looked for at each write: so it goes although nobody asks for it again. */
const SWEPT_PER_WRITE = 2

/**
 * A tier for one process: behind several registries, in front of a slower tier, or in tests. Nothing survives the process.
 *
 * Bytes are copied on their way in and out. Evicting a value moves its key on: a write that was to replace it is refused.
 * What is remembered of keys that hold nothing is bounded too (10,000 keys, 64 prefixes, 24 h); what was forgotten is
 * refused.
 *
 * @throws TypeError or RangeError for an option that cannot be used. After `close()` every call rejects with `BackendError`.
 * @example
 * ```ts
 * const backend = memoryBackend({ maxEntries: 10_000 })
 * const { generation } = await backend.get('greeting')
 * const bytes = new TextEncoder().encode('hello')
 * const now = Date.now()
 * const stored = { bytes, fetchedAt: now, expiresAt: now + 30_000, keepUntil: now + 60_000 }
 * await backend.set('greeting', stored, { ifGeneration: generation })
 * await backend.set('greeting', stored, { ifGeneration: generation }) // undefined
 * await backend.size() // { entries: 1, bytes: 5 }
 * ```
 */
export function memoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  const {
    maxEntries = Infinity,
    maxBytes = Infinity,
    whenFull = 'evict',
    now = () => latest,
  } = checkOptions('memoryBackend()', options, rules)
  /** a store to which nobody writes forgets nothing */
  let latest = -Infinity
  const fences = createFences(options.now ?? (() => Date.now()))
  /** the least recently used first */
  const entries = new Map<string, Entry>()
  let bytes = 0
  let closed = false
  let sweeping = entries.entries()

  const enter = (operation: string, signal?: AbortSignal) => {
    if (closed) {
      throw new BackendError(`Cannot ${operation}: this memory backend was closed`, { operation, reason: 'failed' })
    }
    signal?.throwIfAborted()
  }

  const drop = (key: string) => {
    bytes -= entries.get(key)?.bytes.byteLength ?? 0
    return entries.delete(key)
  }

  const hasRunOut = (key: string, entry: Entry) => {
    if (entry.keepUntil > now()) return false
    drop(key)
    fences.lapse(key, entry.step)
    return true
  }

  const held = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    return entry && !hasRunOut(key, entry) ? entry : undefined
  }

  const sweep = () => {
    for (let turn = 0; turn < SWEPT_PER_WRITE; turn++) {
      const { done, value } = sweeping.next()
      if (done) sweeping = entries.entries()
      else hasRunOut(...value)
    }
  }

  const lookUp = (key: string): Lookup => {
    const entry = held(key)
    if (!entry) return { generation: fences.current(), stored: undefined }
    entries.delete(key)
    entries.set(key, entry)
    const { step, ...stored } = entry
    const generation = fences.generationOf(step)
    return { generation, stored: { ...stored, generation, bytes: new Uint8Array(stored.bytes) } }
  }

  /** What stands in the way of holding so many bytes under the key. */
  const excess = (key: string, size: number): 'maxEntries' | 'maxBytes' | undefined => {
    const replaced = entries.get(key)
    if (!replaced && entries.size >= maxEntries) return 'maxEntries'
    return bytes - (replaced?.bytes.byteLength ?? 0) + size > maxBytes ? 'maxBytes' : undefined
  }

  const evictFor = (key: string, size: number) => {
    for (const oldest of entries.keys()) {
      if (!excess(key, size)) return
      drop(oldest)
      fences.depart(oldest)
    }
  }

  const refuseIfFull = (key: string, size: number) => {
    if (!excess(key, size)) return
    for (const [other, entry] of entries) hasRunOut(other, entry)
    const option = excess(key, size)
    if (!option) return
    throw new BackendError(
      `Cannot set a value of ${size} bytes: the memory backend is full (${option}: ${{ maxEntries, maxBytes }[option]}). ` +
        `Raise ${option}, delete keys, or let it evict (whenFull: 'evict')`,
      { operation: 'set', reason: 'full' },
    )
  }

  return {
    name: 'memory',
    async get(key, signal) {
      enter('get', signal)
      return lookUp(key)
    },
    async getMany(keys, signal) {
      enter('getMany', signal)
      return keys.map(lookUp)
    },
    async set(key, { bytes: given, fetchedAt, expiresAt, keepUntil }, { ifGeneration, signal }) {
      enter('set', signal)
      latest = Math.max(latest, fetchedAt)
      const replaced = held(key)
      if (ifGeneration !== undefined && !fences.isTimely(key, ifGeneration, replaced?.step)) return undefined
      const size = given.byteLength
      if (whenFull === 'reject') refuseIfFull(key, size)
      drop(key)
      sweep()
      if (maxEntries === 0 || size > maxBytes) return fences.generationOf(fences.depart(key))
      evictFor(key, size)
      const step = fences.arrive(key)
      entries.set(key, { bytes: new Uint8Array(given), fetchedAt, expiresAt, keepUntil, step })
      bytes += size
      return fences.generationOf(step)
    },
    async delete(key, { ifGeneration, signal }) {
      enter('delete', signal)
      const entry = held(key)
      if (ifGeneration !== undefined && !fences.isTimely(key, ifGeneration, entry?.step)) {
        return { generation: entry ? fences.generationOf(entry.step) : fences.current(), existed: false }
      }
      drop(key)
      return { generation: fences.generationOf(fences.depart(key)), existed: entry !== undefined }
    },
    async deletePrefix(prefix, signal) {
      enter('deletePrefix', signal)
      let dropped = 0
      for (const [key, entry] of entries) {
        if (key.startsWith(prefix) && !hasRunOut(key, entry) && drop(key)) dropped++
      }
      fences.departAll(prefix)
      return dropped
    },
    async size() {
      enter('size')
      return { entries: entries.size, bytes }
    },
    async close() {
      closed = true
      entries.clear()
    },
  }
}
