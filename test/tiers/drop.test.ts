/** What is dropped is dropped in memory at the call and in the tier; if the tier cannot be told, it is not read either. */

import { BackendError } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import type { Operation } from '../support/probed-backend.ts'
import { settlement } from '../support/settlement.ts'
import { fleet, outcome, type Process, settle, ttl, writeDeadline } from '../support/tiers.ts'

const down = new Error('down')

async function holding(options = {}, household = {}) {
  const world = fleet()
  const a = world.start(options, household)
  await a.load('k', 'old')
  return { ...world, a }
}

type Drop = (process: Process<string>) => Promise<unknown>
const drops: Readonly<Record<string, readonly [Operation, Drop]>> = {
  'invalidate()': ['delete', ({ cache }) => cache.invalidate('k')],
  'entry().invalidate()': ['delete', ({ cache }) => cache.entry('k').invalidate()],
  'invalidatePrefix(k)': ['deletePrefix', ({ cache }) => cache.invalidatePrefix('k')],
  'invalidatePrefix()': ['deletePrefix', ({ cache }) => cache.invalidatePrefix()],
  'clear()': ['deletePrefix', ({ cache }) => cache.clear()],
  'registry.clear()': ['deletePrefix', ({ registry }) => registry.clear()],
}
const all = Object.entries(drops)

describe.each(all)('%s', (_, [operation, drop]) => {
  it('drops memory at the call, before the tier has answered', async () => {
    const { a } = await holding()
    const gate = a.tier.hold(operation)
    const dropped = settlement(drop(a))
    expect(a.cache.peek('k')).toBeUndefined()
    await settle()
    expect(dropped.state).toBe('pending')
    await gate.open()
    expect(dropped.state).toBe('fulfilled')
  })

  it('reaches the tier, also for what this process does not hold', async () => {
    const { a, start } = await holding()
    await drop(start())
    expect(await start().cache.find('k')).toBeUndefined()
    expect(a.cache.peek('k')).toBe('old')
  })

  it('is not undone by a read that comes before the tier has answered', async () => {
    const { a, start, clock } = await holding()
    const gate = a.tier.hold(operation)
    const dropped = drop(a)
    const reading = await a.get('k')
    await clock.advance(200)
    expect(reading.value).not.toBe('old')
    await gate.open()
    await dropped
    for (const call of a.calls) await call.resolve('new')
    expect(reading.value).toBe('new')
    await a.registry.flush()
    expect(['new', undefined]).toContain(await start().cache.find('k'))
  })

  const failures: Readonly<Record<string, (process: Process<string>) => void>> = {
    rejects: ({ tier }) => tier.fail(down, operation),
    'throws undefined at once': ({ tier }) =>
      tier.answer(() => {
        throw undefined
      }, operation),
  }
  it.each(Object.entries(failures))(
    'rejects with BackendError when the tier %s, and memory is empty',
    async (_name, broken) => {
      const { a } = await holding()
      broken(a)
      const error = await outcome(drop(a))
      expect(error).toBeInstanceOf(BackendError)
      expect((error as BackendError).operation).toBe(operation)
      expect(a.cache.peek('k')).toBeUndefined()
    },
  )

  it('rejects when writeDeadline is over', async () => {
    const { a, clock } = await holding()
    a.tier.hang(operation)
    const dropped = settlement(drop(a))
    await clock.advance(writeDeadline)
    expect(dropped.error).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
  })

  it('that the tier could not be told of keeps this process from reading the key there', async () => {
    const { a, start } = await holding()
    a.tier.fail(down, operation)
    await outcome(drop(a))
    const reading = await a.get('k')
    expect([reading.state, a.calls.length]).toEqual(['pending', 2])
    expect((await start().get('k')).value).toBe('old')
    await a.call().resolve('new')
    expect(reading.value).toBe('new')
    expect(a.cache.peek('k')).toBe('new')
  })

  it('that the tier could not be told of keeps find() and getMany() from it', async () => {
    const { a } = await holding()
    a.tier.fail(down, operation)
    await outcome(drop(a))
    expect(await outcome(a.cache.find('k'))).not.toBe('old')
    const many = outcome(a.cache.getMany(['k']))
    await settle()
    await a.call().resolve('new')
    expect(await many).toEqual(new Map([['k', 'new']]))
  })

  it('that the tier could not be told of is told to it later, and others do not get the value then', async () => {
    const { a, start, clock } = await holding()
    a.tier.fail(down, operation)
    await outcome(drop(a))
    a.tier.heal()
    await clock.advance(31_000)
    const reading = await a.get('k')
    await clock.advance(1000)
    for (const call of a.calls) await call.resolve('new')
    expect(reading.value).toBe('new')
    await a.registry.flush()
    expect(await start().cache.find('k')).not.toBe('old')
  })

  it('can be repeated once the tier is back, and then the tier is read again', async () => {
    const { a, start } = await holding()
    a.tier.fail(down, operation)
    await outcome(drop(a))
    a.tier.heal()
    await drop(a)
    expect(await start().cache.find('k')).toBeUndefined()
    await start().load('k', 'of another')
    expect((await a.read('k')).value).toMatchObject({ value: 'of another', from: 'backend' })
  })

  it('that the tier could not be told of is still in force after a value was fetched, held and evicted', async () => {
    const { a, start } = await holding({}, { maxEntries: 1 })
    a.tier.fail(down)
    await outcome(drop(a))
    const reading = await a.get('k')
    await a.call('k').resolve('new')
    expect(reading.value).toBe('new')
    await a.cache.seed('other', 'x')
    a.tier.heal()
    const again = await a.get('k')
    expect(again.value).not.toBe('old')
    for (const call of a.calls) await call.resolve('newer')
    expect(again.value).not.toBe('old')
    expect(start).toBeDefined()
  })

  it('drops in call order with set(): the last call is what is left, when the tier answers late', async () => {
    const { a, start } = await holding()
    const gate = a.tier.hold(operation, 'after')
    const dropped = drop(a)
    const written = a.cache.set('k', 'new')
    await settle()
    await gate.open()
    await Promise.all([dropped, written])
    expect(await start().cache.find('k')).toBe('new')
    expect(a.cache.peek('k')).toBe('new')
  })

  it('L10 starts no cool-down', async () => {
    const { a } = await holding()
    await drop(a)
    const reading = await a.get('k')
    expect(a.calls).toHaveLength(2)
    await a.call().resolve('new')
    expect(reading.value).toBe('new')
  })
})

