/** L11: a failure is contained and never silent, whatever a fetch, a listener or a callback does. */
import { BackgroundCache, type Fetch } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { cacheHolding, emptyCache, failBehind, type Options } from '../support/one-value.ts'
import { settlement } from '../support/settlement.ts'
import { unhandledDuring } from '../support/unhandled.ts'

useFakeTime()

const frozen = Object.freeze(new Error('frozen'))

const falsy = [undefined, null, 0, '', false, Number.NaN]

/** Ways for a fetch to fail, and what its waiters are told. */
const failing: [string, Fetch<string>, unknown][] = [
  ...falsy.flatMap((error): [string, Fetch<string>, unknown][] => [
    [
      `throws ${JSON.stringify(error)} at once`,
      () => {
        throw error
      },
      error,
    ],
    [`rejects with ${JSON.stringify(error)}`, () => Promise.reject(error), error],
    [
      `rejects later with ${JSON.stringify(error)}`,
      async () => {
        await flush()
        throw error
      },
      error,
    ],
  ]),
  [
    'throws a frozen error',
    () => {
      throw frozen
    },
    frozen,
  ],
  [
    'returns something whose then throws',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is the point
      then() {
        throw 'hostile'
      },
    }),
    'hostile',
  ],
  [
    'returns something whose then cannot be read',
    () =>
      Object.defineProperty({}, 'then', {
        get() {
          throw 'unreadable'
        },
      }) as PromiseLike<string>,
    'unreadable',
  ],
  [
    'rejects twice',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is the point
      then(_: unknown, reject?: ((reason: unknown) => unknown) | null) {
        reject?.('first')
        reject?.('second')
        return Promise.resolve() as never
      },
    }),
    'first',
  ],
]

