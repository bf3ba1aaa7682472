/**
 * One test per drawn race. Time runs to the right; `├─A──▶ x` is fetch A from its launch to where its outcome x lands.
 * Each is a way in which a cache somewhere was seen to lose, resurrect or mix up a value.
 */

import { BackgroundCache, type BackgroundCacheConstructor } from 'evercurrent'
import { manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { deferredFetch } from '../support/deferred-fetch.ts'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'

type Options = Partial<ConstructorParameters<BackgroundCacheConstructor>[0]>

function race(options: Options = {}) {
  const clock = manualClock({ startAt: 1_000_000 })
  const fetch = deferredFetch<string>()
  const cache = new BackgroundCache<string>({
    ttl: '30s',
    refreshWindow: '5s',
    clock,
    fetch,
    random: () => 0,
    ...(options as object),
  })
  const land = async (call: number, outcome: string | Error) => {
    const { resolve, reject } = fetch.calls[call] as (typeof fetch.calls)[number]
    if (outcome instanceof Error) reject(outcome)
    else resolve(outcome)
    await flush()
  }
  /** holds 'v1', aging, with call 1 refreshing it behind the readers */
  const refreshing = async () => {
    void cache.get()
    await land(0, 'v1')
    await clock.advance(26_000)
    void cache.get()
    expect(fetch.calls).toHaveLength(2)
  }
  return { clock, fetch, cache, land, refreshing }
}
const down = new Error('down')

describe('a first load', () => {
  // reader  ├─A───────────▶ old
  // writer       set(new)
  it('that lands after set() does not overwrite what was set', async () => {
    const { cache, land } = race()
    const read = settlement(cache.get())
    cache.set('new')
    await land(0, 'old')
    expect([cache.peek(), read.value]).toEqual(['new', 'new'])
  })

  // reader  ├─A───────────▶ old
  // writer       seed(new)
  it('that lands after a newer seed() does not overwrite it', async () => {
    const { cache, clock, land } = race()
    const read = settlement(cache.get())
    await clock.advance(10)
    expect(cache.seed('new')).toBe(true)
    await land(0, 'old')
    expect([cache.peek(), read.value]).toEqual(['new', 'new'])
  })

  // reader  ├─A───────────▶ ✗
  // writer       seed(new)
  it('that fails after a newer seed() does not erase it', async () => {
    const { cache, clock, land } = race()
    void cache.get()
    await clock.advance(10)
    cache.seed('new')
    await land(0, down)
    expect([cache.peek(), cache.getSnapshot().failure]).toEqual(['new', undefined])
  })

  // reader 1  ├─A───────────────▶ old
  // writer        invalidate()
  // reader 2              ├─B───────▶ new
  it('from before invalidate() is not joined by a later reader, and is not stored', async () => {
    const { cache, fetch, land } = race()
    const before = settlement(cache.get())
    cache.invalidate()
    const after = settlement(cache.get())
    expect(fetch.calls).toHaveLength(2)
    await land(0, 'old')
    expect([before.value, after.state, cache.peek()]).toEqual(['old', 'pending', undefined])
    await land(1, 'new')
    expect([after.value, cache.peek()]).toEqual(['new', 'new'])
  })

  // reader 1  ├─A───────────────────────▶ old
  // writer        invalidate()
  // reader 2              ├─B───▶ new
  it('that lands last, after a newer one landed, changes nothing', async () => {
    const { cache, land } = race()
    void cache.get()
    cache.invalidate()
    void cache.get()
    await land(1, 'new')
    await land(0, 'old')
    expect(cache.peek()).toBe('new')
  })

  // reader 1  ├─A───────────▶ ✗
  // writer        invalidate()
  // reader 2              ├─B──────▶ new     (one fetch, not two)
  it('that fails late leaves the newer flight in its slot', async () => {
    const { cache, fetch, land } = race()
    void cache.get()
    cache.invalidate()
    const second = settlement(cache.get())
    await land(0, down)
    const third = settlement(cache.get())
    expect([fetch.calls.length, cache.inspect().nextAttemptAt]).toEqual([2, undefined])
    await land(1, 'new')
    expect([second.value, third.value]).toEqual(['new', 'new'])
  })
})

describe('a background refresh', () => {
  // v1 ──aging──┬─B──────────▶ old
  // writer           set(new)
  it('that lands after set() changes nothing', async () => {
    const { cache, land, refreshing } = race()
    await refreshing()
    cache.set('new')
    await land(1, 'old')
    expect(cache.peek()).toBe('new')
  })

  // v1 ──aging──┬─B──────────▶ old
  // writer           invalidate()         (nothing is held, and nothing comes back)
  it('that lands after invalidate() does not bring the value back', async () => {
    const { cache, fetch, land, refreshing } = race()
    await refreshing()
    cache.invalidate()
    expect(fetch.calls[1]?.context.signal.aborted).toBe(true)
    await land(1, 'old')
    expect(cache.peek()).toBeUndefined()
  })

  // v1 ──aging──┬─B──────────▶ ✗
  it('that fails leaves the value, and the next read within the cool-down starts nothing', async () => {
    const { cache, fetch, land, refreshing } = race()
    await refreshing()
    await land(1, down)
    expect([await cache.get(), await cache.get(), fetch.calls.length]).toEqual(['v1', 'v1', 2])
  })

  // token 1 ──aging──┬─B─────▶ token 2
  // consumer                       401 for token 1: invalidate({ ifValue: token 1 })
  it('that replaced a token survives the late rejection of the old one', async () => {
    const { cache, land, refreshing } = race()
    await refreshing()
    await land(1, 'token 2')
    expect(cache.invalidate({ ifValue: 'v1' })).toBe(false)
    expect(cache.peek()).toBe('token 2')
  })
})

describe('refresh()', () => {
  // reader   ├─A──────────▶ old
  // caller       refresh()  ├─B──▶ new
  it('never takes the result of a fetch from before the call', async () => {
    const { cache, fetch, land } = race()
    const read = settlement(cache.get())
    const refreshed = settlement(cache.refresh())
    await land(0, 'old')
    expect([read.value, refreshed.state, fetch.calls.length]).toEqual(['old', 'pending', 2])
    await land(1, 'new')
    expect([refreshed.value, cache.peek()]).toEqual(['new', 'new'])
  })

  // reader   ├─A──────────────────────▶ old
  // caller       refresh()                     queued behind A …
  // writer                invalidate()         … and started at once when A lost the slot
  it('queued behind a fetch starts when that fetch is invalidated, not when it lands', async () => {
    const { cache, fetch, land } = race()
    void cache.get()
    const refreshed = settlement(cache.refresh())
    cache.invalidate()
    expect(fetch.calls).toHaveLength(2)
    await land(1, 'new')
    await land(0, 'old')
    expect([refreshed.value, cache.peek()]).toEqual(['new', 'new'])
  })
})

describe('a timed-out fetch', () => {
  // reader   ├─A──── timeout ──────────▶ late
  // reader                 ├─B──▶ new
  it('that lands late overwrites neither the newer value nor the newer flight', async () => {
    const { cache, clock, fetch, land } = race({ fetchTimeout: '1s', backoff: false })
    const read = settlement(cache.get())
    await clock.advance(1000)
    expect(read.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
    const next = settlement(cache.get())
    await land(0, 'late')
    expect([cache.peek(), fetch.calls.length]).toEqual([undefined, 2])
    await land(1, 'new')
    expect([next.value, cache.peek()]).toEqual(['new', 'new'])
  })
})

describe('age', () => {
  // ├─A (29 s) ────▶ v1         24 s later it is 53 s old, not 24
  it('counts from the start of the fetch, so a slow fetch does not bring a young value', async () => {
    const { cache, clock, land } = race()
    void cache.get()
    await clock.advance(29_000)
    await land(0, 'v1')
    expect(cache.peek()).toBe('v1')
    await clock.advance(1000)
    expect(cache.peek()).toBeUndefined()
  })
})

describe('two readers', () => {
  // reader 1  ├─A ✂ (its signal)
  // reader 2     └──────────▶ v1
  it('share a fetch, not a signal: one who leaves takes nothing from the other', async () => {
    const { cache, fetch, land } = race()
    const leaver = new AbortController()
    const gone = settlement(cache.get({ signal: leaver.signal }))
    const stays = settlement(cache.get())
    leaver.abort('bored')
    await land(0, 'v1')
    expect([gone.error, stays.value, fetch.calls[0]?.context.signal.aborted]).toEqual(['bored', 'v1', false])
  })

  // A rejects with a falsy reason: every follower rejects with it too
  it.each([undefined, 0, '', false, null])(
    'both get the falsy rejection %s, and nobody gets undefined as a value',
    async (reason) => {
      const { cache, fetch } = race()
      const both = [settlement(cache.get()), settlement(cache.get())]
      fetch.calls[0]?.reject(reason)
      await flush()
      expect(both.map(({ state, error }) => [state, error])).toEqual([
        ['rejected', reason],
        ['rejected', reason],
      ])
    },
  )
})
