/** manualClock: both faces of time in the hands of a test, without touching the globals. */
import { BackgroundCache } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { describe, expect, it, vi } from 'vitest'
import { settlement } from '../support/settlement.ts'

describe('manualClock', () => {
  it('starts where it is told and stands still', () => {
    const startAt = Date.UTC(2030, 0, 1)
    const clock = manualClock({ startAt })
    expect(clock.wallNow()).toBe(startAt)
    expect(clock.now()).toBe(clock.now())
    expect(clock.wallNow()).toBe(startAt)
  })

  it('starts somewhere by itself', () => {
    const clock = manualClock()
    expect(Number.isFinite(clock.now())).toBe(true)
    expect(Number.isFinite(clock.wallNow())).toBe(true)
  })

  it('moves both faces by as much', async () => {
    const clock = manualClock({ startAt: 1_000_000 })
    const before = clock.now()
    await clock.advance(1_500)
    expect(clock.now() - before).toBe(1_500)
    expect(clock.wallNow()).toBe(1_001_500)
  })

  it('fires timers in their order, each at its time', async () => {
    const clock = manualClock()
    const start = clock.now()
    const fired: [string, number][] = []
    for (const [name, ms] of [
      ['c', 300],
      ['a', 100],
      ['b', 200],
      ['b2', 200],
      ['never', 301],
    ] as const)
      clock.after(ms, () => fired.push([name, clock.now() - start]))
    await clock.advance(300)
    expect(fired).toEqual([
      ['a', 100],
      ['b', 200],
      ['b2', 200],
      ['c', 300],
    ])
  })

  it('fires timers that other timers make on the way', async () => {
    const clock = manualClock()
    const fired: number[] = []
    const again = () => {
      fired.push(clock.now())
      if (fired.length < 5) clock.after(10, again)
    }
    const start = clock.now()
    clock.after(10, again)
    await clock.advance(35)
    expect(fired.map((at) => at - start)).toEqual([10, 20, 30])
  })

  it('drains promises between timers', async () => {
    const clock = manualClock()
    const log: string[] = []
    clock.after(
      10,
      () =>
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => log.push('promise')),
    )
    clock.after(20, () => log.push('timer'))
    await clock.advance(20)
    expect(log).toEqual(['promise', 'timer'])
  })

  it('fires timers that a promise makes on the way', async () => {
    const clock = manualClock()
    const fired: string[] = []
    clock.after(10, () => void Promise.resolve().then(() => clock.after(5, () => fired.push('made'))))
    await clock.advance(15)
    expect(fired).toEqual(['made'])
  })

  it('cancels, before and after', async () => {
    const clock = manualClock()
    const fired: string[] = []
    const cancel = clock.after(10, () => fired.push('cancelled'))
    const late = clock.after(10, () => fired.push('kept'))
    cancel()
    cancel()
    await clock.advance(10)
    late()
    await clock.advance(10)
    expect(fired).toEqual(['kept'])
  })

  it('takes delays beyond 2³¹−1 ms', async () => {
    const clock = manualClock()
    const fired: string[] = []
    clock.after(2 ** 31 + 5, () => fired.push('late'), { ref: false })
    await clock.advance(2 ** 31 + 4)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual(['late'])
  })

  it('keeps its time to itself', async () => {
    const [one, two] = [manualClock({ startAt: 0 }), manualClock({ startAt: 0 })]
    await one.advance(1_000)
    expect(two.wallNow()).toBe(0)
    expect(vi.isFakeTimers()).toBe(false)
    expect(Math.abs(Date.now() - Date.UTC(2030, 0, 1))).toBeGreaterThan(0)
  })

  it('sleeps: the wall moves on, the monotonic face does not', async () => {
    const clock = manualClock({ startAt: 1_000_000 })
    const before = clock.now()
    await clock.sleep(60_000)
    expect(clock.now()).toBe(before)
    expect(clock.wallNow()).toBe(1_060_000)
  })

  it('L3 drives a cache through sleep', async () => {
    const clock = manualClock()
    const cache = new BackgroundCache<string>({ ttl: '1m', clock, fetch: () => 'one' })
    await cache.get()
    await clock.sleep(60_000)
    await clock.advance(1_000)
    expect(cache.peek()).toBeUndefined()
  })

  it('drives keepFresh()', async () => {
    const clock = manualClock()
    let calls = 0
    const cache = new BackgroundCache<number>({ ttl: '1m', refreshWindow: '20s', clock, fetch: () => ++calls })
    const release = cache.keepFresh()
    await clock.advance(120_000)
    expect(calls).toBe(4)
    release()
    await clock.advance(120_000)
    expect(calls).toBe(4)
  })

  it('drives fetchTimeout and maxWait', async () => {
    const clock = manualClock()
    const fetch = controlledFetch<string>()
    const cache = new BackgroundCache<string>({ ttl: '1m', fetchTimeout: '5s', clock, fetch })
    const [hurried, patient] = [settlement(cache.get({ maxWait: '1s' })), settlement(cache.get())]
    await clock.advance(1_000)
    expect(hurried.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect(patient.state).toBe('pending')
    await clock.advance(4_000)
    expect(patient.error).toMatchObject({ code: 'FETCH_TIMEOUT' })
  })
})
