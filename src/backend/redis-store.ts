/** What a Redis holds, key by key, and which write of it comes too late. It does not know who asks, nor how it fails. */

import type { Lookup, Stored } from './backend.ts'
import { newEpoch } from './fences.ts'
import type { Run } from './redis-scripts.ts'

/** Where a prefix was dropped, it is written down in a shard: that of the first part of its keys, or in all of them. */
const shards = 16

/** The tokens of a miss and of a deletion are kept for so long, and so long beyond its time the one of a value. */
const leastRecord = 600_000

/** What a key is given while the server can write nothing down, as when it is full: no write with it is accepted. */
const unfenced = 'unfenced'

/** Errors of a server that goes on reading. */
const cannotWrite = /^(OOM|READONLY|NOREPLICAS|MISCONF)\b/

const firstPart = /^[nt](\d+):/

/** Plain ASCII, character by character, so that prefixes stay prefixes; and nothing that ends a hash tag. */
export const encoded = (key: string): string =>
  key.replace(/[^!-$&-z|~]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The shards that may know of the keys with this prefix. Of a whole key that is one. */
function shardsOf(prefix: string, isKey: boolean): readonly number[] {
  const [head = '', length = 0] = firstPart.exec(prefix) ?? []
  const end = head.length + Number(length)
  if (!head || prefix.length < end) return isKey ? [0] : Array.from({ length: shards }, (_, shard) => shard)
  let hash = 0
  for (const character of prefix.slice(0, end)) hash = (hash * 31 + character.charCodeAt(0)) % 65_521
  return [hash % shards]
}

/** As of which barrier something is true. */
interface Stamp {
  readonly epoch: string
  readonly at: number
}

/** The last barrier above a key. */
interface Barrier extends Stamp {
  readonly last: number
}

interface Row {
  /** `life token`: what a write is compared with */
  readonly id: string
  readonly stamp: Stamp
  readonly stored: Omit<Stored, 'generation'> | undefined
}

const isCurrent = (stamp: Stamp, barrier: Barrier | undefined) =>
  barrier !== undefined && stamp.epoch === barrier.epoch && barrier.last <= stamp.at

const generationOf = (id: string, stamp: Stamp | undefined) =>
  stamp ? `${id.replace(' ', '.')}.${stamp.epoch}.${stamp.at}` : unfenced

function parsed(generation: string): Pick<Row, 'id' | 'stamp'> | undefined {
  const [life, token, epoch, at, ...more] = generation.split('.')
  if (at === undefined || more.length > 0) return undefined
  return { id: `${life} ${token}`, stamp: { epoch: epoch as string, at: Number(at) } }
}

function rowOf(record: Uint8Array): Row {
  const end = record.indexOf(10)
  const line = new TextDecoder().decode(end < 0 ? record : record.subarray(0, end))
  const [life, token, epoch = '', at, ...times] = line.split(' ')
  const [fetchedAt = 0, expiresAt = 0, keepUntil = 0] = times.map(Number)
  return {
    id: `${life} ${token}`,
    stamp: { epoch, at: Number(at) },
    stored: epoch ? { bytes: new Uint8Array(record.subarray(end + 1)), fetchedAt, expiresAt, keepUntil } : undefined,
  }
}

/** `undefined` where the server cannot write down what it was asked for. */
const readable = (error: unknown): undefined => {
  if (!cannotWrite.test((error as Error)?.message)) throw error
}

export function createStore(run: Run, prefix: string) {
  const entryKey = (key: string) => `${prefix}:v:{:${encoded(key)}}`
  const askShard = (shard: number, ...args: readonly string[]) =>
    run('barriers', `${prefix}:b:{${shard}}`, [newEpoch(), ...args]) as Promise<readonly [Uint8Array, ...number[]]>

  const look = async (key: string): Promise<Row> =>
    rowOf((await run('look', entryKey(key), [newEpoch(), String(leastRecord)])) as Uint8Array)

  /** In the order of the keys, which have to be of the shard. */
  const barriersOf = async (shard: number, keys: readonly string[]): Promise<readonly Barrier[]> => {
    const [epoch, at, ...last] = await askShard(shard, 'read', ...keys.map(encoded))
    const stamp = { epoch: new TextDecoder().decode(epoch), at: at as number }
    return keys.map((_, index) => ({ ...stamp, last: last[index] as number }))
  }
  const barrierOf = async (key: string) => (await barriersOf(shardsOf(key, true)[0] as number, [key]))[0] as Barrier

  const lookupOf = (row: Row | undefined, barrier: Barrier | undefined): Lookup => {
    if (!row || !barrier) return { generation: unfenced, stored: undefined }
    const isHeld = row.stored && isCurrent(row.stamp, barrier)
    const generation = generationOf(row.id, isHeld ? row.stamp : barrier)
    return { generation, stored: isHeld ? { ...(row.stored as NonNullable<Row['stored']>), generation } : undefined }
  }

  /** Both are asked at the same time: what changes in between is outdated by the one or missed by the other. */
  const get = async (key: string): Promise<Lookup> =>
    lookupOf(...(await Promise.all([look(key).catch(readable), barrierOf(key).catch(readable)])))

  /** Rejects where `get()` would miss because the server can write nothing down. */
  const writable = async (key: string) => {
    const [row, barrier] = await Promise.all([look(key), barrierOf(key)])
    return { id: row.id, stamp: barrier }
  }

  const writeAt = async (key: string, { id, stamp }: Pick<Row, 'id' | 'stamp'>, stored: Omit<Stored, 'generation'>) => {
    const token = newEpoch()
    const { bytes, fetchedAt, expiresAt, keepUntil } = stored
    const line = [stamp.epoch, stamp.at, fetchedAt, expiresAt, keepUntil].join(' ')
    const keptFor = Math.ceil(Math.max(0, keepUntil - Date.now()) + leastRecord)
    const args = [id, token, line, bytes, keptFor < Infinity ? String(keptFor) : '']
    if (!(await run('write', entryKey(key), args))) return undefined
    // Only now it is known that no barrier came before the value did.
    if (!isCurrent(stamp, await barrierOf(key))) return undefined
    return generationOf(`${id.slice(0, id.indexOf(' '))} ${token}`, stamp)
  }

  return {
    get,

    async getMany(keys: readonly string[]): Promise<readonly Lookup[]> {
      const byShard = new Map<number, string[]>()
      for (const key of new Set(keys)) {
        const [shard = 0] = shardsOf(key, true)
        const others = byShard.get(shard)
        if (others) others.push(key)
        else byShard.set(shard, [key])
      }
      const barriers = new Map<string, Barrier>()
      const asked = [...byShard].map(async ([shard, of]) => {
        const found = await barriersOf(shard, of).catch(readable)
        for (const [index, barrier] of found?.entries() ?? []) barriers.set(of[index] as string, barrier)
      })
      const looked = Promise.all(keys.map((key) => look(key).catch(readable)))
      // Together, or one that fails after another would be nobody's.
      const [rows] = await Promise.all([looked, ...asked])
      return keys.map((key, index) => lookupOf(rows[index], barriers.get(key)))
    },

    async set(
      key: string,
      stored: Omit<Stored, 'generation'>,
      { ifGeneration, signal }: { readonly ifGeneration?: string; readonly signal?: AbortSignal },
    ): Promise<string | undefined> {
      if (ifGeneration === unfenced) await writable(key)
      if (ifGeneration !== undefined) {
        const at = parsed(ifGeneration)
        return at && writeAt(key, at, stored)
      }
      // Compared, too: a command that arrives late, after somebody's invalidation, is refused. Each turn lost was won by
      // another write.
      for (;;) {
        signal?.throwIfAborted()
        const generation = await writeAt(key, await writable(key), stored)
        if (generation !== undefined) return generation
      }
    },

    async delete(key: string, ifGeneration: string | undefined) {
      const at = ifGeneration === undefined ? undefined : parsed(ifGeneration)
      const token = newEpoch()
      const isMeant = ifGeneration === undefined || at
      const args = [at?.id ?? '', token, String(leastRecord)]
      const [dropped, barrier] = await Promise.all([
        isMeant ? run('drop', entryKey(key), args) : 0,
        barrierOf(key).catch(readable),
      ])
      if (!dropped) return { generation: (await get(key)).generation, existed: false }
      const [life, line] = (dropped as readonly Uint8Array[]).map((text) => new TextDecoder().decode(text))
      const row = rowOf(new TextEncoder().encode(line))
      const isHeld = row.stored !== undefined && row.id.startsWith(`${life} `) && isCurrent(row.stamp, barrier)
      return { generation: generationOf(`${life} ${token}`, barrier), existed: isHeld }
    },

    async deletePrefix(all: string): Promise<undefined> {
      await Promise.all(shardsOf(all, false).map((shard) => askShard(shard, 'drop', encoded(all))))
    },
  }
}
