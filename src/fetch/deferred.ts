/** A promise settled from outside, whose rejection is never "unhandled": whether anybody listens is the user's affair. */

export class Deferred<T> {
  readonly promise: Promise<T>
  resolve!: (value: T) => void
  reject!: (error: unknown) => void

  constructor() {
    this.promise = handled(
      new Promise<T>((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
      }),
    )
  }
}

/** Marks a promise as handled, so that nobody's forgetting it can end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, () => {})
  return promise
}
