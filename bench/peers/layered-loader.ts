/** layered-loader, in memory alone and with a second tier, as the comparison uses it. */

import { type Cache, Loader } from 'layered-loader/core'
import { type Contender, minute, type Wish } from '../compare/contender.ts'

const key = 'k'
const logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
const ignore = () => {}

/** A tier that answers at once and holds what it was told for a minute, as Redis would. */
class Tier implements Cache<string> {
  readonly name = 'tier'
  readonly isCache = true
  readonly ttlLeftBeforeRefreshInMsecs = 20_000
  readonly #entries = new Map<string, { readonly value: string | null; readonly expiresAt: number }>()
  readonly expirationTimeLoadingOperation = {
    get: async (at: string) => this.#fresh(at)?.expiresAt,
  } as Cache<string>['expirationTimeLoadingOperation']

  #fresh(at: string) {
    const entry = this.#entries.get(at)
    return entry && entry.expiresAt > Date.now() ? entry : undefined
  }
  async getExpirationTime(at: string) {
    return this.#fresh(at)?.expiresAt
  }
  async get(at: string) {
    return this.#fresh(at)?.value
  }
  async getMany(keys: string[]) {
    const found = keys.flatMap((at) => this.#fresh(at)?.value ?? [])
    return { resolvedValues: found, unresolvedKeys: keys.filter((at) => !this.#fresh(at)) }
  }
  async set(at: string, value: string | null) {
    this.#entries.set(at, { value, expiresAt: Date.now() + 60_000 })
  }
  async setMany(entries: readonly { readonly key: string; readonly value: string | null }[]) {
    for (const entry of entries) await this.set(entry.key, entry.value)
  }
  async delete(at: string) {
    this.#entries.delete(at)
  }
  async deleteMany(keys: string[]) {
    for (const at of keys) this.#entries.delete(at)
  }
  async clear() {
    this.#entries.clear()
  }
  async close() {}
}

/** With a tier, half of the lifetime is spent in memory: what the other half began there ends here. */
const open = (
  load: (key: string) => Promise<string>,
  { ttl, due }: Wish,
  maxItems: number,
  asyncCache: Tier | undefined,
) =>
  new Loader<string>({
    inMemoryCache: {
      ttlInMsecs: asyncCache ? ttl / 2 : ttl,
      ttlLeftBeforeRefreshInMsecs: ttl - due,
      cacheId: 'values',
      maxItems,
    },
    ...(asyncCache && { asyncCache }),
    dataSourceGetOneFn: load,
    logger,
    loadErrorHandler: ignore,
    cacheUpdateErrorHandler: ignore,
  })

function contender(name: string, makeTier: () => Tier | undefined, what: string): Contender {
  return {
    name,
    packages: ['layered-loader'],
    configuration: what,
    promises:
      'A refresh ahead of the expiry. No stale values after it, no marking as out of date. Asks for Node 22; it runs here, with what it needs.',
    ages: { due: 45_000, expired: 61_000 },
    start(load, wish = minute) {
      const asyncCache = makeTier()
      const loader = open(load, wish, 10, asyncCache)
      return {
        read: () => loader.get(key),
        peek: () => (asyncCache ? asyncCache.get(key) : loader.getInMemoryOnly(key)),
        invalidate: () => loader.invalidateCacheFor(key),
        set: (value) => loader.forceSetValue(key, value),
        refresh: () => loader.forceRefresh(key),
      }
    },
    startMany(load, wish, max) {
      const loader = open(load, wish, max, makeTier())
      return { read: (at) => loader.get(at), peek: (at) => loader.getInMemoryOnly(at) }
    },
  }
}

export const contenders: readonly Contender[] = [
  contender(
    'layered-loader',
    () => undefined,
    '`inMemoryCache` with `ttlInMsecs` 1 min, `ttlLeftBeforeRefreshInMsecs` 20 s',
  ),
  contender(
    'layered-loader-tiers',
    () => new Tier(),
    '`inMemoryCache` with `ttlInMsecs` 30 s; an `asyncCache` (a map that answers at once) with 1 min; `ttlLeftBeforeRefreshInMsecs` 20 s',
  ),
]
