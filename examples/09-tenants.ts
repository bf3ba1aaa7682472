/** One type for many tenants: a namespace for each, one budget and one set of counters for all. */
import { CacheRegistry } from 'evercurrent'

/** Stands for a config service. */
const load = async (path: string): Promise<{ readonly from: string }> => {
  console.log(`  service: ${path}`)
  return { from: path }
}

const registry = new CacheRegistry({ maxEntries: 4 }) // of all tenants together
const configs = registry.define<{ readonly from: string }>({ type: 'config', ttl: '5m' })

/** What a request handler does. The fetch comes with the call, for it needs the tenant. */
async function config(tenant: string, name: string): Promise<string> {
  const own = configs.namespace(tenant) // costs little: defined once, scoped for each request
  return (await own.get(name, { fetch: (key) => load(`${tenant}/${key}`) })).from
}

const held = (): string =>
  ['acme', 'globex'].map((tenant) => `${tenant} ${[...configs.namespace(tenant).keys()]}`).join('; ')

console.log('two tenants read the same names, and never see each other’s')
for (const tenant of ['acme', 'globex']) console.log(await config(tenant, 'theme'), await config(tenant, 'limits'))
console.log(await config('acme', 'theme'), await config('globex', 'theme'))
console.log(`held: ${held()}`)

console.log('a fifth value: the one not read for longest makes room, whoever’s it is')
await config('globex', 'flags')
console.log(`held: ${held()}`)

console.log('acme is dropped, globex does not notice')
await registry.namespace('acme').clear()
console.log(`held: ${held()}`)
await config('globex', 'theme')
await config('acme', 'theme')

const { hits, misses, fetches, evictions, entries, hitRatio } = registry.stats()
console.log(`${hits} hits, ${misses} misses, ${fetches} fetches, ${evictions} evicted, ${entries} held`)
console.log(`${Math.round(hitRatio * 100)} % of the reads found a value`)
