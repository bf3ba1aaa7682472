/** A backend whose calls a test counts, holds, answers itself or breaks, each kind of call by itself. */

import type { CacheBackend, Coordinator, Lookup, Stored } from 'evercurrent'

export type Operation = 'get' | 'getMany' | 'set' | 'delete' | 'deletePrefix'

export interface BackendCall {
  readonly operation: Operation
  /** the prefix of a `deletePrefix`; the first of a `getMany` */
  readonly key: string
  readonly keys: readonly string[]
  readonly ifGeneration: string | undefined
  readonly stored: Omit<Stored, 'generation'> | undefined
  readonly signal: AbortSignal | undefined
}

/** Calls that wait until the test lets them go on. */
export interface Gate {
  readonly waiting: number
  /** the oldest goes on */
  one(): Promise<void>
  /** all go on, and later ones are not held */
  open(): Promise<void>
}

type Answer = (proceed: () => unknown, call: BackendCall) => unknown

export interface ProbedBackend extends CacheBackend {
  readonly calls: BackendCall[]
  count(operation?: Operation): number
  /** from now on the calls of these operations (all, if none is named) end as this says */
  answer(how: Answer, ...operations: Operation[]): void
  fail(error: unknown, ...operations: Operation[]): void
  hang(...operations: Operation[]): void
  heal(): void
  /** `before`: the backend has not heard of a held call yet; `after`: it has done it, and its answer is under way */
  hold(operation: Operation, when?: 'before' | 'after'): Gate
}

const ALL: readonly Operation[] = ['get', 'getMany', 'set', 'delete', 'deletePrefix']

/** Everything that waits on promises alone goes as far as it can. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

function gate(when: 'before' | 'after', done: () => void): { gate: Gate; answer: Answer } {
  const held: (() => void)[] = []
  const wait = () => new Promise<void>((resolve) => held.push(resolve))
  return {
    gate: {
      get waiting() {
        return held.length
      },
      async one() {
        held.shift()?.()
        await settle()
      },
      async open() {
        done()
        for (const release of held.splice(0)) release()
        await settle()
      },
    },
    async answer(proceed) {
      if (when === 'before') {
        await wait()
        return proceed()
      }
      const answer = await proceed()
      await wait()
      return answer
    },
  }
}

/** Calls go through to whatever `inner` gives at that time, unless the test says otherwise. */
export function probedBackend(
  inner: () => CacheBackend,
  { withMany = true, coordinator }: { withMany?: boolean; coordinator?: Coordinator | undefined } = {},
): ProbedBackend {
  const calls: BackendCall[] = []
  const answers = new Map<Operation, Answer>()
  const pass = <T>(call: BackendCall, proceed: () => T): T => {
    calls.push(call)
    const answer = answers.get(call.operation)
    return (answer ? answer(proceed, call) : proceed()) as T
  }
  const call = (operation: Operation, key: string, more: Partial<BackendCall> = {}): BackendCall => ({
    operation,
    key,
    keys: [key],
    ifGeneration: undefined,
    stored: undefined,
    signal: undefined,
    ...more,
  })
  return {
    name: 'probed',
    ...(coordinator && { coordinator }),
    calls,
    count: (operation) => calls.filter((each) => operation === undefined || each.operation === operation).length,
    answer(how, ...operations) {
      for (const operation of operations.length ? operations : ALL) answers.set(operation, how)
    },
    fail(error, ...operations) {
      this.answer(() => Promise.reject(error), ...operations)
    },
    hang(...operations) {
      this.answer(() => new Promise(() => {}), ...operations)
    },
    heal: () => answers.clear(),
    hold(operation, when = 'before') {
      const { gate: held, answer } = gate(when, () => answers.delete(operation))
      answers.set(operation, answer)
      return held
    },
    get: (key, signal) => pass(call('get', key, { signal }), () => inner().get(key, signal)),
    ...(withMany && {
      getMany: (keys: readonly string[], signal?: AbortSignal): Promise<readonly Lookup[]> =>
        pass(call('getMany', keys[0] ?? '', { keys, signal }), async () => {
          const store = inner()
          return store.getMany ? store.getMany(keys, signal) : Promise.all(keys.map((key) => store.get(key, signal)))
        }),
    }),
    set: (key, stored, options) =>
      pass(call('set', key, { stored, ...options }), () => inner().set(key, stored, options)),
    delete: (key, options) => pass(call('delete', key, options), () => inner().delete(key, options)),
    deletePrefix: (prefix, signal) =>
      pass(call('deletePrefix', prefix, { signal }), () => inner().deletePrefix(prefix, signal)),
  }
}
