/** What a call may be given: arguments are checked before anything is done, and refused by name. */

import type { Fetch } from '../fetch/fetch.ts'
import { checkKeys, checkType } from '../policy/check.ts'
import { toEpoch, toMilliseconds } from '../time/duration.ts'
import { kindOf, received } from '../time/received.ts'

/** The arguments of one read. */
export interface ReadRequest<V> {
  readonly fetch: Fetch<V> | undefined
  readonly signal: AbortSignal | undefined
  readonly maxWait: number | undefined
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
}

/** The arguments of one refresh. */
export interface RefreshRequest<V> {
  readonly fetch: Fetch<V> | undefined
  readonly ifOlderThan: number | undefined
}

type Call = 'get()' | 'read()' | 'refresh()'

/** A fetch or options: `hasOwn` says whether the cache could fetch without one. */
function fetchAndOptions<V>(call: Call, argument: unknown, known: readonly string[], hasOwn: boolean) {
  if (argument !== undefined && typeof argument !== 'function') checkKeys(call, argument, known)
  const options = (typeof argument === 'function' ? { fetch: argument } : (argument ?? {})) as Record<string, unknown>
  checkType('fetch', options['fetch'], 'function')
  if (!hasOwn && options['fetch'] === undefined) {
    throw new TypeError(
      `Cannot call ${call}: this cache has no fetch of its own, so every call needs one: received none`,
    )
  }
  return options as Record<string, unknown> & { readonly fetch?: Fetch<V> }
}

export function readRequest<V>(call: 'get()' | 'read()', argument: unknown, hasOwn: boolean): ReadRequest<V> {
  const options = fetchAndOptions<V>(call, argument, ['fetch', 'signal', 'maxWait', 'waitUntil'], hasOwn)
  const { signal, maxWait, waitUntil } = options
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function') {
    throw new TypeError(`Cannot use signal: not an AbortSignal: received ${received(signal)}`)
  }
  checkType('waitUntil', waitUntil, 'function')
  return {
    fetch: options.fetch,
    signal: signal as AbortSignal | undefined,
    maxWait: maxWait === undefined ? undefined : toMilliseconds('maxWait', maxWait, 0),
    waitUntil: waitUntil as ReadRequest<V>['waitUntil'],
  }
}

export function refreshRequest<V>(argument: unknown, hasOwn: boolean): RefreshRequest<V> {
  const options = fetchAndOptions<V>('refresh()', argument, ['fetch', 'ifOlderThan'], hasOwn)
  const { ifOlderThan } = options
  return {
    fetch: options.fetch,
    ifOlderThan: ifOlderThan === undefined ? undefined : toMilliseconds('ifOlderThan', ifOlderThan, 0),
  }
}

/** The options of `set` and `seed`: instants, in epoch milliseconds. */
export function instants<K extends string>(
  call: string,
  options: unknown,
  known: readonly K[],
): Partial<Record<K, number>> {
  const result: Partial<Record<K, number>> = {}
  if (options === undefined) return result
  checkKeys(call, options, known)
  for (const name of known) {
    const instant = (options as Record<string, unknown>)[name]
    if (instant !== undefined) result[name] = toEpoch(name, instant)
  }
  return result
}

/** Whether `invalidate` was given a condition. */
export function isConditional<V>(condition: unknown): condition is { readonly ifValue: V } {
  if (condition === undefined) return false
  checkKeys('invalidate()', condition, ['ifValue'])
  if (!('ifValue' in (condition as object))) {
    throw new TypeError('Cannot call invalidate(): its condition lacks ifValue: received an empty object')
  }
  return true
}

export function checkListener(call: string, listener: unknown): void {
  if (typeof listener === 'function') return
  throw new TypeError(`Cannot call ${call}: the listener is not a function: received ${kindOf(listener)}`)
}
