/** L11 to L16 and L20: whatever took a fetch its slot, how it ends later changes nothing. */
import type { ErrorClass } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

const options = {
  staleIfError: '5m',
  fetchTimeout: '1s',
  classifyError: (error: unknown): ErrorClass => (error === 'fatal' || error === 'gone' ? error : 'retry'),
} as const

/** Ways for a fetch to be in the air, the newest one. */
const launched: Record<string, () => Promise<OneValue<string>>> = {
  'a first fetch': async () => {
    const one = emptyCache(options)
    void settlement(one.cache.get())
    return one
  },
  'a refresh behind a reader': async () => {
    const one = await cacheHolding<string>('held', options)
    await pass(45_000)
    await one.cache.get()
    return one
  },
  'a fetch after the expiry': async () => {
    const one = await cacheHolding<string>('held', options)
    await pass(60_000)
    void settlement(one.cache.get())
    return one
  },
  'an attempt behind a stale read': async () => {
    const one = await cacheHolding<string>('held', options)
    await pass(60_000)
    void settlement(one.cache.get())
    await flush()
    one.call().reject(new Error('down'))
    await pass(1_000)
    await one.cache.get()
    return one
  },
  'a refresh()': async () => {
    const one = await cacheHolding<string>('held', options)
    void settlement(one.cache.refresh())
    return one
  },
  'a queued refresh()': async () => {
    const one = emptyCache(options)
    void settlement(one.cache.get())
    await flush()
    void settlement(one.cache.refresh())
    one.call(0).resolve('held')
    return one
  },
  'a fetch of keepFresh()': async () => {
    const one = emptyCache(options)
    one.cache.keepFresh()
    await flush()
    return one
  },
}

/** Ways to take its slot. */
const superseded: Record<string, (one: OneValue<string>) => unknown> = {
  'a timeout': () => pass(1_000),
  'set()': ({ cache }) => cache.set('given'),
  'invalidate()': ({ cache }) => cache.invalidate(),
  'expire()': ({ cache }) => cache.expire(),
  'set() and invalidate()': ({ cache }) => [cache.set('given'), cache.invalidate()],
  'dispose()': ({ cache }) => cache.dispose(),
}

type Ending = (call: ReturnType<OneValue<string>['call']>) => void

/** Ways to end all the same. */
const endings: Ending[] = [
  (call) => call.resolve('late'),
  (call) => call.resolve(undefined as never),
  (call) => call.reject(new Error('late')),
  (call) => call.reject(undefined),
  (call) => call.reject('fatal'),
  (call) => call.reject('gone'),
  (call) => call.resolve(call.previous === undefined ? 'late' : call.context.notModified()),
]

const cases = Object.keys(launched).flatMap((path) => Object.keys(superseded).map((act) => [path, act] as const))

describe('a fetch that lost its slot', () => {
  it.each(cases)('L11 changes nothing by ending late: %s, by %s', async (path, act) => {
    const unhandled = await unhandledDuring(async () => {
      for (const end of endings) {
        const one = await (launched[path] as () => Promise<OneValue<string>>)()
        await flush()
        const late = one.call()
        expect(late.settled).toBe(false)
        await superseded[act]?.(one)
        await flush()
        const snapshot = one.cache.getSnapshot()
        const inspection = one.cache.inspect()
        const calls = one.fetch.calls.length
        end(late)
        await flush()
        expect(one.cache.getSnapshot()).toBe(snapshot)
        const { waiting: _, ...before } = inspection
        expect(one.cache.inspect()).toMatchObject(before)
        expect(one.fetch.calls).toHaveLength(calls)
        expect(one.cache.peek()).not.toBe('late')
        one.cache.dispose()
      }
    })
    expect(unhandled).toEqual([])
  })

  it.each(cases.filter(([, act]) => act !== 'dispose()'))(
    'L11 leaves the cache able to fetch: %s, by %s',
    async (path, act) => {
      const one = await (launched[path] as () => Promise<OneValue<string>>)()
      await flush()
      const late = one.call()
      await superseded[act]?.(one)
      await flush()
      const renewal = settlement(one.cache.refresh())
      await flush()
      late.reject(new Error('late'))
      await flush()
      for (const call of one.fetch.calls) if (!call.settled) call.resolve('next')
      await flush()
      for (const call of one.fetch.calls) if (!call.settled) call.resolve('next')
      await flush()
      expect(renewal).toMatchObject({ state: 'fulfilled', value: 'next' })
      expect(one.cache.tryGet()).toBe('next')
      expect(one.cache.getSnapshot().failure).toBeUndefined()
      one.cache.dispose()
    },
  )
})
