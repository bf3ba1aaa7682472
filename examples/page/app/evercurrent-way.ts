/** The readers' values kept by evercurrent: one registry, a type for each kind of value. */

import { CacheRegistry, type FetchContext } from 'evercurrent'
import { browserBackend } from 'evercurrent/backend/browser'
import { jsonCodec } from 'evercurrent/codec'
import type { AccessToken } from 'evercurrent/oauth'
import type { TableDescription } from '../../postgres/describe-table.ts'
import type { Config } from '../backstage.ts'
import { lifetimes, type Subject, subjectOf, type Value } from './subjects.ts'
import { type Answer, fetchTimeout, type Way } from './way.ts'

/** A second or so between attempts, so that one sees them. */
const policy = { fetchTimeout, backoff: { base: 500, max: 4_000 } } as const

const asking =
  <V extends Value>(type: Subject['type']) =>
  (key: string, { signal }: FetchContext) =>
    subjectOf(type, key).ask(signal) as Promise<V>

export function evercurrentWay(): Way {
  // What has a codec is shared with the other tabs: one of them fetches for all.
  const registry = new CacheRegistry({ backend: browserBackend({ database: 'evercurrent-page' }) })
  const caches = {
    table: registry.define<TableDescription>({
      ...policy,
      type: 'table',
      ttl: lifetimes.table,
      refreshWindow: lifetimes.table / 2,
      staleIfError: '10m',
      equals: (next, held) => JSON.stringify(next) === JSON.stringify(held),
      codec: jsonCodec<TableDescription>(),
      fetch: asking<TableDescription>('table'),
    }),
    // An expired token serves nobody: its API refuses it. So this type has no staleIfError; and no codec, since a token
    // does not belong on a disk: each tab has its own.
    token: registry.define<AccessToken>({
      ...policy,
      type: 'token',
      expiresAt: ({ expiresIn = 0 }, fetchedAt) => fetchedAt + expiresIn * 1000,
      fetch: asking<AccessToken>('token'),
    }),
    config: registry.define<Config>({
      ...policy,
      type: 'config',
      ttl: lifetimes.config,
      refreshWindow: lifetimes.config / 2,
      staleIfError: '10m',
      equals: (next, held) => next.revision === held.revision && next.greeting === held.greeting,
      codec: jsonCodec<Config>(),
      fetch: asking<Config>('config'),
    }),
  }
  return {
    source: registry,
    async read({ type, key }): Promise<Answer> {
      const entry = caches[type].entry(key)
      const { freshness } = entry.inspect()
      const { value, from, stale } = await entry.read()
      if (stale) return { value, served: 'stale' }
      const wasHeld = from === 'memory' && (freshness === 'fresh' || freshness === 'aging')
      return { value, served: wasHeld ? freshness : 'waited' }
    },
    invalidate: ({ type, key }) => caches[type].invalidate(key),
    reject: ({ key }, value) => caches.token.invalidate(key, { ifValue: value as AccessToken }),
    write: ({ key }, value) => caches.config.set(key, value),
    end: () => void registry.dispose(),
  }
}
