/** A page that a server rendered is taken over without a complaint where the cache holds what the server had. */
import { BackgroundCache } from 'evercurrent'
import { useCache, useValue } from 'evercurrent/react'
import { renderToString } from 'react-dom/server'
import { expect, it } from 'vitest'
import { hydrate, settled } from '../support/mounted.tsx'

const caches = () => [0, 1].map(() => new BackgroundCache({ ttl: '1m', fetch: async () => 'fetched' }))

const WithSnapshot = ({ cache }: { cache: BackgroundCache<string> }) => useCache(cache).value ?? '…'
const WithValue = ({ cache }: { cache: BackgroundCache<string> }) => useValue(cache)

it.each([
  ['useCache', WithSnapshot],
  ['useValue', WithValue],
] as const)('%s renders the seeded value, and its successors after that', async (_, Shown) => {
  const [server, client] = caches() as [BackgroundCache<string>, BackgroundCache<string>]
  server.set('had')
  const html = renderToString(<Shown cache={server} />)
  client.seed('had')
  const page = await hydrate(html, <Shown cache={client} />)
  expect([html, page.text(), page.complaints]).toEqual(['had', 'had', []])
  await settled(() => client.set('next'))
  expect(page.text()).toBe('next')
})
