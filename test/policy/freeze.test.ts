/** What `freeze: true` freezes, what it leaves alone, and where it does nothing. */
import { BackgroundCache } from 'evercurrent'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freezeDeep, isProduction } from '../../src/policy/freeze.ts'

describe('freezeDeep', () => {
  it('freezes objects and arrays through and through, also behind hidden and symbol keys', () => {
    const symbol = Symbol('key')
    const parts = [{}, {}, [{}], new Date(0)] as const
    const value = Object.defineProperty({ [symbol]: parts[0], list: [parts[2]], date: parts[3] }, 'hidden', {
      value: parts[1],
    })
    freezeDeep(value)
    expect([value, value.list, ...parts, parts[2][0]].map(Object.isFrozen)).toEqual(Array(7).fill(true))
  })

  it('goes as deep as the value does', () => {
    let value: { inner?: object } = {}
    const innermost = value
    for (let depth = 0; depth < 20_000; depth++) value = { inner: value }
    freezeDeep(value)
    expect(Object.isFrozen(innermost)).toBe(true)
  })

  it('leaves functions and binary data as they are, and calls no accessor', () => {
    const get = vi.fn()
    const call = Object.assign(() => 1, { calls: {} })
    const bytes = Buffer.from('bytes')
    freezeDeep(Object.defineProperty({ call, bytes }, 'computed', { get, enumerable: true }))
    expect([call, call.calls, bytes].map(Object.isFrozen)).toEqual([false, false, false])
    expect(get).not.toHaveBeenCalled()
  })

  it.each([null, undefined, 'text', 0, 10n, Symbol('s')])('takes %o as it is', (value) => {
    expect(() => freezeDeep(value)).not.toThrow()
  })
})

describe('freeze: true', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.unstubAllGlobals()
  })
  const isFrozen = () => {
    const cache = new BackgroundCache<object>({ ttl: 1000, freeze: true, fetch: () => ({}) })
    cache.set({})
    return Object.isFrozen(cache.peek())
  }

  it.each([
    ['production', false],
    ['development', true],
    ['', true],
    [undefined, true],
  ])('in an environment named %o: %s', (name, frozen) => {
    vi.stubEnv('NODE_ENV', name)
    expect(isFrozen()).toBe(frozen)
  })

  it.each([undefined, {}])('is in force where the process is %o, as in a browser', (process) => {
    const production = [isProduction()]
    vi.stubGlobal('process', process)
    production.push(isProduction())
    vi.unstubAllGlobals()
    expect(production).toEqual([false, false])
  })
})
