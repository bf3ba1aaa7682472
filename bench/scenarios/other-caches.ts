/** A past for a process: caches of other kinds, so that what V8 compiles for a read is not made for one cache alone. */

import { BackgroundCache } from 'evercurrent'

const ignore = () => {}

export async function useOtherCaches(): Promise<void> {
  for (let i = 0; i < 60; i++) await useCache(i)
}

async function useCache(i: number): Promise<void> {
  const clock = { now: () => i, wallNow: () => i, after: () => ignore }
  const cache = new BackgroundCache<{ i: number }>({
    ttl: i % 2 ? '1s' : '60d',
    jitter: i % 4 ? 0 : 0.5,
    staleIfError: '1m',
    ...(i % 3 ? { clock } : {}),
    fetch() {
      if (i % 5 === 0) throw new Error('source down')
      return { i }
    },
  })
  const read = async (times: number) => {
    for (let n = 0; n < times; n++) {
      cache.peek()
      cache.tryGet()
      await cache.get().catch(ignore)
    }
  }
  await read(500)
  cache.expire()
  await read(2)
  cache.set({ i })
  await read(2)
  cache.invalidate()
  await read(2)
  cache.dispose()
  await read(2)
}
