/** What the parent of a fleet tells its processes, and what they say back, over IPC. */
import type { MemberFact } from './facts.ts'

/** Of the keys of one group a prefix drops all; their names are `group/name`. */
export const names = ['a', 'b'] as const
export const keysOf = (group: string): string[] => names.map((name) => `${group}/${name}`)
export const partsOf = (key: string): string[] => key.split('/')

/** In a full key, or a prefix of one, each part stands behind its tag and length. */
export function logicalKeys(fullKey: string): string[] {
  const [group, name] = [...fullKey.matchAll(/k\d+:([\w-]+?)(?=k\d+:|$)/g)].map((match) => match[1] ?? '')
  if (group === undefined) return []
  return name === undefined ? keysOf(group) : [`${group}/${name}`]
}

/** The generation that a prefix message is recorded under: it has none of its own, and a group sees at most one. */
export const ofPrefix = 'prefix'

export interface MemberOptions {
  readonly member: number
  readonly port: number
  readonly client: 'node-redis' | 'ioredis'
  readonly prefix: string
  readonly ttl: number
  readonly refreshWindow: number
  readonly backendDeadline: number
}

export type Order =
  | { readonly do: 'read'; readonly key: string }
  | { readonly do: 'read-steadily'; readonly key: string; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'invalidate'; readonly key: string; readonly atLeast: number }
  | { readonly do: 'prefix'; readonly group: string; readonly atLeast: Readonly<Record<string, number>> }
  | { readonly do: 'set'; readonly key: string; readonly atLeast: number }
  | { readonly do: 'observe'; readonly key: string }
  | { readonly do: 'keep-fresh'; readonly key: string }
  | { readonly do: 'forget' }

export type ToMember = { readonly id: number } & (
  | { readonly order: Order }
  | { readonly version: number }
  | { readonly failure: string }
)

export type FromMember =
  | { readonly ready: true }
  | { readonly facts: readonly MemberFact[] }
  | { readonly done: number; readonly failure?: string }
  | { readonly ask: number; readonly key: string }
