/** The core in a page: its timers, clock and observers are those of a browser there. */
import { BackgroundCache } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { firstValueFrom, take, toArray } from 'rxjs'
import { expect, it } from 'vitest'

it('a value is kept fresh by timers of the page, without readers', async () => {
  let count = 0
  const cache = new BackgroundCache({ ttl: '60ms', refreshWindow: '30ms', fetch: async () => ++count })
  expect(await firstValueFrom(values$(cache).pipe(take(3), toArray()))).toEqual([1, 2, 3])
  cache.dispose()
})

it('a reader who leaves by a signal of the page leaves alone', async () => {
  let resolve = (_: string) => {}
  const cache = new BackgroundCache({ ttl: '1m', fetch: () => new Promise<string>((settle) => (resolve = settle)) })
  const controller = new AbortController()
  const [leaves, stays] = [cache.get({ signal: controller.signal }), cache.get()]
  controller.abort()
  await expect(leaves).rejects.toMatchObject({ name: 'AbortError' })
  resolve('a')
  expect(await stays).toBe('a')
})
