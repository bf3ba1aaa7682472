/** Signals made from streams: one that may have no value yet, and one that always has a snapshot. */
import { BackgroundCache } from 'evercurrent'
import { snapshots$, values$ } from 'evercurrent/rxjs'
import type { Observable } from 'rxjs'

type Signal<T> = () => T
declare function toSignal<T>(source: Observable<T>): Signal<T | undefined>
declare function toSignal<T>(source: Observable<T>, options: { requireSync: true }): Signal<T>

const cache = new BackgroundCache({ ttl: '1m', fetch: async () => ({ n: 1 }) })
export const value: Signal<{ n: number } | undefined> = toSignal(values$(cache))
export const snapshot = toSignal(snapshots$(cache), { requireSync: true })
export const n: number | undefined = snapshot().value?.n