describe('invalidate() says whether it dropped something', () => {
  it('true: in memory and in the tier', async () => {
    const { a } = await holding()
    expect(await a.cache.invalidate('k')).toBe(true)
  })

  it('true: only in the tier', async () => {
    const { start } = await holding()
    expect(await start().cache.invalidate('k')).toBe(true)
  })

  it('true: only in memory', async () => {
    const { a, start } = await holding()
    await start().cache.invalidate('k')
    expect(await a.cache.invalidate('k')).toBe(true)
  })

  it('false: nowhere', async () => {
    expect(await fleet().start().cache.invalidate('k')).toBe(false)
  })
})

describe('L10 invalidate({ ifValue })', () => {
  it('drops the value that is held, here and in the tier', async () => {
    const { a, start } = await holding()
    expect(await a.cache.invalidate('k', { ifValue: 'old' })).toBe(true)
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('leaves another value alone, here and in the tier', async () => {
    const { a, start } = await holding()
    expect(await a.cache.invalidate('k', { ifValue: 'rejected' })).toBe(false)
    expect(a.cache.peek('k')).toBe('old')
    expect(await start().cache.find('k')).toBe('old')
  })

  it('does not drop the newer value that another process put in the tier', async () => {
    const { a, start } = await holding()
    const b = start()
    await b.cache.set('k', 'newer')
    expect(await a.cache.invalidate('k', { ifValue: 'old' })).toBe(true)
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBe('newer')
    expect((await a.read('k')).value).toMatchObject({ value: 'newer', from: 'backend' })
  })

  it('drops a value that came from the tier', async () => {
    const { start } = await holding()
    const b = start()
    await b.get('k')
    expect(await b.cache.invalidate('k', { ifValue: 'old' })).toBe(true)
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('drops in the tier a value that set() brought', async () => {
    const { a, start } = await holding()
    await a.cache.set('k', 'new')
    expect(await a.cache.invalidate('k', { ifValue: 'new' })).toBe(true)
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('drops a value that is still on its way to the tier', async () => {
    const { start, clock } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    const reading = await a.get('k')
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
    const dropped = outcome(a.cache.invalidate('k', { ifValue: 'v' }))
    expect(a.cache.peek('k')).toBeUndefined()
    await clock.advance(1)
    await gate.open()
    expect(await dropped).toBe(true)
    await a.registry.flush()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('twice in a row counts as a failure: the next fetch waits', async () => {
    const { a } = await holding()
    await a.cache.invalidate('k', { ifValue: 'old' })
    await a.load('k', 'second')
    await a.cache.invalidate('k', { ifValue: 'second' })
    expect(await outcome(a.cache.get('k'))).toMatchObject({ code: 'VALUE_REJECTED' })
  })

  it('and the tier’s copy of a rejected value is not taken back although the tier cannot be told', async () => {
    const { a } = await holding()
    a.tier.fail(down, 'delete')
    expect(await outcome(a.cache.invalidate('k', { ifValue: 'old' }))).toBeInstanceOf(BackendError)
    const reading = await a.get('k')
    expect(reading.state).toBe('pending')
    await a.call().resolve('new')
    expect(reading.value).toBe('new')
  })
})

describe('what others see', () => {
  it('a process that holds the value keeps it under its ttl when there is no coordinator', async () => {
    const { a, start, clock } = await holding()
    const b = start()
    await b.get('k')
    await a.cache.invalidate('k')
    expect(b.cache.peek('k')).toBe('old')
    await clock.advance(ttl)
    expect(b.cache.peek('k')).toBeUndefined()
  })

  it('invalidatePrefix() says how many the tier had, or that nobody knows', async () => {
    const { a } = await holding()
    expect([1, undefined]).toContain(await a.cache.invalidatePrefix('k'))
    a.tier.answer(() => undefined, 'deletePrefix')
    expect([0, undefined]).toContain(await a.cache.invalidatePrefix('k'))
  })
})
