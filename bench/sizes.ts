/** What one import weighs in a bundle, minified and compressed: everything a package brings with it included. */

import { bundleSize, versionOf } from './build.ts'
import type { Bar } from './measured.ts'
import { table } from './table.ts'

/** What a program has to import for one cache that loads. */
const imports: readonly (readonly [name: string, source: string])[] = [
  ['evercurrent', "export { BackgroundCache } from 'evercurrent'"],
  ['evercurrent, registry', "export { CacheRegistry } from 'evercurrent'"],
  ['cachified', "export { cachified } from '@epic-web/cachified'"],
  ['p-memoize', "export { default } from 'p-memoize'; export { default as Map } from 'expiry-map'"],
  ['cache-manager', "export { createCache } from 'cache-manager'"],
  ['layered-loader', "export { Loader } from 'layered-loader/core'"],
  ['lru-cache', "export { LRUCache } from 'lru-cache'"],
  ['tanstack', "export { QueryClient } from '@tanstack/query-core'"],
  ['tanstack-observer', "export { QueryClient, QueryObserver } from '@tanstack/query-core'"],
  ['memoizee', "export { default } from 'memoizee'"],
  ['async-cache-dedupe', "export { createCache } from 'async-cache-dedupe'"],
  ['cacheable', "export { Cacheable } from 'cacheable'"],
  [
    'bentocache',
    "export { BentoCache, bentostore } from 'bentocache'; export { memoryDriver } from 'bentocache/drivers/memory'",
  ],
]

export interface Size {
  readonly name: string
  readonly bytes: number
}

export async function measureSizes(folder: string, withPeers: boolean): Promise<Size[]> {
  const sizes: Size[] = []
  for (const [name, source] of imports) {
    if (withPeers || name.startsWith('evercurrent')) sizes.push({ name, bytes: await bundleSize(folder, source) })
  }
  return sizes
}

const budgets: Readonly<Record<string, number>> = { evercurrent: 6000, 'evercurrent, registry': 11_000 }

export const sizeBars = (sizes: readonly Size[]): Bar[] =>
  sizes.flatMap(({ name, bytes }) => {
    const budget = budgets[name]
    return budget === undefined
      ? []
      : [{ what: `Bundle of ${name}`, bar: `≤ ${budget} B`, measured: `${bytes} B`, isMet: bytes <= budget }]
  })

export const sizeSection = (sizes: readonly Size[]): string => {
  const rows = sizes.toSorted((a, b) => a.bytes - b.bytes).map(({ name, bytes }) => [name, bytes.toLocaleString('en')])
  return `### Size of a bundle, B min+gzip\n\n${table({ head: ['', 'bytes'], rows })}`
}

export const versions = (packages: readonly string[]): string =>
  packages.map((name) => `${name} ${versionOf(name)}`).join(', ')
