/** L15 and L16: whose error a waiter gets, who may abort a fetch, and what an error means. */
import { CacheDisposedError, type ErrorClass } from 'evercurrent'
import { describe, expect, it, vi } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, type OneValue } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

class Classed extends Error {
  readonly as: ErrorClass

  constructor(as: ErrorClass) {
    super(as)
    this.as = as
  }
}

const classifyError = (error: unknown): ErrorClass => (error instanceof Classed ? error.as : 'retry')

const failRefresh = async (one: OneValue<string>, error: unknown) => {
  const renewal = settlement(one.cache.refresh())
  await flush()
  one.call().reject(error)
  await flush()
  expect(renewal.error).toBe(error)
}

describe('the error of a fetch', () => {
  it.each([
    ['an error', new Error('down')],
    ['a frozen one', Object.freeze(new Error('down'))],
    ['a string', 'down'],
    ['an object', { status: 503 }],
    ['undefined', undefined],
    ['a symbol', Symbol('down')],
  ])('L15 reaches every waiter unwrapped: %s', async (_, error) => {
    const { cache, fetch, call } = emptyCache()
    const reads = [
      cache.get(),
      cache.read(),
      cache.get({ maxWait: '10s' }),
      cache.get({ signal: new AbortController().signal }),
    ]
    const ends = reads.map((read) => settlement<unknown>(read))
    await flush()
    call().reject(error)
    await flush()
    expect(fetch.calls).toHaveLength(1)
    for (const end of ends) {
      expect(end.state).toBe('rejected')
      expect(end.error).toBe(error)
    }
  })
})

describe('the signal of a waiter', () => {
  it('L15 detaches that waiter alone', async () => {
    const { cache, fetch, call } = emptyCache()
    const controller = new AbortController()
    const leaving = settlement(cache.get({ signal: controller.signal }))
    const staying = settlement(cache.get())
    await flush()
    controller.abort()
    await flush()
    expect(leaving.state).toBe('rejected')
    expect(staying.state).toBe('pending')
    expect(call().context.signal.aborted).toBe(false)
    call().resolve('one')
    await flush()
    expect(staying.value).toBe('one')
    expect(fetch.calls).toHaveLength(1)
  })

  it('L15 gives the waiter the reason of the abort', async () => {
    const { cache } = emptyCache()
    const controller = new AbortController()
    const leaving = settlement(cache.get({ signal: controller.signal }))
    await flush()
    const reason = new Error('the user left')
    controller.abort(reason)
    await flush()
    expect(leaving.error).toBe(reason)
  })

  it('L15 does not abort the fetch when the only waiter leaves', async () => {
    const { cache, fetch, call } = emptyCache()
    const controller = new AbortController()
    const leaving = settlement(cache.get({ signal: controller.signal }))
    await flush()
    controller.abort()
    await flush()
    expect(leaving.state).toBe('rejected')
    expect(call().context.signal.aborted).toBe(false)
    call().resolve('one')
    await flush()
    await expect(cache.get()).resolves.toBe('one')
    expect(fetch.calls).toHaveLength(1)
  })

  it('L15 is not the signal of the fetch', async () => {
    const { cache, call } = emptyCache()
    const { signal } = new AbortController()
    void settlement(cache.get({ signal }))
    await flush()
    expect(call().context.signal).not.toBe(signal)
  })

  it('L15 that was aborted before rejects that read and no other', async () => {
    const { cache, fetch, call } = emptyCache()
    const others = settlement(cache.get())
    const late = settlement(cache.get({ signal: AbortSignal.abort() }))
    await flush()
    expect(late.state).toBe('rejected')
    expect(others.state).toBe('pending')
    call().resolve('one')
    await flush()
    expect(others.value).toBe('one')
    expect(fetch.calls).toHaveLength(1)
  })

  it('L15 that was aborted before rejects a read of an empty cache', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache } = emptyCache()
      const late = settlement(cache.get({ signal: AbortSignal.abort() }))
      await flush()
      expect(late.state).toBe('rejected')
    })
    expect(unhandled).toEqual([])
  })

  it('L15 means nothing once the read has its value', async () => {
    const { cache, call } = emptyCache()
    const controller = new AbortController()
    const read = settlement(cache.get({ signal: controller.signal }))
    await flush()
    call().resolve('one')
    await flush()
    controller.abort()
    await flush()
    expect(read).toMatchObject({ state: 'fulfilled', value: 'one' })
    expect(cache.tryGet()).toBe('one')
  })

  it('L15 does not count as a failure', async () => {
    const { cache } = emptyCache()
    const controller = new AbortController()
    void settlement(cache.get({ signal: controller.signal }))
    await flush()
    controller.abort()
    await flush()
    expect(cache.getSnapshot().failure).toBeUndefined()
  })

  it('L15 leaves the other conditions of the same read in force', async () => {
    const { cache } = emptyCache()
    const controller = new AbortController()
    const read = settlement(cache.get({ signal: controller.signal, maxWait: '1s' }))
    await flush()
    controller.abort('left')
    await pass(5_000)
    expect(read.state).toBe('rejected')
    expect(cache.inspect().waiting).toBe(0)
  })
})

