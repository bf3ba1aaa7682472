/** Users from an endpoint that takes many ids: what is missing, or due, is asked for in one request. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BatchError, CacheRegistry } from 'evercurrent'
import { manualClock } from 'evercurrent/testing'

/** The endpoint: knows three users, and can be told to be down. */
let down = false
const known = new Map(Object.entries({ 1: 'Ann', 2: 'Bob', 3: 'Cy' }))
const server = createServer(({ url = '' }, response) => {
  const ids = new URL(url, 'http://localhost').searchParams.get('ids')?.split(',') ?? []
  console.log(`  GET ?ids=${ids}${down ? ' -> 503' : ''}`)
  if (down) response.statusCode = 503
  response.end(JSON.stringify(ids.filter((id) => known.has(id)).map((id) => ({ id, name: known.get(id) }))))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/users`

const clock = manualClock() // so that a minute takes no time here; leave the option out in your program
const users = new CacheRegistry({ clock }).define({
  type: 'user',
  ttl: '1m',
  refreshWindow: '10s',
  fetchMany: async (ids: readonly string[], { signal }) => {
    const response = await fetch(`${endpoint}?ids=${ids}`, { signal, headers: { connection: 'close' } })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const found = (await response.json()) as { id: string; name: string }[]
    return found.map(({ id, name }) => [id, name] as const)
  },
})
const show = (found: ReadonlyMap<string, string>) =>
  console.log([...found].map(([id, name]) => `${id} ${name}`).join(', '))

console.log('three ids, one request; nobody has the id 9, so it is left out')
show(await users.getMany(['1', '2', '9']))
console.log('one more: only what is not held is asked for')
show(await users.getMany(['1', '2', '3']))

console.log('55 s later all three are due: served at once, refreshed behind in one request')
await clock.advance(55_000)
const behind: Promise<unknown>[] = []
known.set('2', 'Bobby')
show(await users.getMany(['1', '2', '3'], { waitUntil: (work) => behind.push(work) }))
await Promise.all(behind)
show(await users.getMany(['1', '2', '3']))

console.log('the endpoint is down: what is held is in the error')
down = true
await users.invalidate('3')
await users.getMany(['1', '2', '3']).catch((error: unknown) => {
  if (!(error instanceof BatchError)) throw error
  console.log(error.message)
  for (const [id, reason] of error.errors) console.log(`failed: ${id}, ${reason}`)
  show(error.values)
})
server.close()
