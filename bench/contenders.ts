/** Who is measured beside evercurrent, in the order of the tables, and the file of bench/peers that sets each up. */

import type { Contender } from './compare/contender.ts'

const own = {
  evercurrent: 'evercurrent',
  'evercurrent-kept-fresh': 'evercurrent',
}

const peers = {
  'lru-cache': 'lru-cache',
  'layered-loader': 'layered-loader',
  memoizee: 'memoizee',
  'p-memoize': 'p-memoize',
  'async-cache-dedupe': 'async-cache-dedupe',
  'cache-manager': 'cache-manager',
  tanstack: 'tanstack',
  'tanstack-fetch': 'tanstack',
  'tanstack-observer': 'tanstack',
  cachified: 'cachified',
  cacheable: 'cacheable',
  bentocache: 'bentocache',
  'bentocache-waiting': 'bentocache',
}

/** They hold one credential, whose lifetime its issuer decides. */
const tokens = {
  jose: 'jose',
  'azure-cycler': 'azure-cycler',
  'aws-memoize': 'aws-memoize',
  'google-auth': 'google-auth',
}

export const fileOf: Readonly<Record<string, string>> = { ...own, ...peers, ...tokens }

/** Whose speed is measured. What differs only in an outage is not measured twice. */
export const rivals: readonly string[] = Object.keys({ ...peers, ...tokens }).filter(
  (name) => name !== 'bentocache-waiting',
)

/** Who is put through the scenes, and who through that of a token. */
export const cast: readonly string[] = Object.keys({ ...own, ...peers })
export const tokenCast: readonly string[] = [
  ...Object.keys(own),
  ...Object.keys(tokens).filter((name) => name !== 'jose'),
]

/** What a file of bench/peers offers. */
export interface PeerFile {
  readonly contenders: readonly Contender[]
  readonly onlyMeasured?: readonly Contender[]
}

export function named({ contenders, onlyMeasured = [] }: PeerFile, name: string): Contender {
  const found = [...contenders, ...onlyMeasured].find((contender) => contender.name === name)
  if (!found) throw new Error(`No contender ${name}`)
  return found
}
