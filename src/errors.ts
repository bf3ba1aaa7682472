/** The errors callers branch on: one base, one literal code each, recognised across copies of the package. */

/** ESM and CommonJS copies have classes of their own, so `instanceof` compares the code behind this, not the class. */
const brand: unique symbol = Symbol.for('evercurrent.error') as never

/**
 * The base of every error this package defines. Errors of a fetch are never wrapped in one.
 *
 * `instanceof` also recognises errors made by another copy of the package (ESM beside CommonJS, a second version).
 */
export abstract class CacheError extends Error {
  abstract readonly code: string

  get [brand](): string {
    return this.code
  }

  static override [Symbol.hasInstance](this: { readonly prototype: object; readonly code?: string }, value: unknown) {
    const code = (Object(value) as { readonly [brand]?: string })[brand]
    if (this === CacheError) return !!code
    return Object.hasOwn(this, 'code') ? code === this.code : Function.prototype[Symbol.hasInstance].call(this, value)
  }
}

/** A fetch took longer than `fetchTimeout`: it was aborted, and a late result is dropped. */
export class FetchTimeoutError extends CacheError {
  static readonly code = 'FETCH_TIMEOUT'
  override readonly code = 'FETCH_TIMEOUT'
  override readonly name = 'FetchTimeoutError'
}

/** A reader's own `maxWait` ran out and no stale value may serve. The fetch goes on. */
export class WaitTimeoutError extends CacheError {
  static readonly code = 'WAIT_TIMEOUT'
  override readonly code = 'WAIT_TIMEOUT'
  override readonly name = 'WaitTimeoutError'
}

/** The cache was disposed: nothing can be read from it or written to it. */
export class CacheDisposedError extends CacheError {
  static readonly code = 'DISPOSED'
  override readonly code = 'DISPOSED'
  override readonly name = 'CacheDisposedError'
}

/** A value was rejected right after the one before it was, so the next fetch waits for the cool-down. */
export class ValueRejectedError extends CacheError {
  static readonly code = 'VALUE_REJECTED'
  override readonly code = 'VALUE_REJECTED'
  override readonly name = 'ValueRejectedError'
}

/** `fetchMany` answered without this key: the source says that there is no such thing. */
export class KeyGoneError extends CacheError {
  static readonly code = 'GONE'
  override readonly code = 'GONE'
  override readonly name = 'KeyGoneError'
}

/** Some keys of a `getMany()` failed. Those that did not are in `values`. */
export class BatchError<K = unknown, V = unknown> extends CacheError {
  static readonly code = 'BATCH'
  override readonly code = 'BATCH'
  override readonly name = 'BatchError'
  readonly errors: ReadonlyMap<K, unknown>
  /** not shown when the error is printed: values may be secrets */
  declare readonly values: ReadonlyMap<K, V>

  constructor(errors: ReadonlyMap<K, unknown>, values: ReadonlyMap<K, V>) {
    super(`${errors.size} of ${errors.size + values.size} keys failed: see errors, and values for the others`)
    this.errors = errors
    Object.defineProperty(this, 'values', { value: values })
  }
}

/** A storage tier did not do what it was asked to. */
export class BackendError extends CacheError {
  static readonly code = 'BACKEND'
  override readonly code = 'BACKEND'
  override readonly name = 'BackendError'
  /** which call of the backend, such as `set` */
  readonly operation: string
  /** `unreachable`: no answer in time, or none is expected; `refused`: the key had moved on */
  readonly reason: 'full' | 'unreachable' | 'refused' | 'failed'

  constructor(
    message: string,
    options: {
      readonly operation: string
      readonly reason: 'full' | 'unreachable' | 'refused' | 'failed'
      readonly cause?: unknown
    },
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.operation = options.operation
    this.reason = options.reason
  }
}

/** One thing a schema found wrong. Its message is left out on purpose: it may quote the value. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly code?: string
}

/** A fetch resolved to something that cannot be kept: `undefined`, already expired, or refused by the schema. */
export class InvalidValueError extends CacheError {
  static readonly code = 'INVALID_VALUE'
  override readonly code = 'INVALID_VALUE'
  override readonly name = 'InvalidValueError'
  readonly issues: readonly Issue[]

  constructor(message: string, issues: readonly Issue[] = []) {
    super(message)
    this.issues = issues
  }
}
