/** set() is write-through: it happens when the tier has accepted it, in call order, or not at all. */

import { BackendError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { settlement } from '../support/settlement.ts'
import { EPOCH, fleet, outcome, settle, ttl, writeDeadline } from '../support/tiers.ts'

const down = new Error('down')

/** A process that holds 'old', in memory and in the tier. */
async function holding(options = {}) {
  const world = fleet()
  const a = world.start(options)
  await a.load('k', 'old')
  return { ...world, a }
}

describe('set() happens when the tier has accepted it', () => {
  it('and not before', async () => {
    const { a } = await holding()
    const gate = a.tier.hold('set')
    const written = settlement(a.cache.set('k', 'new'))
    await settle()
    expect([written.state, a.cache.peek('k'), a.cache.tryGet('k')]).toEqual(['pending', 'old', 'old'])
    await gate.open()
    expect([written.state, a.cache.peek('k')]).toEqual(['fulfilled', 'new'])
  })

  it('in the tier with its times', async () => {
    const { a, start, clock } = await holding({ staleIfError: '1m' })
    await clock.advance(1000)
    await a.cache.set('k', 'new')
    const write = a.tier.calls.at(-1)
    const expiresAt = EPOCH + 1000 + ttl
    expect(write?.stored).toMatchObject({ fetchedAt: EPOCH + 1000, expiresAt, keepUntil: expiresAt + 60_000 })
    expect((await start().read('k')).value).toMatchObject({ value: 'new', from: 'backend' })
  })

  it('with the expiry that is given', async () => {
    const { a } = await holding()
    await a.cache.set('k', 'new', { expiresAt: EPOCH + 5000 })
    expect(a.tier.calls.at(-1)?.stored?.expiresAt).toBe(EPOCH + 5000)
  })

  it('also for a key that this process has never seen, and without a fetch', async () => {
    const a = fleet().start()
    await a.cache.set('k', 'new')
    expect([a.cache.peek('k'), a.calls.length]).toEqual(['new', 0])
  })

  it('and wins over every fetch started before that moment', async () => {
    const { a, start } = await holding()
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'new')
    await settle()
    const other = start()
    const refreshed = outcome(other.cache.refresh('k'))
    await settle()
    await gate.open()
    await written
    await other.call().resolve('late')
    expect(await refreshed).toBe('late')
    await settle()
    expect(other.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBe('new')
  })

  it('and wins over a fetch of its own process that started while it was under way', async () => {
    const { a, start, clock } = await holding()
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'new')
    await settle()
    const refreshed = outcome(a.cache.refresh('k'))
    await clock.advance(200)
    await gate.open()
    await written
    for (const { resolve } of a.calls) await resolve('late')
    expect(await refreshed).toMatch(/^(new|late)$/)
    await a.registry.flush()
    expect(a.cache.peek('k')).toBe('new')
    expect(await start().cache.find('k')).toBe('new')
  })

  it('L9 and resolves the readers waiting at that moment', async () => {
    const a = fleet().start()
    const reading = await a.get('k')
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'new')
    await settle()
    expect(reading.state).toBe('pending')
    await gate.open()
    await written
    expect(reading.value).toBe('new')
  })

  it('L12 and clears the cool-down', async () => {
    const a = fleet().start()
    const reading = await a.get('k')
    await a.call().reject(down)
    expect(reading.error).toBe(down)
    await a.cache.set('k', 'new')
    const [line] = a.registry.inspect()
    expect(line?.lastError).toBeUndefined()
  })

  it('unconditionally: after another process dropped or wrote the key it is accepted', async () => {
    const { a, start } = await holding()
    const b = start()
    await b.cache.invalidate('k')
    await a.cache.set('k', 'one')
    await b.cache.set('k', 'two')
    await a.cache.set('k', 'three')
    expect(await start().cache.find('k')).toBe('three')
  })
})

