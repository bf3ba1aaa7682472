/** On a server: what is rendered, and that rendering holds nothing and starts nothing that outlives it. */
import { PassThrough } from 'node:stream'
import { BackgroundCache } from 'evercurrent'
import { useCache, useValue } from 'evercurrent/react'
import { controlledFetch } from 'evercurrent/testing'
import { type ReactNode, Suspense } from 'react'
import { renderToPipeableStream, renderToString } from 'react-dom/server'
import { expect, it, vi } from 'vitest'

/** What a server sends before and after all is there, and what it complained about. */
function stream(node: ReactNode) {
  const complaints: unknown[] = []
  let sent = ''
  const body = new PassThrough().on('data', (chunk) => {
    sent += chunk
  })
  const shell = new Promise<void>((resolve) => {
    const rendering = renderToPipeableStream(node, {
      onShellReady() {
        rendering.pipe(body)
        resolve()
      },
      onShellError: () => resolve(),
      onError: (error) => void complaints.push(error),
    })
  })
  return { shell, complaints, sent: () => sent, end: new Promise((resolve) => body.on('end', resolve)) }
}

it('useCache renders what is held, fetches nothing and holds nothing', () => {
  const fetch = vi.fn(async () => 'a')
  const cache = new BackgroundCache({ ttl: '1m', fetch })
  const hold = vi.spyOn(cache, 'keepFresh')
  const Shown = () => useCache(cache, ({ value }) => value) ?? 'nothing'
  expect(renderToString(<Shown />)).toBe('nothing')
  cache.set('held')
  expect(renderToString(<Shown />)).toBe('held')
  expect([fetch.mock.calls.length, hold.mock.calls.length, cache.inspect().observers]).toEqual([0, 0, 0])
})

it('useValue streams the fallback and then the value, for one fetch of all who show it', async () => {
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache({ ttl: '1m', fetch })
  const Value = () => useValue(cache)
  const page = stream(
    <main>
      <Suspense fallback="waiting">
        <Value />
        <Value />
      </Suspense>
    </main>,
  )
  await page.shell
  await vi.waitFor(() => expect(page.sent()).toContain('waiting'))
  expect([fetch.calls, page.sent().includes('there')]).toEqual([1, false])
  await fetch.resolve('there')
  await page.end
  expect(page.sent().match(/there/g)).toHaveLength(2)
  expect([fetch.calls, cache.inspect().observers, page.complaints]).toEqual([1, 0, []])
})

it('useValue of a cache without a fetch of its own says what is missing', async () => {
  const cache = new BackgroundCache<string>({ ttl: '1m' })
  const Value = () => useValue(cache)
  const page = stream(<Value />)
  await page.shell
  expect(page.complaints).toEqual([expect.objectContaining({ message: expect.stringContaining('expected a fetch') })])
})
