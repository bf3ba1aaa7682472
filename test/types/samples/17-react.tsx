/** Components that show a cache, and one key of a registry. */
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { useCache } from 'evercurrent/react'

const prices = new BackgroundCache({
  ttl: '10s',
  fetch: async ({ signal }) => (await fetch('/p', { signal })).json() as Promise<{ eur: number }>,
})
const users = new CacheRegistry().define({ type: 'user', ttl: '1m', fetch: async (id: string) => ({ id, name: id }) })
export function Price() {
  const { status, value, failure } = useCache(prices)
  if (value === undefined) return <p>{failure ? String(failure.error) : 'loading'}</p>
  return <p aria-busy={status === 'refreshing'}>{value.eur.toFixed(2)}</p>
}
export function Name({ id }: { id: string }) {
  const name = useCache(users.entry(id), (s) => s.value?.name)
  return <b>{name ?? '…'}</b>
}
