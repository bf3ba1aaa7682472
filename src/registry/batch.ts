/** How the fetches of several keys become one call of `fetchMany`, each with its own outcome. */

import { KeyGoneError } from '../errors.ts'
import type { FetchReason } from '../events/cache-event.ts'
import type { Fetch, FetchContext } from '../fetch/fetch.ts'
import { captureContext } from '../time/async-context.ts'
import { idOf, type KeyId } from './key.ts'
import type { Kind } from './kind.ts'

interface Request<K, V> {
  readonly key: K
  readonly context: FetchContext
  /** its reader's async context, or nobody's if it is fetched behind the readers */
  readonly run: <T>(task: () => T) => T
  readonly resolve: (value: V) => void
  readonly reject: (error: unknown) => void
}

export interface Batch<K, V> {
  /** The fetch of one key: it joins the batch, or goes alone once that was sent. */
  fetchOf(id: KeyId, key: K): Fetch<V>
  send(): void
  /** called for every key that joins before it was sent */
  boarded?: (id: KeyId) => void
}

export function openBatch<K, V>(kind: Kind<K, V>): Batch<K, V> {
  const requests = new Map<KeyId, Request<K, V>>()
  let isOpen = true
  const send = () => {
    isOpen = false
    // What was given up while it waited for company is not asked for.
    const asked = new Map([...requests].filter(([, { context }]) => !context.signal.aborted))
    requests.clear()
    if (!asked.size) return
    ask(kind, asked).catch((error: unknown) => {
      for (const { reject } of asked.values()) reject(error)
    })
  }
  const batch: Batch<K, V> = {
    send,
    fetchOf: (id, key) => (context) =>
      new Promise<V>((resolve, reject) => {
        // One that was superseded before it was sent gets what its successor gets.
        const before = requests.get(id)
        requests.set(id, {
          key,
          context,
          run: captureContext(),
          resolve(value) {
            before?.resolve(value)
            resolve(value)
          },
          reject(error) {
            before?.reject(error)
            reject(error)
          },
        })
        if (isOpen) batch.boarded?.(id)
        else send()
      }),
  }
  return batch
}

/** One call, for all of them. What it throws is every key's own failure. */
async function ask<K, V>({ type, key, fetchMany }: Kind<K, V>, requests: ReadonlyMap<KeyId, Request<K, V>>) {
  const all = [...requests.values()]
  // Who waits for one of them leads, whatever else is taken along.
  const led = (...reasons: FetchReason[]) => all.find(({ context }) => reasons.includes(context.reason))
  const { run, context } = led('first', 'refresh') ?? led('expired') ?? (all[0] as Request<K, V>)
  const { reason } = context
  // Not as arguments of one call: there may be more keys than a call can have.
  const startedAt = all.reduce((first, { context }) => Math.min(first, context.startedAt), Infinity)
  const signal = whenAllAre(all.map(({ context }) => context.signal))
  const keys = all.map((request) => request.key)
  const answer = await run(() => (fetchMany as NonNullable<typeof fetchMany>)(keys, { signal, reason, startedAt }))
  const values = new Map<KeyId, V>()
  for (const pair of pairsOf(answer, type)) values.set(idOf(key ? key(pair[0]) : pair[0]), pair[1])
  for (const [id, { resolve, reject }] of requests) {
    if (values.has(id)) resolve(values.get(id) as V)
    else reject(new KeyGoneError(`fetchMany of type '${type}' left a key out: the source has no such thing`))
  }
}

function pairsOf<K, V>(answer: Iterable<readonly [K, V]>, type: string): (readonly [K, V])[] {
  const pairs = typeof answer?.[Symbol.iterator] === 'function' ? [...answer] : undefined
  if (pairs?.every((pair) => Array.isArray(pair))) return pairs
  throw new TypeError(`fetchMany of type '${type}' has to return pairs [key, value], such as a Map`)
}

/** Aborted once nobody wants any of it. */
function whenAllAre(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let wanted = signals.length
  for (const signal of signals) {
    signal.addEventListener('abort', () => {
      wanted--
      if (!wanted) controller.abort(signal.reason)
    })
  }
  return controller.signal
}

/** How long a key whose refresh nobody waits for may wait for others that are due as well. */
export const companyWithin = 50

/**
 * The fetch of single keys of a type that has only `fetchMany`: at once for who waits; a refresh ahead of time takes
 * those along that are due in the same turn or, by timer, within a moment.
 */
export function fetchAlone<K, V>(
  kind: Kind<K, V>,
  soon: (ms: number, task: () => void) => void,
): (id: KeyId, key: K) => Fetch<V> {
  let company: Batch<K, V> | undefined
  const join = (ms: number | undefined) => {
    const isFirst = !company
    company ??= openBatch(kind)
    const batch = company
    const leave = () => {
      if (company !== batch) return
      company = undefined
      batch.send()
    }
    // Who is in a hurry takes those along who had time.
    if (ms === undefined) queueMicrotask(leave)
    else if (isFirst) soon(ms, leave)
    return batch
  }
  return (id, key) => (context, previous) => {
    const { reason } = context
    const ahead = reason === 'aging' || reason === 'keep-fresh'
    const hasTime = reason === 'keep-fresh' && previous && context.startedAt < previous.expiresAt
    const batch = ahead ? join(hasTime ? companyWithin : undefined) : openBatch(kind)
    const result = batch.fetchOf(id, key)(context, previous)
    if (!ahead) batch.send()
    return result
  }
}
