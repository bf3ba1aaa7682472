/** One type, defined once, under a namespace for each tenant. */
import { CacheRegistry, type CacheStats, type KeyedCache, type PerCallKeyedCache } from 'evercurrent'

interface Config {
  readonly plan: string
}

const registry = new CacheRegistry({ maxBytes: 64 << 20, namespace: ['app', 'eu'] })
const configs = registry.define({
  type: 'config',
  version: 2,
  ttl: '5m',
  sizeOf: ({ plan }) => 2 * plan.length,
  fetch: async (name: string): Promise<Config> => ({ plan: name }),
})
export const typed: KeyedCache<string, Config> = configs
export const forTenant = (tenant: string): KeyedCache<string, Config> => configs.namespace(tenant)
export const nested: KeyedCache<string, Config> = forTenant('acme').namespace('staging')
export const withoutFetch: PerCallKeyedCache<string, Config> = configs

export async function drop(tenant: string): Promise<CacheStats> {
  await registry.namespace(tenant).clear()
  return registry.stats()
}

export function describe(): string[] {
  return [...registry.inspect()].map(
    ({ type, key, status, freshness }) => `${type} ${key.join()} ${status} ${freshness}`,
  )
}

registry.on((event) => {
  if (event.kind === 'fetch-failed') console.log(event.type, event.key?.join(), event.error)
})

export async function scoped(): Promise<void> {
  await using own = new CacheRegistry()
  await own.flush()
}

// @ts-expect-error a namespace is a name: one tenant
configs.namespace(['acme', 'staging'])
// @ts-expect-error an option of a registry that does not exist
new CacheRegistry({ maxEntires: 1 })
// @ts-expect-error a number of entries, not a text
new CacheRegistry({ maxEntries: '100' })
// @ts-expect-error what lives how long is decided by a type, not by the registry
new CacheRegistry({ ttl: '5m' })
