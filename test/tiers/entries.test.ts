/** The live handle and the weak handle of a key whose value may lie in a tier. */

import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'
import { EPOCH, fleet, outcome, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

describe('entry()', () => {
  it('shows what a read found in the tier', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const entry = b.cache.entry('k')
    const seen: unknown[] = []
    const end = entry.subscribe(({ status, value }) => seen.push([status, value]))
    expect(await entry.get()).toBe('v')
    expect(entry.getSnapshot()).toMatchObject({
      status: 'current',
      value: 'v',
      fetchedAt: EPOCH,
      expiresAt: EPOCH + ttl,
    })
    expect(seen.at(-1)).toEqual(['current', 'v'])
    expect(b.calls).toHaveLength(0)
    end()
  })

  it('read() says that it came from the tier', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    expect(await start().cache.entry('k').read()).toMatchObject({ value: 'v', from: 'backend', stale: false })
  })

  it('only observes by subscribe(): neither tier nor source is asked', async () => {
    const a = fleet().start()
    const end = a.cache.entry('k').subscribe(() => {})
    await settle()
    expect([a.tier.count(), a.calls.length]).toEqual([0, 0])
    end()
  })

  it('keepFresh() begins with the tier', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const end = b.cache.entry('k').keepFresh()
    await settle()
    expect([b.cache.peek('k'), b.calls.length]).toEqual(['v', 0])
    end()
  })

  it('keepFresh() fetches at the window and tells the tier', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    const end = b.cache.entry('k').keepFresh()
    await clock.advance(41_000)
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('w')
    end()
    await b.registry.flush()
    expect(await start().cache.find('k')).toBe('w')
  })

  it('keepFresh() obeys the cool-down while tier and source are down', async () => {
    const { start, clock } = fleet()
    const b = start()
    b.tier.fail(down)
    const end = b.cache.entry('k').keepFresh()
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000)
      for (const call of b.calls) await call.reject(down)
    }
    expect(b.calls.length).toBeGreaterThan(2)
    expect(b.calls.length).toBeLessThanOrEqual(20)
    end()
  })

  it('values() gives what the tier has, then what is fetched', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    const values = b.cache.entry('k').values()
    expect((await values.next()).value).toBe('v')
    const next = settlement(values.next())
    await clock.advance(41_000)
    await b.call().resolve('w')
    expect(next.value?.value).toBe('w')
    await values.return?.()
  })

  it('values() gives another process’s value that a refresh ahead found', async () => {
    const { start, clock } = fleet()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    const values = b.cache.entry('k').values()
    expect((await values.next()).value).toBe('v')
    const next = settlement(values.next())
    await clock.advance(20_000)
    await a.cache.set('k', 'w')
    await clock.advance(25_000)
    expect(next.value?.value).toBe('w')
    expect(b.calls).toHaveLength(0)
    await values.return?.()
  })

  it('set() shows nothing before the tier accepted, and nothing if it does not', async () => {
    const a = fleet().start()
    await a.load('k', 'old')
    const entry = a.cache.entry('k')
    const seen: unknown[] = []
    const end = entry.subscribe(({ value }) => seen.push(value))
    a.tier.fail(down, 'set')
    expect(await outcome(entry.set('new'))).toMatchObject({ code: 'BACKEND' })
    expect([seen, entry.peek()]).toEqual([[], 'old'])
    a.tier.heal()
    await entry.set('new')
    expect([seen.at(-1), entry.peek()]).toEqual(['new', 'new'])
    end()
  })

  it('invalidate() shows it empty at the call', async () => {
    const a = fleet().start()
    await a.load('k', 'v')
    const entry = a.cache.entry('k')
    a.tier.hang('delete')
    const dropped = outcome(entry.invalidate())
    expect(entry.getSnapshot().status).toBe('empty')
    void dropped
  })

  it('expire() and refresh() are those of the type', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    await clock.advance(1)
    const b = start()
    const entry = b.cache.entry('k')
    await entry.expire()
    const reading = settlement(entry.get())
    await settle()
    await b.call().resolve('w')
    expect(reading.value).toBe('w')
    const refreshed = entry.refresh()
    await settle()
    await b.call().resolve('x')
    expect(await refreshed).toBe('x')
    await b.registry.flush()
    expect(await start().cache.find('k')).toBe('x')
  })

  it('gives one promise to repeated get()s of a look-up while it is observed', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const entry = b.cache.entry('k')
    const end = entry.subscribe(() => {})
    const gate = b.tier.hold('get', 'after')
    const [one, two] = [entry.get(), entry.get()]
    expect(one).toBe(two)
    await settle()
    await gate.open()
    expect(await one).toBe('v')
    end()
  })
})

describe('weak()', () => {
  it('find() and get() look in the tier', async () => {
    const { start } = fleet()
    await start().load('k', 'v')
    const weak = start().cache.weak()
    expect(await weak.find('k')).toBe('v')
    expect(
      await start()
        .cache.weak()
        .get('k', { fetch: () => 'other' }),
    ).toBe('v')
  })

  it('set() is write-through and says that it was set', async () => {
    const { start } = fleet()
    const a = start()
    expect(await a.cache.weak().set('k', 'v')).toBe(true)
    expect(await start().cache.find('k')).toBe('v')
  })

  it('set() that the tier does not take is an error or false, and memory is as it was', async () => {
    const a = fleet().start()
    a.tier.fail(down, 'set')
    const end = await outcome(a.cache.weak().set('k', 'v'))
    expect(end === false || (end as { code?: string }).code === 'BACKEND').toBe(true)
    expect(a.cache.peek('k')).toBeUndefined()
  })
})
