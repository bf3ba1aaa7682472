/** L2, L10, L17 and L18: what a fetch may not bring, in the words in which its waiters and the log are told. */
import { BackgroundCache, InvalidValueError, type Issue, type StandardSchema } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { pass, START, useFakeTime } from '../support/fake-time.ts'
import { cacheHolding, emptyCache } from '../support/one-value.ts'

useFakeTime()

const refusalOf = async (read: Promise<unknown>): Promise<InvalidValueError> => {
  const error = await read.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InvalidValueError)
  return error as InvalidValueError
}

/** A schema that refuses everything, with these issues. */
const refusing = (...issues: readonly unknown[]): StandardSchema<number> => ({
  '~standard': { version: 1, vendor: 'by hand', validate: () => ({ issues }) },
})

describe('a fetch that brings no value', () => {
  it('L18 and undefined is told what stands for "nothing"', async () => {
    const cache = new BackgroundCache<string>({ ttl: 60_000, fetch: () => undefined as never })
    const { message, issues } = await refusalOf(cache.get())
    expect(message).toBe('The fetch resolved to undefined: use null')
    expect(issues).toEqual([])
  })

  it('L18 and undefined has failed, whatever the schema would make of that', async () => {
    const schema = z.string().default('none')
    const cache = new BackgroundCache<string>({ ttl: 60_000, schema, fetch: () => undefined })
    expect((await refusalOf(cache.get())).message).toBe('The fetch resolved to undefined: use null')
  })

  it('L17 and notModified() while nothing is held is told so at the call', async () => {
    const { cache, call } = emptyCache()
    void cache.get()
    const { notModified } = call().context
    expect(notModified).toThrow(new TypeError('Cannot answer notModified(): nothing was held when this fetch started'))
  })

  it('L17 and a notModified() kept from another fetch is told that nothing was held', async () => {
    const { cache, call } = await cacheHolding<string>('one')
    const renewal = cache.refresh()
    const kept = call().context.notModified()
    call().resolve(kept)
    await renewal
    cache.invalidate()
    const read = cache.get()
    call().resolve(kept)
    expect((await refusalOf(read)).message).toBe('The fetch resolved to notModified, but nothing was held')
  })
})

describe('a value that has its own expiry', () => {
  it.each([
    ['in that very millisecond', 0, 'rejected'],
    ['a millisecond later', 1, 'fulfilled'],
  ])('L2 has failed to arrive if that is %s: %i ms left', async (_, left, ends) => {
    const { cache, call, events } = emptyCache({ expiresAt: () => START + 500 + left })
    const read = cache.get()
    await pass(500)
    call().resolve('v')
    const [{ status }] = await Promise.allSettled([read])
    expect(status).toBe(ends)
    expect(events.map(({ kind }) => kind)).not.toContain('slower-than-ttl')
  })
})

describe('a value found unmodified', () => {
  it('L17 is understood from a fetch that another copy of the package told', async () => {
    const { cache, call } = await cacheHolding<string>('held')
    const renewal = cache.refresh()
    call().resolve({ [Symbol.for('evercurrent.notModified')]: true } as never)
    await expect(renewal).resolves.toBe('held')
  })

  it('L10 stays the successor of a rejected one: rejected as well, it starts the cool-down', async () => {
    const { cache, fetch, call } = await cacheHolding<string>('bad')
    cache.invalidate({ ifValue: 'bad' })
    const successor = cache.get()
    call().resolve('bad too')
    await successor
    const renewal = cache.refresh()
    call().resolve(call().context.notModified())
    await renewal
    cache.invalidate({ ifValue: 'bad too' })
    await expect(cache.get()).rejects.toThrow('The value was rejected, as the one before it was (2 in a row)')
    expect(fetch.calls).toHaveLength(3)
  })
})

describe('what a schema refuses', () => {
  const fetchChecked = (schema: StandardSchema<number>) =>
    refusalOf(new BackgroundCache<number>({ ttl: 60_000, schema, fetch: () => 1 }).get())

  it.each<[string, readonly unknown[], string, readonly Issue[]]>([
    [
      'every place and rule',
      [
        { path: ['a', 0], code: 'too_small' },
        { path: [{ key: 'b' }], code: 'custom' },
      ],
      'a.0 too_small, b custom',
      [
        { path: ['a', 0], code: 'too_small' },
        { path: ['b'], code: 'custom' },
      ],
    ],
    ['a place without a rule', [{ path: ['a', 'b'] }], 'a.b', [{ path: ['a', 'b'] }]],
    ['a rule for the whole', [{ code: 'custom' }], 'custom', [{ path: [], code: 'custom' }]],
    ['a symbol', [{ path: [Symbol.iterator] }], 'Symbol(Symbol.iterator)', [{ path: [Symbol.iterator] }]],
  ])('L19 is told with %s', async (_, given, where, kept) => {
    const { message, issues } = await fetchChecked(refusing(...given))
    expect(message).toBe(`The fetched value does not match its schema: ${where}`)
    expect(issues).toStrictEqual(kept)
  })

  it('L19 is told without a code that is no word: it may be the value', async () => {
    const { message, issues } = await fetchChecked(refusing({ path: ['pin'], code: 4711 }))
    expect(message).toBe('The fetched value does not match its schema: pin')
    expect(issues).toStrictEqual([{ path: ['pin'] }])
  })
})
