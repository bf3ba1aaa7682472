/** Where the values of a registry rest: one row each, in columns, in the order in which they were last used. */

import type { Entry } from '../policy/lifetime.ts'
import type { KeyId } from './key.ts'

/** Rows are numbered from 1, so that a sign can be given to every one. */
export type Row = number

const withPromises = 16_384
const smallRegistry = 4096
const sampled = 2048

/** As objects with as many numbers they would take more memory, and a collector of garbage would walk every one of them. */
export class Rows {
  readonly #sized: boolean
  ids: KeyId[] = []
  values: unknown[] = []
  /** which shelf a row belongs to */
  owner = new Uint32Array(0)
  /**
   * Four numbers of each row side by side, since a read among a million waits for memory more than for anything else:
   * when it was fetched, from when it ages, when it expires, and the number of its last use (`Infinity` for rows that
   * must not be evicted, or hold nothing).
   */
  #numbers = new Float64Array(0)
  /** only where some value has jitter */
  #refreshAt: Float64Array | undefined
  /** only where sizes are asked for */
  #bytes = new Float32Array(0)
  #uses = 0
  /** those not used for longest when they were looked for, the oldest last */
  #oldest: { readonly row: Row; readonly used: number }[] = []
  readonly #free: Row[] = []
  #made = 1
  /** resolved promises of the values in the first rows, once read: most registries are small, and a read allocates none */
  promises: (Promise<unknown> | undefined)[] = []
  count = 0
  /** those that may be evicted */
  #idle = 0
  bytes = 0

  constructor(sized: boolean) {
    this.#sized = sized
    this.#grow(64)
  }

  /** A row that must not be evicted yet, for a value that is about to be written. */
  take(owner: number, id: KeyId): Row {
    const row = this.#free.pop() ?? this.#made++
    if (row >= this.ids.length) this.#grow(row * 2)
    this.ids[row] = id
    this.owner[row] = owner
    this.count++
    return row
  }

  write(row: Row, { value, fetchedAt, agingAt, expiresAt, refreshAt }: Entry<unknown>, bytes: number): void {
    this.#forgetPromise(row)
    this.values[row] = value
    this.#numbers[row * 4] = fetchedAt
    this.#numbers[row * 4 + 1] = agingAt
    this.#numbers[row * 4 + 2] = expiresAt
    if (refreshAt !== undefined) this.#refreshAt ??= new Float64Array(this.ids.length).fill(NaN)
    if (this.#refreshAt) this.#refreshAt[row] = refreshAt ?? NaN
    if (!this.#sized) return
    this.bytes += Math.fround(bytes) - (this.#bytes[row] as number)
    this.#bytes[row] = bytes
  }

  agingAt(row: Row): number {
    return this.#numbers[row * 4 + 1] as number
  }

  expiresAt(row: Row): number {
    return this.#numbers[row * 4 + 2] as number
  }

  #used(row: Row): number {
    return this.#numbers[row * 4 + 3] as number
  }

  /** The value of a row as a promise, kept where promises are. */
  promiseOf(row: Row, value: unknown): Promise<unknown> {
    const promise = Promise.resolve(value)
    if (row < this.promises.length) this.promises[row] = promise
    return promise
  }

  #forgetPromise(row: Row): void {
    if (row < this.promises.length) this.promises[row] = undefined
  }

  bytesAt(row: Row): number {
    return this.#bytes[row] ?? 0
  }

  entryAt<V>(row: Row): Entry<V> {
    const [fetchedAt, agingAt, expiresAt] = this.#numbers.subarray(row * 4, row * 4 + 3)
    const refreshAt = this.#refreshAt?.[row] ?? NaN
    const entry = { value: this.values[row], fetchedAt, agingAt, expiresAt } as Entry<V>
    return Number.isNaN(refreshAt) ? entry : { ...entry, refreshAt }
  }

  /** Gives a row back. What it held may be a secret: nothing is kept. */
  drop(row: Row): void {
    this.leave(row)
    this.#forgetPromise(row)
    this.values[row] = undefined
    this.ids[row] = ''
    if (this.#sized) {
      this.bytes -= this.#bytes[row] as number
      this.#bytes[row] = 0
    }
    this.#free.push(row)
    this.count--
  }

  /** It is in use no more, and was used just now. */
  rest(row: Row): void {
    if (this.#used(row) === Infinity) this.#idle++
    this.touch(row)
  }

  /** At rest, it was used just now. */
  touch(row: Row): void {
    this.#numbers[row * 4 + 3] = ++this.#uses
  }

  /** It is in use until it rests, and must not be evicted. */
  leave(row: Row): void {
    if (this.#used(row) < Infinity) this.#idle--
    this.#numbers[row * 4 + 3] = Infinity
  }

  /** The row that was not used for longest among those that may be evicted, or 0. */
  oldest(): Row {
    while (this.#idle) {
      const next = this.#oldest.pop()
      // Whatever was used since was used after all the others that were found.
      if (next && this.#used(next.row) === next.used) return next.row
      if (!next) this.#findOldest()
    }
    return 0
  }

  /**
   * Looks for some of the rows not used for longest: all of them in a small registry, about a 64th in a large one. So a
   * read pays for the order with one number, and each of many evictions with its share of a look at all of them.
   */
  #findOldest(): void {
    const among = this.#made
    const share = Math.max(smallRegistry, among / 64) / among
    let limit = Infinity
    if (share < 1) {
      const rowAt = (n: number) => 1 + Math.floor((n * (among - 1)) / sampled)
      const sample = Float64Array.from({ length: sampled }, (_, n) => this.#used(rowAt(n)))
      limit = sample.sort()[Math.ceil(share * sampled)] as number
    }
    for (let row = 1; row < among; row++) {
      const used = this.#used(row)
      if (used <= limit && used < Infinity) this.#oldest.push({ row, used })
    }
    this.#oldest.sort((a, b) => b.used - a.used)
  }

  #grow(capacity: number): void {
    const widen = <C extends Float64Array | Float32Array | Uint32Array>(
      Column: new (length: number) => C,
      old: C,
      perRow = 1,
    ) => {
      const column = new Column(capacity * perRow)
      column.set(old)
      return column
    }
    // `new Array(length)` takes just that much; pushing would take half as much again.
    const lengthen = <T>(old: readonly T[]) => {
      const column = new Array<T>(capacity)
      for (let row = 0; row < old.length; row++) column[row] = old[row] as T
      return column
    }
    this.ids = lengthen(this.ids)
    this.values = lengthen(this.values)
    if (capacity <= withPromises) this.promises = lengthen(this.promises)
    this.owner = widen(Uint32Array, this.owner)
    this.#numbers = widen(Float64Array, this.#numbers, 4).fill(Infinity, this.#numbers.length)
    if (this.#refreshAt) this.#refreshAt = widen(Float64Array, this.#refreshAt)
    if (this.#sized) this.#bytes = widen(Float32Array, this.#bytes)
  }
}
