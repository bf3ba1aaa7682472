/** One store that several processes share, each over a line of its own that a schedule holds up, cuts and reorders. */
import type { CacheBackend, Clock } from 'evercurrent'
import { type MemoryBackend, memoryBackend } from 'evercurrent/backend/memory'

/** `held`: calls wait for the schedule, which lets the store act, and the answer arrive, when it likes. */
export type Mode = 'well' | 'held' | 'down' | 'throwing'

export interface Line {
  /** the registry at its end, every life of it apart */
  readonly name: string
  mode: Mode
}

export interface TierCall {
  readonly line: Line
  readonly operation: 'look up' | 'write' | 'drop' | 'drop all of'
  readonly keys: readonly string[]
  readonly isConditional: boolean
  /** of a write: which value it carries */
  readonly value: number | undefined
  readonly signal: AbortSignal | undefined
  /** tick and epoch milliseconds at which the store acted */
  actedAt: { readonly tick: number; readonly at: number } | undefined
  /** whether something changed: `undefined` until the store has said so */
  took: boolean | undefined
  isAnswered: boolean
  /** The line broke before the answer. */
  isLost: boolean
  /** The store acts, and nobody hears of it yet. */
  act(): void
  answer(): void
  /** The line breaks, whether or not the store has acted. */
  fail(): void
}

/** Something that moved keys on: a call the store took, or its loss. */
export interface Change {
  readonly tick: number
  readonly keys: readonly string[]
  readonly call: TierCall | undefined
}

export interface Told {
  tick(): number
  issued(call: TierCall): void
  /** The store took it, or refused. */
  took(call: TierCall): void
  answered(call: TierCall, how: string): void
}

/** How a value looks in the bytes of a store: found there without knowing the envelope. */
export const mark = {
  put: (value: number) => new TextEncoder().encode(`<<${value}>>`),
  find: (bytes: Uint8Array) => {
    const found = /<<(\d+)>>/.exec(Buffer.from(bytes).toString('latin1'))?.[1]
    return found === undefined ? undefined : Number(found)
  },
}

export type TierStore = ReturnType<typeof createTierStore>

/** `names`: of the keys by how a tier calls them. */
export function createTierStore(clock: Clock, names: ReadonlyMap<string, string>, batches: boolean, told: Told) {
  let store: MemoryBackend
  const renew = () => {
    store = memoryBackend({ now: () => clock.wallNow() })
  }
  renew()
  const calls: TierCall[] = []
  const changes: Change[] = []

  type What = Pick<TierCall, 'operation' | 'keys' | 'isConditional' | 'value' | 'signal'>
  const send = <T>(line: Line, what: What, perform: () => Promise<T>, didTake: (answer: T) => boolean): Promise<T> => {
    let result: Promise<T> | undefined
    let settle!: { resolve: (answer: T | Promise<T>) => void; reject: (error: unknown) => void }
    const answered = new Promise<T>((resolve, reject) => {
      settle = { resolve, reject }
    })
    const call: TierCall = {
      line,
      ...what,
      actedAt: undefined,
      took: undefined,
      isAnswered: false,
      isLost: false,
      act() {
        if (result) return
        const { tick, at } = { tick: told.tick(), at: clock.wallNow() }
        call.actedAt = { tick, at }
        result = perform()
        result.then((answer) => {
          call.took = didTake(answer)
          if (call.took && call.operation !== 'look up') changes.push({ tick, keys: call.keys, call })
          told.took(call)
        })
      },
      answer() {
        call.act()
        call.isAnswered = true
        told.answered(call, 'answers')
        settle.resolve(result as Promise<T>)
      },
      fail() {
        call.isAnswered = call.isLost = true
        told.answered(call, call.actedAt ? 'has acted, and its answer is lost' : 'fails')
        settle.reject(new Error('the store is away'))
      },
    }
    calls.push(call)
    told.issued(call)
    if (line.mode === 'well') call.answer()
    else if (line.mode === 'down') call.fail()
    else if (line.mode === 'throwing') {
      answered.catch(() => {})
      call.fail()
      throw new Error('the store is away, at once')
    }
    return answered
  }
  const named = (fullKey: string) => {
    const name = names.get(fullKey)
    if (name === undefined) throw new Error(`nobody knows the key ${fullKey}`)
    return name
  }
  const beginning = (prefix: string) => [...names].flatMap(([full, name]) => (full.startsWith(prefix) ? [name] : []))
  const lookUp = { operation: 'look up', isConditional: false, value: undefined } as const

  return {
    calls,
    changes,
    /** What a process at the end of this line has of the store. */
    at: (line: Line): CacheBackend => ({
      name: 'shared',
      get: (key, signal) =>
        send(
          line,
          { ...lookUp, keys: [named(key)], signal },
          () => Promise.resolve(store.get(key)),
          ({ stored }) => !!stored,
        ),
      ...(batches && {
        getMany: (keys: readonly string[], signal?: AbortSignal) =>
          send(
            line,
            { ...lookUp, keys: keys.map(named), signal },
            () => store.getMany(keys),
            (found) => found.some(({ stored }) => stored),
          ),
      }),
      set: (key, stored, { ifGeneration, signal }) =>
        send(
          line,
          {
            operation: 'write',
            keys: [named(key)],
            isConditional: ifGeneration !== undefined,
            value: mark.find(stored.bytes),
            signal,
          },
          () => Promise.resolve(store.set(key, stored, ifGeneration === undefined ? {} : { ifGeneration })),
          (generation) => generation !== undefined,
        ),
      delete: (key, { ifGeneration, signal }) =>
        send(
          line,
          {
            operation: 'drop',
            keys: [named(key)],
            isConditional: ifGeneration !== undefined,
            value: undefined,
            signal,
          },
          () => Promise.resolve(store.delete(key, ifGeneration === undefined ? {} : { ifGeneration })),
          ({ existed }) => existed || ifGeneration === undefined,
        ),
      deletePrefix: (prefix, signal) =>
        send(
          line,
          { operation: 'drop all of', keys: beginning(prefix), isConditional: false, value: undefined, signal },
          () => Promise.resolve(store.deletePrefix(prefix)),
          () => true,
        ),
    }),
    /** All that it held is lost, and it has another epoch. */
    wipe() {
      changes.push({ tick: told.tick(), keys: [...names.values()], call: undefined })
      renew()
    },
  }
}
