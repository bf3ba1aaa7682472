/** L22: what keeps a value fresh rests while it is told to, and reads do not. */
import { CacheRegistry, type Pause } from 'evercurrent'
import { hiddenOrOffline } from 'evercurrent/backend/browser'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'

useFakeTime()

/** Pauses by hand. */
function switchable(isOn = false) {
  const listeners = new Set<() => void>()
  let paused = isOn
  const pause: Pause = {
    isPaused: () => paused,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const turn = async (on: boolean) => {
    paused = on
    for (const listener of listeners) listener()
    await flush()
  }
  return { pause, turn, listeners }
}

describe('keepFresh({ pauseWhile })', () => {
  it('L22 sets no timer and makes no fetch while it is paused, and one fetch of what is due afterwards', async () => {
    const { cache, fetch } = await cacheHolding('one')
    const { pause, turn } = switchable()
    cache.keepFresh({ pauseWhile: pause })
    expect(vi.getTimerCount()).toBe(1)
    await turn(true)
    expect(vi.getTimerCount()).toBe(0)
    await pass(3_600_000)
    expect(fetch.calls).toHaveLength(1)
    await turn(false)
    await turn(false)
    expect(fetch.calls).toHaveLength(2)
  })

  it('L22 makes none on return if nothing is due yet, and then one in time', async () => {
    const { cache, fetch } = await cacheHolding('one')
    const { pause, turn } = switchable(true)
    cache.keepFresh({ pauseWhile: pause })
    await pass(30_000)
    await turn(false)
    expect(fetch.calls).toHaveLength(1)
    await pass(10_000)
    expect(fetch.calls).toHaveLength(2)
  })

  it('L22 does not keep a read from fetching when nothing usable is held', async () => {
    const { cache, fetch, call } = emptyCache()
    cache.keepFresh({ pauseWhile: switchable(true).pause })
    await flush()
    expect(fetch.calls).toHaveLength(0)
    const read = settlement(cache.get())
    await flush()
    call().resolve('one')
    await flush()
    expect(read).toMatchObject({ value: 'one' })
  })

  it('L22 pauses one hold: another one goes on, until it lets go', async () => {
    const { cache, fetch, call } = await cacheHolding('one')
    cache.keepFresh({ pauseWhile: switchable(true).pause })
    const letGo = cache.keepFresh()
    await pass(40_000)
    expect(fetch.calls).toHaveLength(2)
    call().resolve('two')
    await flush()
    letGo()
    expect(vi.getTimerCount()).toBe(0)
    await pass(3_600_000)
    expect(fetch.calls).toHaveLength(2)
  })

  it('L22 listens to the pause for as long as it holds, once', () => {
    const { cache } = emptyCache()
    const { pause, listeners } = switchable()
    const letGo = cache.keepFresh({ pauseWhile: pause })
    expect(listeners.size).toBe(1)
    letGo()
    letGo()
    expect(listeners.size).toBe(0)
  })

  it('L22 listens no longer once the cache is disposed of', () => {
    const { cache } = emptyCache()
    const { pause, listeners } = switchable(true)
    cache.keepFresh({ pauseWhile: pause })
    cache.dispose()
    expect(listeners.size).toBe(0)
  })

  it('L21 a pause that throws is reported, and pauses nothing', async () => {
    const { cache, fetch, events } = emptyCache()
    const broken = () => {
      throw new Error('broken')
    }
    cache.keepFresh({ pauseWhile: { isPaused: broken, subscribe: broken } })()
    await flush()
    expect(fetch.calls).toHaveLength(1)
    expect(events.map(({ kind }) => kind)).toContain('listener-failed')
  })

  it('refuses what is no pause, and unknown options, by name', () => {
    const { cache } = emptyCache()
    expect(() => cache.keepFresh({ pauseWhile: true as never })).toThrow(
      new TypeError('Cannot use pauseWhile: expected an object with isPaused(): received true'),
    )
    expect(() => cache.keepFresh({ whileHidden: true } as never)).toThrow(/Cannot use whileHidden/)
  })
})

describe('pauseWhile of a cache or a registry', () => {
  it('L22 holds for whoever keeps a value fresh, and a hold may say otherwise', async () => {
    const { pause, turn } = switchable(true)
    const { cache, fetch } = emptyCache({ pauseWhile: pause })
    const values = cache.values()
    void values.next()
    await pass(60_000)
    expect(fetch.calls).toHaveLength(0)
    await turn(false)
    expect(fetch.calls).toHaveLength(1)
    await values.return?.()
  })

  it('L22 holds for every key of a registry', async () => {
    const { pause, turn } = switchable(true)
    let fetches = 0
    const registry = new CacheRegistry({ pauseWhile: pause })
    const numbers = registry.define({ type: 'number', ttl: '1m', fetch: (_: string) => ++fetches })
    const letGo = [numbers.entry('a').keepFresh(), numbers.entry('b').keepFresh()]
    await pass(60_000)
    expect(fetches).toBe(0)
    await turn(false)
    expect(fetches).toBe(2)
    for (const end of letGo) end()
  })
})

describe('hiddenOrOffline', () => {
  it('where there is no page, is never so, and hears nothing', () => {
    expect(hiddenOrOffline.isPaused()).toBe(false)
    expect(hiddenOrOffline.subscribe(() => {})()).toBe(undefined)
  })
})