describe('a fetch is aborted', () => {
  const supersede: [string, (one: OneValue<string>) => unknown][] = [
    ['set()', ({ cache }) => cache.set('given')],
    ['invalidate()', ({ cache }) => cache.invalidate()],
    ['expire()', ({ cache }) => cache.expire()],
  ]

  it.each(supersede)('L15 when %s supersedes it and nobody waits for it', async (_, act) => {
    const one = await cacheHolding<string>('held')
    await pass(45_000)
    await one.cache.get()
    await flush()
    expect(one.call(1).context.signal.aborted).toBe(false)
    act(one)
    await flush()
    expect(one.call(1).context.signal.aborted).toBe(true)
  })

  it.each(supersede.slice(1))('L15 not when %s supersedes it while somebody waits', async (_, act) => {
    const one = emptyCache()
    const waiter = settlement(one.cache.get())
    await flush()
    act(one)
    await flush()
    expect(one.call(0).context.signal.aborted).toBe(false)
    one.call(0).resolve('one')
    await flush()
    expect(waiter).toMatchObject({ state: 'fulfilled', value: 'one' })
    expect(one.cache.peek()).toBeUndefined()
  })

  it('L15 when it was superseded and its last waiter leaves', async () => {
    const { cache, call } = emptyCache()
    const controllers = [new AbortController(), new AbortController()]
    for (const { signal } of controllers) void settlement(cache.get({ signal }))
    await flush()
    cache.invalidate()
    controllers[0]?.abort()
    await flush()
    expect(call(0).context.signal.aborted).toBe(false)
    controllers[1]?.abort()
    await flush()
    expect(call(0).context.signal.aborted).toBe(true)
  })

  it('L15 when set() has answered everybody who waited', async () => {
    const { cache, call } = emptyCache()
    const waiter = settlement(cache.get())
    await flush()
    cache.set('given')
    await flush()
    expect(waiter.value).toBe('given')
    expect(call(0).context.signal.aborted).toBe(true)
  })

  it('L15 by dispose()', async () => {
    const { cache, call } = emptyCache()
    const waiter = settlement(cache.get())
    await flush()
    cache.dispose()
    await flush()
    expect(call(0).context.signal.aborted).toBe(true)
    expect(waiter.error).toBeInstanceOf(CacheDisposedError)
  })

  it('L15 by dispose(), also when it was superseded before', async () => {
    const { cache, call } = emptyCache()
    const waiter = settlement(cache.get())
    await flush()
    cache.invalidate()
    cache.dispose()
    await flush()
    expect(call(0).context.signal.aborted).toBe(true)
    expect(waiter.error).toBeInstanceOf(CacheDisposedError)
  })

  it('L15 not when it has settled', async () => {
    const { cache, call } = await cacheHolding<string>('held')
    cache.set('given')
    cache.invalidate()
    await pass(60_000)
    expect(call(0).context.signal.aborted).toBe(false)
  })
})

