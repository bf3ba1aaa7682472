/** Who is compared, in the order of the report: the files of bench/peers, and the contenders in each. */

export const files: Readonly<Record<string, readonly string[]>> = {
  evercurrent: ['evercurrent'],
  bentocache: ['bentocache', 'bentocache-waiting'],
  cachified: ['cachified'],
  'async-cache-dedupe': ['async-cache-dedupe'],
  'lru-cache': ['lru-cache'],
  'cache-manager': ['cache-manager'],
  cacheable: ['cacheable'],
  'layered-loader': ['layered-loader', 'layered-loader-tiers'],
  tanstack: ['tanstack', 'tanstack-cancelling'],
  memoizee: ['memoizee'],
  'p-memoize': ['p-memoize'],
  jose: ['jose'],
  'azure-cycler': ['azure-cycler'],
  'aws-memoize': ['aws-memoize'],
  'google-auth': ['google-auth'],
}
