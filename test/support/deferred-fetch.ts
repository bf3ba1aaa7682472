/** A fetch whose calls are settled by the test, in any order. */

import type { Fetch, FetchContext, Held, NotModified } from 'evercurrent'

export interface DeferredCall<V> {
  readonly context: FetchContext
  readonly previous: Held<V> | undefined
  readonly resolve: (value: V | NotModified) => void
  readonly reject: (error: unknown) => void
  readonly settled: boolean
}

export type DeferredFetch<V> = Fetch<V> & { readonly calls: DeferredCall<V>[] }

/** A fetch that settles only when the test says so; `calls` holds one entry per call, in call order. */
export function deferredFetch<V>(): DeferredFetch<V> {
  const calls: DeferredCall<V>[] = []
  const fetch: Fetch<V> = (context, previous) =>
    new Promise<V | NotModified>((resolve, reject) => {
      let settled = false
      calls.push({
        context,
        previous,
        resolve: (value) => {
          settled = true
          resolve(value)
        },
        reject: (error) => {
          settled = true
          reject(error)
        },
        get settled() {
          return settled
        },
      })
    })
  return Object.assign(fetch, { calls })
}
