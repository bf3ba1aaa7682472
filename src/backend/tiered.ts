/** Two tiers as one, written through: the slower one decides, the faster one answers while that cannot be wrong. */

import { BackendError } from '../errors.ts'
import type { CacheBackend, Lookup } from './backend.ts'
import type { Announcement, Coordinator } from './coordinator.ts'
import { createFront, type Front } from './front.ts'

/** What a back that answers like this has certainly not done. */
const changedNothing = (error: unknown) =>
  error instanceof BackendError && (error.reason === 'full' || error.reason === 'refused')

/**
 * Memory, or any tier, in front of another one: written through, so that what was accepted is in the back.
 *
 * A write goes to the back first. If that fails, the front stays as it is and the error is raised; a front that fails is
 * not noticed while the back answers. A miss of the front is looked up in the back and put in the front. Generations and
 * sizes are those of the back; only an unconditional `delete()` also says that it existed if just the front still had it.
 *
 * What the front answers is never older than what the back accepted through this object: while a key is being written,
 * and after a write of which nobody knows what became, the back is asked. Changes by others are heard of through the
 * back's coordinator, which joins this tier too; without one, the front answers until `keepUntil`. What the front held
 * before is not used: give it a store of its own. Closing closes both.
 *
 * @example
 * ```ts
 * const shared = memoryBackend() // in earnest: a tier that processes share
 * const backend = tieredBackend(memoryBackend({ maxEntries: 1000 }), shared)
 * const now = Date.now()
 * const stored = { bytes: Uint8Array.of(1), fetchedAt: now, expiresAt: now + 30_000, keepUntil: now + 60_000 }
 * await backend.set('one', stored, {})
 * const { generation } = await shared.get('one')
 * const lookup = await backend.get('one')
 * lookup.generation === generation // true
 * ```
 */
export function tieredBackend(front: CacheBackend, back: CacheBackend): CacheBackend {
  const cover = createFront(front)
  let closing: Promise<void> | undefined

  const enter = (operation: string) => {
    if (!closing) return
    throw new BackendError(`Cannot ${operation}: this tiered backend was closed`, { operation, reason: 'failed' })
  }

  const lookUp = async (keys: readonly string[], signal?: AbortSignal): Promise<readonly Lookup[]> => {
    const glances = await Promise.all(keys.map(async (key) => ({ key, glance: await cover.glanceAt(key, signal) })))
    const missing = glances.filter(({ glance }) => !glance.stored)
    const answers = await lookUpIn(
      back,
      missing.map(({ key }) => key),
      signal,
    )
    const fills = missing.map(async ({ glance }, at) => {
      const stored = answers[at]?.stored
      if (stored) await glance.fill(stored)
    })
    await Promise.all(fills)
    let next = 0
    return glances.map(({ glance: { stored } }) =>
      stored ? { generation: stored.generation, stored } : (answers[next++] as Lookup),
    )
  }

  return {
    name: `${front.name} before ${back.name}`,
    async get(key, signal) {
      enter('get')
      const [lookup] = await lookUp([key], signal)
      return lookup as Lookup
    },
    async getMany(keys, signal) {
      enter('getMany')
      return lookUp(keys, signal)
    },
    async set(key, given, options) {
      enter('set')
      // The caller may reuse them as soon as the back has its copy.
      const stored = { ...given, bytes: new Uint8Array(given.bytes) }
      const change = cover.begin(key)
      try {
        const generation = await asked(change, () => back.set(key, stored, options))
        await (generation === undefined ? change.drop() : change.put({ ...stored, generation }))
        return generation
      } finally {
        change.end()
      }
    },
    async delete(key, options) {
      enter('delete')
      const change = cover.begin(key)
      try {
        const { generation, existed } = await asked(change, () => back.delete(key, options))
        // With a condition, nobody can tell a refusal from a key that only the front had.
        const askFront = !existed && options.ifGeneration === undefined && change.wasTrusted
        const inFront = askFront && (await cover.holds(key))
        await change.drop()
        return { generation, existed: existed || inFront }
      } finally {
        change.end()
      }
    },
    async deletePrefix(prefix, signal) {
      enter('deletePrefix')
      const change = cover.beginAll(prefix)
      try {
        const dropped = await asked(change, () => back.deletePrefix(prefix, signal))
        await change.drop()
        return dropped
      } finally {
        change.end()
      }
    },
    ...(back.size && {
      async size() {
        enter('size')
        return back.size?.()
      },
    }),
    ...(back.coordinator && { coordinator: overheard(back.coordinator, cover) }),
    close() {
      closing ??= Promise.allSettled([front, back].map(async (tier) => tier.close?.())).then(([, ofBack]) => {
        if (ofBack?.status === 'rejected') throw ofBack.reason
      })
      return closing
    },
  }
}

async function lookUpIn(tier: CacheBackend, keys: readonly string[], signal?: AbortSignal): Promise<readonly Lookup[]> {
  if (keys.length === 0) return []
  if (keys.length > 1 && tier.getMany) return tier.getMany(keys, signal)
  return Promise.all(keys.map((key) => tier.get(key, signal)))
}

/** What the back says. If nobody can tell what it did, the front is not to be believed. */
async function asked<T>(change: { doubt(): void }, call: () => T): Promise<Awaited<T>> {
  try {
    return await call()
  } catch (error) {
    if (!changedNothing(error)) change.doubt()
    throw error
  }
}

/** The coordinator of the back. What others announce leaves the front before any listener is told. */
function overheard(coordinator: Coordinator, cover: Front): Coordinator {
  /** what is published here was written through this tier, so the front knows */
  const own = new Set<string>()

  const hear = (message: Announcement | 'lost-messages') => {
    if (message === 'lost-messages') return cover.distrustAll()
    if (own.has(message.origin)) return
    const change = message.prefix ? cover.beginAll(message.key) : cover.begin(message.key)
    void change.drop().then(() => change.end())
  }

  return {
    lease: (key, signal) => coordinator.lease(key, signal),
    publish(message) {
      own.add(message.origin)
      return coordinator.publish(message)
    },
    subscribe: (listener) =>
      coordinator.subscribe((message) => {
        hear(message)
        listener(message)
      }),
  }
}
