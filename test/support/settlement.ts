/** Tells whether a promise has settled, and how, without waiting for it. */
export interface Settlement<T> {
  state: 'pending' | 'fulfilled' | 'rejected'
  value: T | undefined
  error: unknown
}

export function settlement<T>(promise: PromiseLike<T>): Settlement<T> {
  const watched: Settlement<T> = { state: 'pending', value: undefined, error: undefined }
  promise.then(
    (value) => Object.assign(watched, { state: 'fulfilled', value }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  )
  return watched
}