describe('set() that the tier does not accept', () => {
  const failures: Readonly<Record<string, (answer: (how: () => unknown) => void) => void>> = {
    rejects: (answer) => answer(() => Promise.reject(down)),
    'throws at once': (answer) =>
      answer(() => {
        throw down
      }),
    'throws undefined': (answer) =>
      answer(() => {
        throw undefined
      }),
    'is full': (answer) => answer(() => Promise.reject(new BackendError('full', { operation: 'set', reason: 'full' }))),
    refuses: (answer) => answer(() => undefined),
  }
  it.each(Object.entries(failures))(
    'rejects with BackendError and leaves memory as it was: the tier %s',
    async (_, broken) => {
      const { a, start } = await holding()
      broken((how) => a.tier.answer(how, 'set'))
      const error = await outcome(a.cache.set('k', 'new'))
      expect(error).toBeInstanceOf(BackendError)
      expect((error as BackendError).operation).toBe('set')
      expect(a.cache.peek('k')).toBe('old')
      expect(a.kinds()).not.toContain('value-set')
      expect(await start().cache.find('k')).toBe('old')
    },
  )

  it('keeps the reason that the tier gave', async () => {
    const { a } = await holding()
    a.tier.fail(new BackendError('no room', { operation: 'set', reason: 'full' }), 'set')
    expect(await outcome(a.cache.set('k', 'new'))).toMatchObject({ code: 'BACKEND', reason: 'full' })
    a.tier.heal()
    a.tier.fail(down, 'set')
    expect(await outcome(a.cache.set('k', 'new'))).toMatchObject({ reason: 'failed', cause: down })
  })

  it('rejects when writeDeadline is over, not before, and memory is as it was', async () => {
    const { a, clock } = await holding()
    a.tier.hang('set')
    const written = settlement(a.cache.set('k', 'new'))
    await clock.advance(writeDeadline - 1)
    expect(written.state).toBe('pending')
    await clock.advance(1)
    expect(written.error).toMatchObject({ code: 'BACKEND', operation: 'set', reason: 'unreachable' })
    expect(a.cache.peek('k')).toBe('old')
  })

  it('takes the writeDeadline that is given', async () => {
    const { start, clock } = fleet()
    const a = start({}, { writeDeadline: '1s' })
    a.tier.hang('set')
    const written = settlement(a.cache.set('k', 'new'))
    await clock.advance(1000)
    expect(written.state).toBe('rejected')
  })

  it('leaves readers waiting for the fetch they wait for', async () => {
    const a = fleet().start()
    const reading = await a.get('k')
    a.tier.fail(down, 'set')
    await outcome(a.cache.set('k', 'new'))
    expect(reading.state).toBe('pending')
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
    expect(a.cache.peek('k')).toBe('v')
  })

  it('and that it accepted too late comes to memory with the refresh ahead of time', async () => {
    const { a, clock } = await holding()
    await clock.advance(1000)
    const gate = a.tier.hold('set', 'after')
    const written = outcome(a.cache.set('k', 'new'))
    await clock.advance(writeDeadline)
    expect(await written).toBeInstanceOf(BackendError)
    await gate.open()
    await clock.advance(40_000)
    await a.get('k')
    expect([a.cache.peek('k'), a.calls.length]).toEqual(['new', 1])
  })

  it('is aborted, so that a tier that heeds signals does not carry it out after what came later', async () => {
    const { a, clock, start } = await holding()
    const gate = a.tier.hold('set')
    const written = outcome(a.cache.set('k', 'given up'))
    await clock.advance(writeDeadline)
    expect(await written).toBeInstanceOf(BackendError)
    const signal = a.tier.calls.at(-1)?.signal
    expect(signal?.aborted).toBe(true)
    await a.cache.invalidate('k')
    await gate.open()
    expect(await start().cache.find('k')).toBeUndefined()
  })
})

