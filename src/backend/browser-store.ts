/** What an IndexedDB database holds, and what one transaction does to it. It does not know who asks, nor when. */

import { type IDBPObjectStore, openDB } from 'idb'
import type { Lookup, Stored } from './backend.ts'
import { newEpoch } from './fences.ts'

const day = 86_400_000
/** For so long at least a value stays on record, or short-lived ones would defeat every fetch that is slower. */
const leastRecord = 600_000
/** Rows past their time that one write deletes: more than it makes. */
const mostPurged = 20
/** Beyond so many dropped prefixes all of them become one: whatever was looked up before counts as dropped. */
const mostBarriers = 500

/** Of this shape of what is stored: another gets another name, and this one is dropped by the upgrade to it. */
const storeName = 'evercurrent'

/**
 * Every change takes the next `seq` of the store, and a generation says "as of this seq": it holds for a key that no
 * later change has touched. So a miss needs no record, and a record that goes away need only raise the `floor`: what was
 * looked up until it was made is refused from then on, if nothing tells more of its key.
 */
interface State {
  readonly epoch: string
  /** of the last change */
  readonly seq: number
  /** one above the last change whose record is gone */
  readonly floor: number
}
interface Mark {
  readonly seq: number
  /** when it may go, in epoch milliseconds */
  readonly until: number
}
type Value = Mark & Omit<Stored, 'generation'>
type Barrier = Mark & { readonly prefix: string }

/**
 * All is in one object store, so that whoever clears it by hand clears its epoch too. A number is the key of the state, a
 * string that of a value; arrays are those of tombstones and of barriers, the marks of dropped prefixes.
 */
const stateKey = 0
const tombstoneKey = (key: string) => [0, key]
const barrierKey = (prefix: string) => [1, prefix]
const barriers = () => IDBKeyRange.bound([1], [2])
/** Keys are ASCII. */
const beginningWith = (prefix: string, keyOf: (key: string) => IDBValidKey = (key) => key) =>
  IDBKeyRange.bound(keyOf(prefix), keyOf(`${prefix}\uffff`))

export interface If {
  readonly ifGeneration?: string
}
type Mode = 'readonly' | 'readwrite'
type Records<M extends Mode = 'readwrite'> = IDBPObjectStore<unknown, [string], string, M>

interface Fate {
  /** A tab with another shape of the store keeps it from being opened, until that closes. */
  readonly blocked: () => void
  /** The connection is over: it was ended by the browser, or makes room for who deletes or upgrades the database. */
  readonly lost: () => void
}

export type BrowserStore = Awaited<ReturnType<typeof openStore>>