describe('whatever a fetch does', () => {
  it.each(failing)('L11 a fetch that %s fails its waiters with just that', async (_, fetch, error) => {
    const unhandled = await unhandledDuring(async () => {
      const cache = new BackgroundCache<string>({ ttl: 60_000, random: () => 0.5, fetch })
      const reads = [settlement(cache.get()), settlement(cache.read()), settlement(cache.refresh())]
      await pass(0)
      await flush()
      for (const read of reads.slice(0, 2)) {
        expect(read.state).toBe('rejected')
        expect(read.error).toBe(error)
      }
      expect(reads[2]?.state).toBe('rejected')
      expect(cache.getSnapshot().failure).toMatchObject({ error })
      expect(cache.getSnapshot().failure).toBeDefined()
      await expect(cache.get().catch((reason: unknown) => ({ reason }))).resolves.toEqual({ reason: error })
      cache.set('recovered')
      await expect(cache.get()).resolves.toBe('recovered')
    })
    expect(unhandled).toEqual([])
  })

  it.each(failing)('L11 a fetch that %s behind a reader is not seen by it', async (_, failed, error) => {
    const unhandled = await unhandledDuring(async () => {
      let down = false
      const cache = new BackgroundCache<string>({
        ttl: 60_000,
        refreshWindow: 20_000,
        random: () => 0.5,
        fetch: (context, previous) => (down ? failed(context, previous) : 'held'),
      })
      const kinds: string[] = []
      await cache.get()
      cache.on(({ kind }) => {
        kinds.push(kind)
      })
      await pass(40_000)
      down = true
      await expect(cache.get()).resolves.toBe('held')
      await pass(0)
      await expect(cache.get()).resolves.toBe('held')
      expect(kinds).toContain('fetch-failed')
      expect(cache.inspect().lastError).toBe(error)
      expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'held', failure: { attempts: 1 } })
      expect(cache.getSnapshot().failure?.error).toBe(error)
      down = false
      await pass(1_000)
      await cache.get()
      await flush()
      expect(cache.tryGet()).toBe('held')
      expect(cache.getSnapshot().failure).toBeUndefined()
    })
    expect(unhandled).toEqual([])
  })

  it('L11 a fetch that settles twice counts once', async () => {
    const unhandled = await unhandledDuring(async () => {
      const cache = new BackgroundCache<string>({
        ttl: 60_000,
        fetch: () => ({
          // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is the point
          then(resolve?: ((value: string) => unknown) | null, reject?: ((reason: unknown) => unknown) | null) {
            resolve?.('first')
            reject?.(new Error('too late'))
            resolve?.('second')
            throw new Error('later still')
          },
        }),
      })
      await expect(cache.get()).resolves.toBe('first')
      expect(cache.tryGet()).toBe('first')
      expect(cache.getSnapshot().failure).toBeUndefined()
    })
    expect(unhandled).toEqual([])
  })

  it('L11 a fetch nobody waits for any more rejects into silence', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = await cacheHolding<string>('held')
      await pass(45_000)
      await cache.get()
      cache.set('newer')
      call().reject(new Error('too late'))
      await flush()
      expect(cache.getSnapshot()).toMatchObject({ status: 'current', value: 'newer', failure: undefined })
    })
    expect(unhandled).toEqual([])
  })

  it('L11 every waiter that hears of a failure handles it alone', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = emptyCache()
      const controller = new AbortController()
      const reads = [
        settlement(cache.get({ signal: controller.signal })),
        settlement(cache.get({ maxWait: 100 })),
        settlement(cache.get()),
      ]
      await flush()
      controller.abort()
      await pass(100)
      call().reject(new Error('down'))
      await flush()
      expect(reads.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected'])
      expect(reads[2]?.error).toEqual(new Error('down'))
    })
    expect(unhandled).toEqual([])
  })

  it('L11 a failure behind a reader is told three ways', async () => {
    const one = await cacheHolding<string>('held', { name: 'prices' })
    await pass(45_000)
    const error = new Error('down')
    const failure = await failBehind(one, error)
    const at = Date.now()
    expect(failure).toEqual({ error, at, attempts: 1, nextAttemptAt: at + 750 })
    expect(one.cache.inspect()).toMatchObject({ status: 'current', lastError: error, nextAttemptAt: at + 750 })
    expect(one.events.find(({ kind }) => kind === 'fetch-failed')).toMatchObject({
      kind: 'fetch-failed',
      name: 'prices',
      at,
      reason: 'aging',
      class: 'retry',
      error,
      tookMs: 0,
      nextAttemptAt: at + 750,
    })
  })

  const hostile = () => {
    throw new Error('a callback broke')
  }
  it.each<[string, Options<string>]>([
    ['equals', { equals: hostile }],
    ['isNewer', { isNewer: hostile }],
    ['expiresAt', { expiresAt: (value) => (value === 'held' ? undefined : hostile()) }],
    ['classifyError', { classifyError: hostile }],
    ['retryAfter', { retryAfter: hostile }],
  ])('L11 a throwing %s harms no reader while a value may be served', async (_, options) => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, fetch, call } = await cacheHolding<string>('held', options)
      await pass(41_000)
      await expect(cache.get()).resolves.toBe('held')
      await flush()
      call().resolve('next')
      await flush()
      await expect(cache.get()).resolves.toMatch(/held|next/)
      await pass(2_000)
      void settlement(cache.refresh())
      await flush()
      expect(fetch.calls.length).toBeGreaterThanOrEqual(3)
      call().reject(new Error('down'))
      await flush()
      await expect(cache.get()).resolves.toMatch(/held|next/)
      expect(cache.getSnapshot().status).toBe('current')
      expect(cache.getSnapshot().failure).toBeDefined()
    })
    expect(unhandled).toEqual([])
  })

  it.each<[string, Options<string>]>([
    ['classifyError', { classifyError: hostile }],
    ['retryAfter', { retryAfter: hostile }],
  ])('L11 a throwing %s does not take the place of the error of the fetch', async (_, options) => {
    const { cache, call } = emptyCache(options)
    const read = settlement(cache.get())
    const error = new Error('down')
    await flush()
    call().reject(error)
    await flush()
    expect(read.error).toBe(error)
    await expect(cache.get()).rejects.toBe(error)
    expect(cache.getSnapshot().failure?.nextAttemptAt).toBe(Date.now() + 750)
  })

  it('L11 a throwing waitUntil harms no reader', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { cache, call } = await cacheHolding<string>('held')
      await pass(41_000)
      await expect(cache.get({ waitUntil: hostile })).resolves.toBe('held')
      call().resolve('next')
      await flush()
      expect(cache.tryGet()).toBe('next')
    })
    expect(unhandled).toEqual([])
  })

  it('L11 a context used after the fetch is over harms nobody', async () => {
    const { cache, call } = await cacheHolding<string>('held')
    const renewal = cache.refresh()
    await flush()
    call().resolve('next')
    await renewal
    expect(() => call(0).context.notModified()).toThrow(TypeError)
    call().context.notModified()
    expect(cache.tryGet()).toBe('next')
  })
})
