/** What writing from outside does to a value: checked first, then one input of the state machine. */

import { freezeDeep } from '../policy/freeze.ts'
import { type Entry, explainExpired, makeEntry, ownExpiryOf } from '../policy/lifetime.ts'
import { checkOptions, instant, refuse } from '../policy/options.ts'
import type { Cell } from './cell.ts'
import type { Setting } from './setting.ts'

/** What is written to: a cell, or a value at rest in a registry. */
export type Written<V> = Pick<Cell<V>, 'state' | 'apply' | 'seed' | 'readingOf' | 'disposedError'>

export type Writer<V> = ReturnType<typeof createWriter<V>>

export function createWriter<V>(
  { policy, timeline, draw }: Pick<Setting<V>, 'policy' | 'timeline' | 'draw'>,
  cell: Written<V>,
) {
  const { checkedNow, fromEpoch } = timeline
  const isDisposed = () => cell.state().kind === 'disposed'

  /** A value given from outside, as an entry that counts from `fetchedEpoch`, or from now if that is later. */
  const arrival = (call: string, value: V, fetchedEpoch: number, expiresAt: number | undefined) => {
    if (value === undefined || typeof (value as { then?: unknown } | null)?.then === 'function') {
      refuse(`the value of ${call}`, 'neither undefined nor a promise', value)
    }
    const now = checkedNow()
    const fetchedAt = Math.floor(Math.min(now, fromEpoch(fetchedEpoch)))
    const ownExpiry = ownExpiryOf(policy, timeline, value, fetchedAt, expiresAt)
    if (policy.freeze) freezeDeep(value)
    const entry = makeEntry(policy, value, { fetchedAt, arrivedAt: now, ownExpiry, draw })
    return { now, ownExpiry, entry }
  }

  /** What `set()` would write, once it was checked. */
  const prepare = (value: V, options: unknown = {}): Entry<V> => {
    const { expiresAt } = checkOptions('set()', options, { expiresAt: instant })
    if (isDisposed()) throw cell.disposedError()
    const { entry, now, ownExpiry } = arrival('set()', value, Infinity, expiresAt)
    if (ownExpiry <= now) throw new RangeError(`Cannot set a value: ${explainExpired(timeline, ownExpiry, now)}`)
    return entry
  }
  const accept = (entry: Entry<V>): void => {
    cell.apply({ type: 'set', entry, now: checkedNow() }, { reading: cell.readingOf(entry, 'memory', false) })
  }

  return {
    prepare,
    accept,
    set: (value: V, options?: unknown): void => accept(prepare(value, options)),

    seed(value: V, options: unknown = {}): boolean {
      const rules = { fetchedAt: instant, expiresAt: instant }
      const { fetchedAt = Infinity, expiresAt } = checkOptions('seed()', options, rules)
      if (isDisposed()) return false
      const { entry, now } = arrival('seed()', value, fetchedAt, expiresAt)
      return cell.seed(entry, now)
    },

    invalidate(condition?: unknown): boolean {
      const now = checkedNow()
      if (condition !== undefined) {
        const { ifValue } = checkOptions('invalidate()', condition, { ifValue: (_, value) => value as V })
        if (!Object.keys(condition as object).length) refuse('invalidate()', '{ ifValue } or nothing', condition)
        return cell.apply({ type: 'reject', value: ifValue as V, draw: draw(), now })
      }
      const { kind } = cell.state()
      return cell.apply({ type: 'invalidate', now }) && kind !== 'empty'
    },

    expire(): void {
      cell.apply({ type: 'expire', now: checkedNow() })
    },
  }
}
