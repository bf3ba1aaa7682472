/** A tier that is down, slow or hung costs a reader at most its deadline, and is left alone after it failed too often. */

import { BackendError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'
import { backendDeadline, type Fleet, fleet, outcome, type Process, settle, ttl } from '../support/tiers.ts'

const down = new Error('down')

/** Reads a key that nobody has, through a look-up that fails at once. */
async function failOnce({ tier, cache, calls }: Process<string>, key: string): Promise<void> {
  tier.fail(down)
  const reading = cache.get(key)
  await settle()
  await calls
    .filter((call) => call.key === key)
    .at(-1)
    ?.resolve('v')
  await reading
  await settle()
}

/** A process whose breaker has just opened: by five look-ups of keys that nobody reads again. */
async function open(world: Fleet, process = world.start({}, {})): Promise<Process<string>> {
  process.tier.fail(down, 'get')
  process.tier.answer(() => undefined, 'set')
  for (let index = 0; index < 5; index++) await outcome(process.cache.find(`f${index}`))
  return process
}

describe('the deadline of a look-up', () => {
  it('is 200 ms: then the source is asked', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang()
    const reading = await a.read('k')
    await clock.advance(backendDeadline - 1)
    expect(a.calls).toHaveLength(0)
    await clock.advance(1)
    expect(a.calls).toHaveLength(1)
    await a.call().resolve('v')
    expect(reading.value).toMatchObject({ value: 'v', from: 'source' })
    expect(a.events).toContainEqual(expect.objectContaining({ kind: 'backend-failed', operation: 'get' }))
  })

  it('can be chosen, and its length is a duration', async () => {
    const { start, clock } = fleet()
    const a = start({}, { backendDeadline: '50ms' })
    a.tier.hang()
    await a.read('k')
    await clock.advance(49)
    expect(a.calls).toHaveLength(0)
    await clock.advance(1)
    expect(a.calls).toHaveLength(1)
  })

  it('ends the call: its signal fires', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang()
    await a.read('k')
    const signal = a.tier.calls[0]?.signal
    expect(signal?.aborted).toBe(false)
    await clock.advance(backendDeadline)
    expect(signal?.aborted).toBe(true)
  })

  it('lets a slow tier answer in time', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const reading = await b.read('k')
    await clock.advance(backendDeadline - 1)
    await gate.open()
    expect(reading.value).toMatchObject({ value: 'v', from: 'backend' })
  })

  it('makes what comes later change nothing', async () => {
    const { start, clock } = fleet()
    await start().load('k', 'old')
    await clock.advance(1000)
    const b = start()
    const gate = b.tier.hold('get', 'after')
    const reading = await b.read('k')
    await clock.advance(backendDeadline)
    await b.call().resolve('new')
    await gate.open()
    expect(reading.value).toMatchObject({ value: 'new', from: 'source' })
    expect(b.cache.peek('k')).toBe('new')
  })

  it('keeps an unreachable tier from being an error, and the value stays under its ttl', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.fail(down)
    const reading = await a.get('k')
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
    await clock.advance(ttl - 1)
    expect(a.cache.peek('k')).toBe('v')
    await clock.advance(1)
    expect(a.cache.peek('k')).toBeUndefined()
  })

  it('is spent once by a read, not once by each step', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang()
    const reading = await a.get('k')
    await clock.advance(backendDeadline)
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
  })

  it('counts within maxWait', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang()
    const reading = settlement(a.cache.get('k', { maxWait: 100 }))
    await clock.advance(100)
    expect(reading.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
    await clock.advance(100)
    await a.call().resolve('v')
    expect(a.cache.peek('k')).toBe('v')
  })

  it('L15 a reader’s own signal ends his wait for the tier, and nobody asks the source for him', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang()
    const leaving = new AbortController()
    const reading = settlement(a.cache.get('k', { signal: leaving.signal }))
    await settle()
    leaving.abort(down)
    await settle()
    expect(reading.error).toBe(down)
    await clock.advance(0)
    expect(a.calls.length).toBeLessThanOrEqual(1)
  })
})

describe('L5 the source is asked only when it is needed', () => {
  it('not for a look-up that was superseded with nobody left waiting', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('get')
    const leaving = new AbortController()
    const reading = outcome(a.cache.get('k', { signal: leaving.signal }))
    await settle()
    leaving.abort(down)
    await settle()
    const dropped = a.cache.invalidate('k')
    await gate.open()
    await dropped
    await reading
    expect(a.calls).toHaveLength(0)
  })

  it('not after dispose()', async () => {
    const { start, clock } = fleet()
    const a = start()
    const gate = a.tier.hold('get')
    const reading = settlement(a.cache.get('k'))
    await settle()
    const disposed = a.registry.dispose()
    await clock.advance(10_000)
    await gate.open()
    await disposed
    expect(reading.error).toMatchObject({ code: 'DISPOSED' })
    expect(a.calls).toHaveLength(0)
  })

  it('not when set() came during the look-up', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('get')
    const reading = settlement(a.cache.get('k'))
    await settle()
    await a.cache.set('k', 'new')
    await gate.open()
    expect(reading.value).toBe('new')
    expect(a.calls).toHaveLength(0)
  })
})

