/** What the shortest ways through a keyed read save: clock reads and promises. */

import { CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { handClock } from '../support/hand-clock.ts'
import { keyed } from '../support/keyed.ts'

/** Values age after 40 s, and expire after 60. */
const timed = (key?: (key: string) => string) => {
  const clock = handClock()
  const fetches: ((value: string) => void)[] = []
  const cache = new CacheRegistry({ clock }).define<string>({
    type: 't',
    ttl: 60_000,
    refreshWindow: 20_000,
    ...(key && { key }),
    fetch: () => new Promise<string>((resolve) => fetches.push(resolve)),
  })
  const readsOf = (call: () => unknown) => {
    const before = clock.reads.now
    call()
    return clock.reads.now - before
  }
  return { clock, cache, fetches, readsOf }
}

describe.each([
  ['a plain key', undefined],
  ['a key of key()', (key: string) => key],
])('get() of %s', (_, key) => {
  it('that is fresh reads the clock once and makes no promise', async () => {
    const { cache, readsOf } = timed(key)
    await cache.set('k', 'v')
    const shared = cache.get('k')
    expect(readsOf(() => expect(cache.get('k')).toBe(shared))).toBe(1)
  })

  it('L5 that is on its way reads no clock, shares one promise and counts who waits', async () => {
    const { cache, fetches, readsOf } = timed(key)
    const first = cache.get('k')
    expect(readsOf(() => expect(cache.get('k')).toBe(first))).toBe(0)
    expect(cache.entry('k').inspect().waiting).toBe(2)
    fetches[0]?.('v')
    await expect(first).resolves.toBe('v')
    expect(cache.entry('k').inspect().waiting).toBe(0)
  })

  it('that is no longer fresh asks its row once', async () => {
    const { clock, cache, fetches, readsOf } = timed(key)
    await cache.set('k', 'v')
    await clock.advance(50_000)
    // Its row, the resident that it becomes, its plan and its launch read the clock: once each.
    expect(readsOf(() => cache.get('k'))).toBe(4)
    expect(fetches).toHaveLength(1)
  })
})

describe('a first value on its way', () => {
  it('L5 joined in every way is one fetch, and every reader is a miss', async () => {
    const { cache, registry, calls, call } = keyed()
    const reads = [cache.get('k'), cache.get('k'), cache.get('k', {}), cache.get('k', { maxWait: '1s' })]
    reads.push(cache.getMany(['k']).then((values) => values.get('k') as string))
    await flush()
    await call('k').resolve('v')
    expect(await Promise.all(reads)).toEqual(['v', 'v', 'v', 'v', 'v'])
    expect(calls).toHaveLength(1)
    expect(registry.stats()).toMatchObject({ hits: 0, misses: 5, fetches: 1 })
  })

  it('L10 dropped meanwhile is not joined by those who come after', async () => {
    const { cache, calls } = keyed()
    const before = cache.get('k')
    await flush()
    await cache.invalidate('k')
    const after = cache.get('k')
    expect(after).not.toBe(before)
    expect(calls).toHaveLength(2)
    await calls[0]?.resolve('old')
    await calls[1]?.resolve('new')
    expect(await Promise.all([before, after])).toEqual(['old', 'new'])
  })
})
