/** A result that is there at once, or comes later. */

export type Awaitable<T> = T | PromiseLike<T>