describe("'fatal'", () => {
  it('L16 reaches readers even while a fresh value is held', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    const fatal = new Classed('fatal')
    await failRefresh(one, fatal)
    await expect(one.cache.get()).rejects.toBe(fatal)
    await expect(one.cache.read()).rejects.toBe(fatal)
    expect(one.fetch.calls).toHaveLength(2)
    expect(one.cache.peek()).toBe('held')
    expect(one.cache.tryGet()).toBe('held')
  })

  it('L16 does not reach the reader who started the fetch behind him', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    await pass(45_000)
    await expect(one.cache.get()).resolves.toBe('held')
    await flush()
    const fatal = new Classed('fatal')
    one.call().reject(fatal)
    await flush()
    await expect(one.cache.get()).rejects.toBe(fatal)
    expect(one.cache.peek()).toBe('held')
    expect(one.events.find(({ kind }) => kind === 'fetch-failed')).toMatchObject({ class: 'fatal', error: fatal })
  })

  it('L16 lets the first read after the cool-down fetch and wait, and a success ends it', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    const fatal = new Classed('fatal')
    await failRefresh(one, fatal)
    await pass(749)
    await expect(one.cache.get()).rejects.toBe(fatal)
    await pass(1)
    const reads = [settlement(one.cache.get()), settlement(one.cache.get())]
    await flush()
    expect(one.fetch.calls).toHaveLength(3)
    expect(reads.map(({ state }) => state)).toEqual(['pending', 'pending'])
    one.call().resolve('repaired')
    await flush()
    expect(reads.map(({ value }) => value)).toEqual(['repaired', 'repaired'])
    await expect(one.cache.get()).resolves.toBe('repaired')
    expect(one.fetch.calls).toHaveLength(3)
  })

  it('L16 failing again keeps the value from readers', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    await failRefresh(one, new Classed('fatal'))
    await pass(750)
    const read = settlement(one.cache.get())
    await flush()
    const again = new Classed('fatal')
    one.call().reject(again)
    await flush()
    expect(read.error).toBe(again)
    await expect(one.cache.get()).rejects.toBe(again)
    expect(one.fetch.calls).toHaveLength(3)
  })

  it('L16 is not forgiven by an outage that follows', async () => {
    const one = await cacheHolding<string>('held', { classifyError, staleIfError: '5m' })
    await failRefresh(one, new Classed('fatal'))
    await pass(750)
    const read = settlement(one.cache.get())
    await flush()
    one.call().reject(new Error('down'))
    await flush()
    expect(read.state).toBe('rejected')
    await expect(one.cache.get()).rejects.toBeInstanceOf(Error)
    expect(one.cache.peek()).toBe('held')
  })

  it('L16 set() ends it at once', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    await failRefresh(one, new Classed('fatal'))
    one.cache.set('given')
    await expect(one.cache.get()).resolves.toBe('given')
  })

  it.each([
    ['invalidate()', (one: OneValue<string>) => void one.cache.invalidate()],
    ['expire()', (one: OneValue<string>) => one.cache.expire()],
  ])('L16 %s does not', async (_, act) => {
    const one = await cacheHolding<string>('held', { classifyError, staleIfError: '5m' })
    const fatal = new Classed('fatal')
    await failRefresh(one, fatal)
    act(one)
    await expect(one.cache.get()).rejects.toBe(fatal)
    expect(one.fetch.calls).toHaveLength(2)
  })

  it('L16 is not softened by staleIfError', async () => {
    const one = await cacheHolding<string>('held', { classifyError, staleIfError: '5m' })
    await pass(60_000)
    const read = settlement(one.cache.get())
    await flush()
    const fatal = new Classed('fatal')
    one.call().reject(fatal)
    await flush()
    expect(read.error).toBe(fatal)
    await expect(one.cache.get()).rejects.toBe(fatal)
  })

  it('L16 does not stop keepFresh() from trying again', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    const release = one.cache.keepFresh()
    await failRefresh(one, new Classed('fatal'))
    await pass(60_000)
    one.call().resolve('repaired')
    await flush()
    await expect(one.cache.get()).resolves.toBe('repaired')
    release()
  })
})