/** Rejects with what IndexedDB throws, and when the database is somebody else's. */
export async function openStore(name: string, { blocked, lost }: Fate) {
  const open = (version?: number) =>
    openDB(name, version, {
      upgrade: (database) => {
        database.createObjectStore(storeName).createIndex('until', ['until', 'seq'])
      },
      blocked,
      blocking(_from, _to, event) {
        ;(event.target as IDBDatabase).close()
        lost()
      },
      terminated: lost,
    })
  let database = await open()
  if (database.objectStoreNames.length === 0) {
    // Somebody opened it and stored nothing.
    const next = database.version + 1
    database.close()
    database = await open(next)
  }
  if (!database.objectStoreNames.contains(storeName)) {
    database.close()
    throw new Error('it holds something else, or was made by another release')
  }

  const run = async <M extends Mode, T>(
    mode: M,
    durability: IDBTransactionDurability,
    work: (records: Records<M>) => Promise<T>,
  ): Promise<T> => {
    const transaction = database.transaction(storeName, mode, { durability })
    const result = work(transaction.store as Records<M>).catch((error: unknown) => {
      try {
        transaction.abort()
      } catch {
        // It has ended by itself.
      }
      throw error
    })
    return (await Promise.all([result, transaction.done]))[0]
  }

  /** What is known of a key, by whatever touched it last. */
  const touched = async (records: Records<Mode>, key: string): Promise<Value | Mark | undefined> => {
    const [value, tombstone] = await Promise.all([records.get(key), records.get(tombstoneKey(key))])
    return value ?? tombstone
  }
  const isValue = (record: Value | Mark | undefined): record is Value => !!record && 'bytes' in record

  const look = (keys: readonly string[]): Promise<Lookup[] | undefined> =>
    run('readonly', 'relaxed', async (records) => {
      const [state, ...found] = await Promise.all([records.get(stateKey), ...keys.map((key) => touched(records, key))])
      return (state as State | undefined) && found.map((record) => lookupOf(state, record))
    })
  const lookupOf = ({ epoch, seq }: State, record: Value | Mark | undefined): Lookup => {
    const generation = `${epoch}.${record?.seq ?? seq}`
    if (!isValue(record)) return { generation, stored: undefined }
    const { bytes, fetchedAt, expiresAt, keepUntil } = record
    return { generation, stored: { bytes, generation, fetchedAt, expiresAt, keepUntil } }
  }

  /** Changes what is stored as of the next `seq`, and clears away a little of what is past its time. */
  const change = <T>(
    durability: IDBTransactionDurability,
    work: (records: Records, state: State, seq: number) => Promise<{ readonly floor?: number; readonly result: T }>,
  ): Promise<T> =>
    run('readwrite', durability, async (records) => {
      let state: State | undefined = await records.get(stateKey)
      if (!state) {
        // A new one, or somebody has cleared it.
        await records.clear()
        state = { epoch: newEpoch(), seq: 0, floor: 0 }
      }
      const seq = state.seq + 1
      const { floor = state.floor, result } = await work(records, state, seq)
      await records.put({ ...state, seq, floor: Math.max(floor, await purge(records)) }, stateKey)
      return result
    })
  const purge = async (records: Records): Promise<number> => {
    let floor = 0
    let left = mostPurged
    let cursor = await records.index('until').openKeyCursor(IDBKeyRange.upperBound([Date.now(), []]))
    for (; cursor && left > 0; left--, cursor = await cursor.continue()) {
      floor = Math.max(floor, (cursor.key as [number, number])[1] + 1)
      await records.delete(cursor.primaryKey)
    }
    return floor
  }

  /** The last change that may have touched a key of which there is no record. */
  const lastOver = async (records: Records, key: string, floor: number): Promise<number> => {
    const over = ((await records.getAll(barriers())) as Barrier[]).filter(({ prefix }) => key.startsWith(prefix))
    return Math.max(floor, ...over.map(({ seq }) => seq))
  }
  const holds = async (records: Records, { epoch, seq, floor }: State, key: string, ifGeneration: string) => {
    const asOf = Number(ifGeneration.slice(epoch.length + 1))
    if (ifGeneration !== `${epoch}.${asOf}` || asOf > seq) return false
    return asOf >= ((await touched(records, key))?.seq ?? (await lastOver(records, key, floor)))
  }

  const readMany = async (keys: readonly string[]): Promise<Lookup[]> => {
    const found = await look(keys)
    if (found) return found
    await change('relaxed', async () => ({ result: undefined }))
    return readMany(keys)
  }

  return {
    getMany: readMany,
    set: (key: string, { bytes, fetchedAt, expiresAt, keepUntil }: Omit<Stored, 'generation'>, { ifGeneration }: If) =>
      // A power cut that takes the last values with it costs their fetches.
      change('relaxed', async (records, state, seq) => {
        if (ifGeneration !== undefined && !(await holds(records, state, key, ifGeneration)))
          return { result: undefined }
        const until = Math.max(keepUntil, Date.now() + leastRecord)
        // A copy: of a view, the whole buffer would be stored.
        await records.put({ seq, until, bytes: new Uint8Array(bytes), fetchedAt, expiresAt, keepUntil }, key)
        await records.delete(tombstoneKey(key))
        return { result: `${state.epoch}.${seq}` }
      }),
    delete: (key: string, { ifGeneration }: If) =>
      // One that takes the last deletions with it would bring back what was invalidated.
      change('strict', async (records, state, seq) => {
        const record = await touched(records, key)
        if (ifGeneration !== undefined && !(await holds(records, state, key, ifGeneration)))
          return { result: { generation: lookupOf(state, record).generation, existed: false } }
        await records.delete(key)
        await records.put({ seq, until: Date.now() + day }, tombstoneKey(key))
        return { result: { generation: `${state.epoch}.${seq}`, existed: isValue(record) } }
      }),
    deletePrefix: (prefix: string) =>
      change('strict', async (records, _state, seq) => {
        const result = await records.count(beginningWith(prefix))
        // Its barrier says all that was known of what it drops.
        await records.delete(beginningWith(prefix))
        await records.delete(beginningWith(prefix, tombstoneKey))
        await records.delete(beginningWith(prefix, barrierKey))
        if ((await records.count(barriers())) >= mostBarriers) {
          await records.delete(barriers())
          return { floor: seq, result }
        }
        await records.put({ seq, until: Date.now() + day, prefix }, barrierKey(prefix))
        return { result }
      }),
    /** Another number than any before, and greater. */
    nextFence: () => change('relaxed', async (_records, _state, seq) => ({ result: String(seq) })),
    close: () => database.close(),
  }
}