describe('the breaker', () => {
  it('opens after five failures in a row, and then nobody waits for the tier', async () => {
    const world = fleet()
    const a = await open(world)
    expect(a.tier.count('get')).toBe(5)
    a.tier.hang()
    await a.read('k')
    expect([a.tier.count('get'), a.calls.length]).toEqual([5, 1])
    expect(a.kinds()).toContain('backend-suspended')
  })

  it('does not open after four, nor when a success comes in between', async () => {
    const { start } = fleet()
    const a = start()
    a.tier.fail(down, 'get')
    for (let index = 0; index < 4; index++) await outcome(a.cache.find(`f${index}`))
    a.tier.heal()
    await a.cache.find('g')
    a.tier.fail(down, 'get')
    for (let index = 0; index < 4; index++) await outcome(a.cache.find(`h${index}`))
    expect(a.tier.count('get')).toBe(9)
    expect(a.kinds()).not.toContain('backend-suspended')
  })

  it('counts those that hung', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang('get')
    for (let index = 0; index < 5; index++) {
      const found = outcome(a.cache.find(`f${index}`))
      await clock.advance(backendDeadline)
      expect(await found).toBeInstanceOf(BackendError)
    }
    await outcome(a.cache.find('g'))
    expect(a.tier.count('get')).toBe(5)
  })

  it('makes find() reject at once, and set() and invalidate() too', async () => {
    const a = await open(fleet())
    a.tier.hang()
    expect(await outcome(a.cache.find('k'))).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
    expect(await outcome(a.cache.set('k', 'v'))).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await outcome(a.cache.invalidate('k'))).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
  })

  it('lets one probe through after a second, and closes when it succeeds', async () => {
    const { clock, ...world } = fleet()
    const a = await open({ clock, ...world })
    await clock.advance(999)
    await outcome(a.cache.find('k'))
    expect(a.tier.count('get')).toBe(5)
    await clock.advance(1)
    a.tier.heal()
    expect(await a.cache.find('k')).toBeUndefined()
    expect(a.tier.count('get')).toBe(6)
    await a.cache.find('j')
    expect(a.tier.count('get')).toBe(7)
    expect(a.kinds()).toContain('backend-resumed')
  })

  it('lets only one probe through at a time', async () => {
    const world = fleet()
    const a = await open(world)
    await world.clock.advance(1000)
    a.tier.hang()
    const before = a.tier.count()
    const found = [outcome(a.cache.find('p'))]
    await settle()
    found.push(outcome(a.cache.find('q')))
    await settle()
    found.push(outcome(a.cache.find('r')))
    await settle()
    expect(a.tier.count()).toBe(before + 1)
    await world.clock.advance(backendDeadline)
    expect(await Promise.all(found)).toEqual([
      expect.any(BackendError),
      expect.any(BackendError),
      expect.any(BackendError),
    ])
  })

  it('waits twice as long after each failed probe, at most 30 s', async () => {
    const world = fleet()
    const a = await open(world)
    for (const wait of [1, 2, 4, 8, 16, 30, 30, 30]) {
      const before = a.tier.count('get')
      await world.clock.advance(wait * 1000 - 1)
      await outcome(a.cache.find('k'))
      expect(a.tier.count('get'), `before ${wait} s`).toBe(before)
      await world.clock.advance(1)
      await outcome(a.cache.find('k'))
      expect(a.tier.count('get'), `after ${wait} s`).toBe(before + 1)
    }
  })

  it('begins anew at a second after it was closed', async () => {
    const world = fleet()
    const a = await open(world)
    await world.clock.advance(1000)
    await outcome(a.cache.find('k'))
    await world.clock.advance(2000)
    a.tier.heal()
    await a.cache.find('k')
    await open(world, a)
    const before = a.tier.count('get')
    await world.clock.advance(1000)
    await outcome(a.cache.find('k'))
    expect(a.tier.count('get')).toBe(before + 1)
  })

  it('makes no timer that runs by itself: an idle process asks nothing', async () => {
    const world = fleet()
    const a = await open(world)
    await world.clock.advance(600_000)
    expect(a.tier.count('get')).toBe(5)
  })

  it.each([
    ['refuses', () => undefined],
    ['is full', () => Promise.reject(new BackendError('full', { operation: 'set', reason: 'full' }))],
  ])('stays closed for a tier that %s', async (_, how) => {
    const { start } = fleet()
    const a = start()
    a.tier.answer(how, 'set')
    for (let index = 0; index < 12; index++) await a.load(`k${index}`, 'v')
    a.tier.heal()
    expect(await a.cache.find('nothing')).toBeUndefined()
    expect(a.kinds()).not.toContain('backend-suspended')
    await a.cache.set('j', 'w')
    expect(a.cache.peek('j')).toBe('w')
  })

  it('stays closed for misses and for what does not decode', async () => {
    const { start, clock } = fleet()
    const codec = {
      encode: () => new Uint8Array([1]),
      decode: (): string => {
        throw down
      },
    }
    const a = start({ codec })
    for (let index = 0; index < 12; index++) {
      await a.load(`k${index}`, 'v')
      await clock.advance(1)
    }
    const b = start({ codec })
    for (let index = 0; index < 12; index++) await b.cache.find(`k${index}`)
    expect(b.kinds()).not.toContain('backend-suspended')
  })

  it('of one process is not that of another', async () => {
    const world = fleet()
    await open(world)
    await world.start().load('k', 'v')
    expect((await world.start().get('k')).value).toBe('v')
  })

  it('open or not, reads are no errors while the source answers', async () => {
    const { start, clock } = fleet()
    const a = start()
    for (let index = 0; index < 10; index++) await failOnce(a, `k${index}`)
    expect(a.cache.size).toBe(10)
    a.tier.heal()
    await clock.advance(1000)
    expect(await a.cache.find('nothing')).toBeUndefined()
  })

  it('closed again, what was fetched meanwhile is served from memory and refreshes go to the tier again', async () => {
    const { start, clock } = fleet()
    const a = start()
    for (let index = 0; index < 6; index++) await failOnce(a, `k${index}`)
    a.tier.heal()
    await clock.advance(45_000)
    expect(await a.cache.get('k5')).toBe('v')
    await settle()
    await a.call('k5').resolve('w')
    await a.registry.flush()
    expect(await start().cache.find('k5')).toBe('w')
  })
})