describe("'gone'", () => {
  it('L16 drops the value and is remembered', async () => {
    const one = await cacheHolding<string>('held', { classifyError, staleIfError: '5m' })
    await pass(45_000)
    await expect(one.cache.get()).resolves.toBe('held')
    await flush()
    const gone = new Classed('gone')
    one.call().reject(gone)
    await flush()
    expect(one.cache.peek()).toBeUndefined()
    expect(one.cache.getSnapshot().value).toBeUndefined()
    for (let read = 0; read < 10; read++) await expect(one.cache.get()).rejects.toBe(gone)
    expect(one.fetch.calls).toHaveLength(2)
    expect(one.events.find(({ kind }) => kind === 'fetch-failed')).toMatchObject({ class: 'gone', error: gone })
  })

  it('L16 reaches the readers who wait, not a stale value', async () => {
    const one = await cacheHolding<string>('held', { classifyError, staleIfError: '5m' })
    await pass(60_000)
    const read = settlement(one.cache.get())
    await flush()
    const gone = new Classed('gone')
    one.call().reject(gone)
    await flush()
    expect(read.error).toBe(gone)
  })

  it('L16 is remembered for five seconds at most, however often it was the answer', async () => {
    const one = emptyCache({ classifyError, backoff: { base: '1m', max: '10m' }, retryAfter: () => '1h' })
    for (let answer = 1; answer <= 10; answer++) {
      const read = settlement(one.cache.get())
      await flush()
      expect(one.fetch.calls).toHaveLength(answer)
      one.call().reject(new Classed('gone'))
      await flush()
      expect(read.state).toBe('rejected')
      await pass(5_000)
    }
  })

  it.each([
    ['invalidate()', (one: OneValue<string>) => void one.cache.invalidate()],
    ['expire()', (one: OneValue<string>) => one.cache.expire()],
  ])('L16 is forgotten by %s', async (_, act) => {
    const one = emptyCache({ classifyError })
    void settlement(one.cache.get())
    await flush()
    one.call().reject(new Classed('gone'))
    await flush()
    act(one)
    const read = settlement(one.cache.get())
    await flush()
    expect(one.fetch.calls).toHaveLength(2)
    one.call().resolve('back')
    await flush()
    expect(read.value).toBe('back')
  })

  it.each([
    ['set()', (one: OneValue<string>) => one.cache.set('back')],
    ['seed()', (one: OneValue<string>) => expect(one.cache.seed('back')).toBe(true)],
  ])('L16 is forgotten by %s', async (_, act) => {
    const one = emptyCache({ classifyError })
    void settlement(one.cache.get())
    await flush()
    one.call().reject(new Classed('gone'))
    await flush()
    act(one)
    await expect(one.cache.get()).resolves.toBe('back')
    expect(one.fetch.calls).toHaveLength(1)
  })

  it('L16 of a superseded fetch drops nothing', async () => {
    const one = await cacheHolding<string>('held', { classifyError })
    await pass(45_000)
    await one.cache.get()
    await flush()
    one.cache.set('given')
    one.call(1).reject(new Classed('gone'))
    await flush()
    expect(one.cache.tryGet()).toBe('given')
    expect(one.cache.getSnapshot().failure).toBeUndefined()
  })
})

describe('classifyError', () => {
  const broken = () => {
    throw new Error('the classifier broke')
  }

  it('L16 is asked about the error itself', async () => {
    const asked = vi.fn(() => 'retry' as const)
    const one = await cacheHolding<string>('held', { classifyError: asked })
    const error = new Error('down')
    await failRefresh(one, error)
    expect(asked).toHaveBeenCalledWith(error)
  })

  it.each([
    ['throws', broken],
    ['answers nonsense', () => 'whatever' as never],
    ['answers undefined', () => undefined as never],
    ["answers 'retry'", () => 'retry' as const],
  ])('L16 that %s means retry', async (_, classify) => {
    const one = await cacheHolding<string>('held', { classifyError: classify })
    await failRefresh(one, new Error('down'))
    await expect(one.cache.get()).resolves.toBe('held')
    expect(one.cache.getSnapshot()).toMatchObject({ value: 'held', failure: { attempts: 1 } })
    expect(one.events.find(({ kind }) => kind === 'fetch-failed')).toMatchObject({ class: 'retry' })
  })
})
