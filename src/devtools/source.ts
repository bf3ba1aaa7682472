/** What can be looked at, a registry or one cache, and how its keys are told apart. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { KeyName } from '../registry/keyed.ts'
import type { Inspection } from '../state/snapshot.ts'

/** The part of a registry, an entry or a cache that is looked at. Anything that tells the same can be drawn too. */
export interface Source {
  on(listener: (event: CacheEvent) => void): () => void
  inspect(): Inspection | Iterable<Inspection & KeyName>
}

/** Which value something is about. A cache of one value has a name at most. */
export interface ValueName extends Partial<KeyName> {
  readonly name?: string | undefined
}

/** Those known now, one after the other, so that who looks at a million keys may stop early. */
export function inspectionsOf(source: Source): Iterable<Inspection & ValueName> {
  const inspected = source.inspect()
  return Symbol.iterator in inspected ? inspected : [inspected]
}

/** One string for each value of a source. Of a cache of one value there is one, whatever its name. */
export function idOf({ namespace = [], type, key }: ValueName): string {
  return type === undefined ? '' : JSON.stringify([type, key, ...namespace])
}

/** What a person calls it. */
export function titleOf({ namespace = [], type, key = [], name }: ValueName): string {
  if (type === undefined) return name ?? 'cache'
  return [...namespace, type, ...key].join(' / ')
}