describe('the mutations of a key go in call order', () => {
  it('two sets: the first is with the tier before the second is sent', async () => {
    const { a, start } = await holding()
    const gate = a.tier.hold('set')
    const order: string[] = []
    const one = a.cache.set('k', 'one').then(() => order.push('one'))
    const two = a.cache.set('k', 'two').then(() => order.push('two'))
    await settle()
    await gate.open()
    await Promise.all([one, two])
    expect(order).toEqual(['one', 'two'])
    expect(a.cache.peek('k')).toBe('two')
    expect(await start().cache.find('k')).toBe('two')
  })

  it('two sets of which the tier refuses the first', async () => {
    const { a, start } = await holding()
    let count = 0
    a.tier.answer((proceed) => (++count === 1 ? Promise.reject(down) : proceed()), 'set')
    const one = outcome(a.cache.set('k', 'one'))
    const two = outcome(a.cache.set('k', 'two'))
    expect(await one).toBeInstanceOf(BackendError)
    expect(await two).toBeUndefined()
    expect(a.cache.peek('k')).toBe('two')
    expect(await start().cache.find('k')).toBe('two')
  })

  it('two sets of which the tier refuses the second', async () => {
    const { a, start } = await holding()
    let count = 0
    a.tier.answer((proceed) => (++count === 2 ? Promise.reject(down) : proceed()), 'set')
    const one = outcome(a.cache.set('k', 'one'))
    const two = outcome(a.cache.set('k', 'two'))
    expect(await one).toBeUndefined()
    expect(await two).toBeInstanceOf(BackendError)
    expect(a.cache.peek('k')).toBe('one')
    expect(await start().cache.find('k')).toBe('one')
  })

  it('set, then invalidate before the tier accepted: nothing is left', async () => {
    const { a, start } = await holding()
    const gate = a.tier.hold('set')
    const written = outcome(a.cache.set('k', 'new'))
    const dropped = outcome(a.cache.invalidate('k'))
    expect(a.cache.peek('k')).toBeUndefined()
    await settle()
    await gate.open()
    await written
    expect(await dropped).toBe(true)
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it.each(['invalidatePrefix', 'clear', 'registry'] as const)(
    'set, then %s before the tier accepted: nothing is left',
    async (how) => {
      const { a, start } = await holding()
      const gate = a.tier.hold('set')
      const written = outcome(a.cache.set('k', 'new'))
      await settle()
      const dropped = outcome(
        how === 'invalidatePrefix'
          ? a.cache.invalidatePrefix('k')
          : how === 'clear'
            ? a.cache.clear()
            : a.registry.clear(),
      )
      await settle()
      await gate.open()
      await written
      await dropped
      expect(a.cache.peek('k')).toBeUndefined()
      expect(await start().cache.find('k')).toBeUndefined()
    },
  )

  it.each(['invalidate', 'invalidatePrefix', 'clear', 'registry'] as const)(
    '%s, then set before the tier was told: the value is left',
    async (how) => {
      const { a, start } = await holding()
      const gate = a.tier.hold(how === 'invalidate' ? 'delete' : 'deletePrefix')
      const dropped =
        how === 'invalidate'
          ? a.cache.invalidate('k')
          : how === 'invalidatePrefix'
            ? a.cache.invalidatePrefix('k')
            : how === 'clear'
              ? a.cache.clear()
              : a.registry.clear()
      const written = a.cache.set('k', 'new')
      await settle()
      expect(a.cache.peek('k')).toBeUndefined()
      await gate.open()
      await dropped
      await written
      expect(a.cache.peek('k')).toBe('new')
      expect(await start().cache.find('k')).toBe('new')
    },
  )

  it('a set that waits behind a hung one is refused in bounded time', async () => {
    const { a, clock } = await holding()
    a.tier.hang('set')
    const one = settlement(a.cache.set('k', 'one'))
    const two = settlement(a.cache.set('k', 'two'))
    await clock.advance(2 * writeDeadline)
    expect([one.state, two.state]).toEqual(['rejected', 'rejected'])
    expect(a.cache.peek('k')).toBe('old')
  })

  it('keys do not wait for one another', async () => {
    const { a } = await holding()
    const gate = a.tier.hold('set')
    const one = settlement(a.cache.set('k', 'one'))
    await settle()
    a.tier.heal()
    await a.cache.set('j', 'two')
    expect([one.state, a.cache.peek('j')]).toEqual(['pending', 'two'])
    await gate.open()
    expect(one.state).toBe('fulfilled')
  })

  it('a hundred concurrent sets end with the last, in memory and in the tier', async () => {
    const { a, start } = await holding()
    await Promise.all(Array.from({ length: 100 }, (_, index) => a.cache.set('k', `${index}`)))
    expect(a.cache.peek('k')).toBe('99')
    expect(await start().cache.find('k')).toBe('99')
  })

  it('what two processes set at once is settled by the tier', async () => {
    const { a, start } = await holding()
    const b = start()
    await Promise.all([a.cache.set('k', 'of a'), b.cache.set('k', 'of b')])
    const stored = await start().cache.find('k')
    expect(['of a', 'of b']).toContain(stored)
  })
})

describe('set() of what cannot be set', () => {
  it('rejects for undefined and asks the tier nothing', async () => {
    const { a } = await holding()
    const before = a.tier.count()
    expect(await outcome((async () => a.cache.set('k', undefined as never))())).toBeInstanceOf(Error)
    expect([a.tier.count(), a.cache.peek('k')]).toEqual([before, 'old'])
  })
})
