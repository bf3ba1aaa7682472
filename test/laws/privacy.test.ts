/** L19: nothing of ours ever spells out a value. */
import { inspect } from 'node:util'
import { BackgroundCache, type CacheEvent, InvalidValueError, type StandardSchema } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { attempt } from '../support/attempt.ts'
import { pass, useFakeTime } from '../support/fake-time.ts'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'

const secret = 'S3CR3T-t0ken'
const other = `${secret}-2`

interface Token {
  readonly token: string
}

useFakeTime()

/** Everything a logger might make of something. */
const spelled = (thing: unknown): string =>
  [
    inspect(thing, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(thing, (_, part) => (part instanceof Error ? { ...part, message: part.message } : part)),
    String(thing),
    thing instanceof Error ? `${thing.message} ${thing.stack} ${inspect(thing.cause, { depth: 9 })}` : '',
  ].join('\n')

describe('a cache', () => {
  it.each<[string, (cache: BackgroundCache<Token>) => unknown]>([
    ['holding a value', () => undefined],
    ['with a fetch in the air', (cache) => settlement(cache.refresh())],
    ['with waiters', (cache) => [cache.expire(), settlement(cache.get()), settlement(cache.get({ maxWait: '1s' }))]],
    ['with a queued refresh', (cache) => [settlement(cache.refresh()), settlement(cache.refresh())]],
    ['with observers', (cache) => [cache.keepFresh(), cache.subscribe(() => {}), settlement(cache.values().next())]],
    ['with a value set', (cache) => cache.set({ token: other })],
    ['invalidated', (cache) => cache.invalidate()],
    ['disposed', (cache) => cache.dispose()],
  ])('L19 %s shows none in util.inspect, JSON or String', async (_, act) => {
    let calls = 0
    const cache = new BackgroundCache<Token>({
      ttl: 60_000,
      name: 'tokens',
      fetch: () => (calls++ === 0 ? { token: secret } : new Promise<never>(() => {})),
    })
    await cache.get()
    await act(cache)
    await flush()
    expect(spelled(cache)).not.toContain(secret)
    expect(spelled({ nested: [cache] })).not.toContain(secret)
    expect(spelled(cache.inspect())).not.toContain(secret)
    expect(spelled(cache.stats?.())).not.toContain(secret)
    cache.dispose()
  })

  it('L19 iterator shows none either', async () => {
    const cache = new BackgroundCache<Token>({ ttl: 60_000, fetch: () => ({ token: secret }) })
    const values = cache.values()
    await values.next()
    cache.set({ token: other })
    expect(spelled(values)).not.toContain(secret)
    cache.dispose()
  })

  it('L19 a snapshot holds it on purpose', async () => {
    const cache = new BackgroundCache<Token>({ ttl: 60_000, fetch: () => ({ token: secret }) })
    await cache.get()
    expect(spelled(cache.getSnapshot())).toContain(secret)
  })
})

describe('an event', () => {
  it('L19 never carries a value, whatever happens', async () => {
    let outcome: (now: number) => unknown = () => ({ token: secret })
    const events: CacheEvent[] = []
    const cache = new BackgroundCache<Token>({
      ttl: 60_000,
      refreshWindow: 20_000,
      staleIfError: '1m',
      fetchTimeout: '10s',
      random: () => 0.5,
      isNewer: (next) => next.token !== `${secret}-old`,
      fetch: (context) => outcome(context.startedAt) as Token,
    })
    cache.on((event) => {
      events.push(event)
    })
    cache.subscribe(() => {
      throw new Error('a listener broke')
    })
    await cache.get()
    cache.set({ token: other })
    cache.seed({ token: secret })
    outcome = () => ({ token: `${secret}-old` })
    await cache.refresh().catch(() => undefined)
    cache.expire()
    outcome = () => Promise.reject(new Error('down'))
    await cache.get()
    await pass(2_000)
    outcome = () => new Promise(() => {})
    void settlement(cache.refresh())
    await pass(10_000)
    outcome = () => new Promise((resolve) => setTimeout(resolve, 5_000, { token: secret }))
    const superseded = settlement(cache.refresh())
    await pass(1_000)
    cache.set({ token: other })
    await pass(10_000)
    expect(superseded.state).toBe('fulfilled')
    cache.invalidate({ ifValue: cache.peek() as Token })
    cache.seed({ token: secret })
    cache.dispose()
    const kinds = new Set(events.map(({ kind }) => kind))
    for (const kind of [
      'fetch-succeeded',
      'fetch-failed',
      'fetch-discarded',
      'value-set',
      'value-seeded',
      'served-stale',
      'invalidated',
      'listener-failed',
    ])
      expect(kinds).toContain(kind)
    expect(spelled(events)).not.toContain(secret)
  })
})

describe('an error of ours', () => {
  const failing = async (options: object) => {
    const Cache = BackgroundCache as unknown as new (options: object) => BackgroundCache<Token>
    const cache = new Cache({ ttl: 60_000, fetchTimeout: '10s', ...options })
    const read = settlement(cache.get())
    await pass(20_000)
    expect(read.state).toBe('rejected')
    return { cache, error: read.error }
  }

  it.each<[string, unknown, unknown]>([
    ['a wrong type', z.object({ token: z.number() }), { token: secret }],
    ['a wrong literal', z.object({ token: z.literal('x') }), { token: secret }],
    ['a wrong choice', z.object({ token: z.enum(['a', 'b']) }), { token: secret }],
    [
      'a failed refinement',
      z.object({ token: z.string().refine((text) => text === '', { error: ({ input }) => `bad ${input}` }) }),
      { token: secret },
    ],
    ['a wrong pattern', z.object({ token: z.string().regex(/^x$/) }), { token: secret }],
    ['no union member', z.union([z.number(), z.object({ token: z.boolean() })]), { token: secret }],
    ['not an object', z.object({ token: z.string() }), secret],
  ])('L19 keeps path and code only of a zod issue: %s', async (_, schema, value) => {
    const { cache, error } = await failing({ schema: schema as StandardSchema<Token>, fetch: () => value as Token })
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(spelled(error)).not.toContain(secret)
    expect(spelled(cache)).not.toContain(secret)
    const issues = (error as InvalidValueError).issues
    expect(issues.length).toBeGreaterThan(0)
    for (const issue of issues) expect(['code', 'path']).toEqual(expect.arrayContaining(Object.keys(issue)))
  })

  it('L19 keeps the path and the code of a zod issue', async () => {
    const schema = z.object({ list: z.array(z.object({ n: z.number() })) })
    const { error } = await failing({ schema: schema as never, fetch: () => ({ list: [{ n: secret }] }) as never })
    expect((error as InvalidValueError).issues).toEqual([{ path: ['list', 0, 'n'], code: 'invalid_type' }])
  })

  it('L19 keeps nothing else of an issue made by hand', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'by hand',
        validate: (value: unknown) => ({
          issues: [{ message: `${secret} is bad`, input: value, received: value, path: ['token'], extra: { value } }],
        }),
      },
    } as unknown as StandardSchema<Token>
    const { error } = await failing({ schema, fetch: () => ({ token: secret }) })
    expect(spelled(error)).not.toContain(secret)
    expect((error as InvalidValueError).issues).toMatchObject([{ path: ['token'] }])
  })

  it.each<[string, object]>([
    ['past its own expiry', { fetch: () => ({ token: secret }), expiresAt: () => 1_800_000 }],
    ['with a nonsensical expiry', { fetch: () => ({ token: secret }), expiresAt: () => secret as never }],
    ['timed out', { fetch: () => new Promise((resolve) => setTimeout(resolve, 15_000, { token: secret })) }],
  ])('L19 does not spell out the value that came %s', async (_, options) => {
    const { cache, error } = await failing(options)
    expect(spelled(error)).not.toContain(secret)
    expect(spelled(cache)).not.toContain(secret)
  })

  it('L19 does not spell out a rejected value', async () => {
    let calls = 0
    const cache = new BackgroundCache<Token>({ ttl: 60_000, fetch: () => ({ token: `${secret}${calls++}` }) })
    cache.invalidate({ ifValue: await cache.get() })
    cache.invalidate({ ifValue: await cache.get() })
    const error = await cache.get().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'VALUE_REJECTED' })
    expect(spelled(error)).not.toContain(secret)
    expect(spelled(cache.inspect())).not.toContain(secret)
  })

  it('L19 does not spell out what a reader could not wait for', async () => {
    let calls = 0
    const cache = new BackgroundCache<Token>({
      ttl: 60_000,
      fetch: () => (calls++ === 0 ? { token: secret } : new Promise<never>(() => {})),
    })
    await cache.get()
    await pass(60_000)
    const read = settlement(cache.get({ maxWait: 100 }))
    await pass(100)
    expect(read.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    expect(spelled(read.error)).not.toContain(secret)
  })

  it.each<[string, (cache: BackgroundCache<Token>, value: Token) => unknown]>([
    ['invalidate()', (cache, value) => cache.invalidate(value as never)],
    ['invalidate(), its text', (cache, value) => cache.invalidate(value.token as never)],
    ['get()', (cache, value) => cache.get(value as never)],
    ['refresh()', (cache, value) => cache.refresh(value as never)],
    ['set(), twice', (cache, value) => cache.set(value, value as never)],
    ['seed(), twice', (cache, value) => cache.seed(value, value as never)],
  ])('L19 does not spell out a value given where it does not belong: %s', async (_, act) => {
    const cache = new BackgroundCache<Token>({ ttl: 60_000, fetch: () => ({ token: secret }) })
    const value = await cache.get()
    const { error } = await attempt(() => act(cache, value))
    expect(spelled(error)).not.toContain(secret)
  })

  it('L19 does not spell out what it was asked to set', async () => {
    const cache = new BackgroundCache<Token>({ ttl: 60_000, fetch: () => ({ token: secret }) })
    await cache.get()
    for (const act of [
      () => cache.set({ token: other }, { expiresAt: Number.NaN }),
      () => cache.set({ token: other }, { expiresAt: 'never' as never }),
      () => cache.seed({ token: other }, { fetchedAt: Number.NaN }),
    ]) {
      try {
        act()
      } catch (error) {
        expect(spelled(error)).not.toContain(secret)
      }
    }
    cache.dispose()
    try {
      cache.set({ token: other })
    } catch (error) {
      expect(spelled(error)).not.toContain(secret)
    }
  })
})
