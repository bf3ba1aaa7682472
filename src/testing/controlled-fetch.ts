/** A fetch whose calls wait until the test says how they end. */

import type { Fetch, FetchContext, Held } from '../fetch/fetch.ts'

/** Settles its calls oldest first, and lets everything that follows from that happen. */
export interface ControlledFetch<V> {
  (context: FetchContext, previous: Held<V> | undefined): Promise<V>
  /** how often it was called */
  readonly calls: number
  /** how many calls have not been settled */
  readonly pending: number
  /** Resolves the oldest pending call. Throws when there is none. */
  resolve(value: V): Promise<void>
  /** Rejects the oldest pending call. Throws when there is none. */
  reject(error: unknown): Promise<void>
}

/**
 * A fetch for the `fetch` option.
 *
 * @example
 * ```ts
 * const fetch = controlledFetch<string>()
 * const cache = new BackgroundCache({ ttl: '30s', fetch })
 * const first = cache.get()
 * await fetch.resolve('a')
 * await first // 'a'
 * ```
 */
export function controlledFetch<V>(): ControlledFetch<V> {
  const pending: { resolve(value: V): void; reject(error: unknown): void }[] = []
  let calls = 0
  const fetch: Fetch<V> = () => {
    calls++
    return new Promise<V>((resolve, reject) => pending.push({ resolve, reject }))
  }
  const settle = async (how: 'resolve' | 'reject', outcome: never) => {
    const call = pending.shift()
    if (!call) throw new Error(`Cannot ${how} a fetch: none is pending (${calls} calls so far)`)
    call[how](outcome)
    await promisesSettle()
  }
  return Object.defineProperties(fetch, {
    calls: { get: () => calls },
    pending: { get: () => pending.length },
    resolve: { value: (value: V) => settle('resolve', value as never) },
    reject: { value: (error: unknown) => settle('reject', error as never) },
  }) as ControlledFetch<V>
}

/** Longer than any chain of promises between a fetch and its last waiter. */
async function promisesSettle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
