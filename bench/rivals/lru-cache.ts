/** lru-cache, configured as favourably as it allows for one value that expires: everything optional is left out. */

/** The part of it that is measured. Its own types are absent where bench/node_modules is not installed. */
export interface Lru<T> {
  get(key: string): T | undefined
  fetch(key: string): Promise<T | undefined>
  set(key: string, value: T): unknown
}

interface Options<T> {
  readonly max: number
  readonly ttl: number
  readonly allowStale: boolean
  readonly maxSize?: number
  readonly sizeCalculation?: () => number
  readonly fetchMethod: () => T | Promise<T>
}

interface Module {
  readonly LRUCache: new <T>(options: Options<T>) => Lru<T>
}

/** Not a literal, so that neither the compiler nor the bundler looks for it: Node does, and finds the published file. */
export const packageName: string = 'lru-cache'

export const key = 'orders'

/** Returns what makes caches, and counts the fetches of each. */
export async function lruCaches() {
  const { LRUCache }: Module = await import(packageName)
  return <T>(ttl: number, fetch: () => T | Promise<T>) => {
    let fetches = 0
    const cache = new LRUCache<T>({
      // One entry: its arrays have the length 1.
      max: 1,
      ttl,
      // An expired value is served while its successor is fetched: the nearest it has to a refresh behind the readers.
      // There is no window in which it fetches ahead, and nothing bounds how old such a value gets.
      allowStale: true,
      // ttlResolution stays 1 (ms), its default: it asks the clock, keeps the time in a field, and a timer empties that.
      // updateAgeOnGet, ttlAutopurge, dispose, size limits and status objects stay off: each costs something per read.
      fetchMethod() {
        fetches++
        return fetch()
      },
    })
    return { cache, fetches: () => fetches }
  }
}

/** One cache of many values, as the registry holds them: bounded, with an expiry and a size each. */
export async function manyLru<T>(max: number, ttl: number): Promise<Lru<T>> {
  const { LRUCache }: Module = await import(packageName)
  const fetchMethod = () => {
    throw new Error('A fresh value was fetched again')
  }
  return new LRUCache<T>({ max, ttl, allowStale: true, maxSize: 2 ** 40, sizeCalculation: () => 100, fetchMethod })
}
