/** What the examples in README.md, docs/ and the doc comments take for granted: a source of each kind, and a cache. */
import { BackgroundCache, CacheRegistry } from 'evercurrent'

export interface Token {
  readonly secret: string
  readonly expiresIn: number
}

/** Answers `data:` URLs as they say, and everything else with an ETag that then matches for ever. */
const fetchSomething = async (url: string, init: RequestInit = {}): Promise<Response> => {
  if (url.startsWith('data:')) return globalThis.fetch(url, init)
  const known = new Headers(init.headers).get('if-none-match') === '"1"'
  return known ? new Response(null, { status: 304 }) : new Response('{}', { headers: { etag: '"1"' } })
}

/** A global `fetch` for snippets that send by themselves: an issuer, an API that takes its tokens, and `data:` URLs. */
export const tokenWorld =
  (platform: typeof fetch): typeof fetch =>
  async (input, init) => {
    const url = String(input)
    if (url === 'https://issuer.example/token') return Response.json({ access_token: 'a', expires_in: 3600 })
    if (url.startsWith('https://api.example/')) {
      const authorized = new Headers(init?.headers).get('authorization') === 'Bearer a'
      return new Response('{}', { status: authorized ? 200 : 401 })
    }
    if (url.startsWith('data:')) return platform(input, init)
    throw new TypeError(`no snippet may ask ${url}`)
  }

/** The same names and fresh caches for every snippet. */
export function snippetWorld() {
  const describeTable = async (_table: string, _signal: AbortSignal) => ['id', 'placed_at']
  const known = new Map([
    ['orders', ['id', 'placed_at']],
    ['customers', ['id', 'email']],
  ])
  const describeTables = async (tables: readonly string[], _signal: AbortSignal) =>
    new Map([...known].filter(([table]) => tables.includes(table)))
  const registry = new CacheRegistry()
  return {
    fetch: fetchSomething,
    describeTables,
    registry,
    schemas: registry.define({
      type: 'schema',
      ttl: '30s',
      fetchMany: (tables: readonly string[], { signal }) => describeTables(tables, signal),
    }),
    describeTable,
    describe: describeTable,
    requestToken: async (_signal: AbortSignal): Promise<Token> => ({ secret: 's', expiresIn: 3600 }),
    settings: new BackgroundCache({ ttl: '30s', name: 'settings', fetch: () => ({ theme: 'dark' }) }),
    config: new BackgroundCache({ ttl: '1m', fetch: () => ({ plan: 'pro' }) }),
    schema: new BackgroundCache({ ttl: '1m', fetch: () => ['id'] }),
  }
}
