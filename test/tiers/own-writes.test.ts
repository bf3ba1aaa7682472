/** What a process writes of one key reaches the tier in the order of the fetches, and its own look-ups come after. */

import { describe, expect, it } from 'vitest'
import { backendDeadline, fleet, outcome, settle, writeDeadline } from '../support/tiers.ts'

const down = new Error('down')

describe('a reader does not wait for the write', () => {
  it('of what was fetched for him', async () => {
    const a = fleet().start()
    a.tier.hang('set')
    const reading = await a.get('k')
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
    expect(a.cache.peek('k')).toBe('v')
  })

  it('of an earlier value, when he is served from memory', async () => {
    const a = fleet().start()
    a.tier.hang('set')
    await a.load('k', 'v')
    expect((await a.read('k')).value).toMatchObject({ value: 'v', from: 'memory' })
  })
})

describe('the writes of one key', () => {
  it('reach the tier in fetch order, although the first is slow', async () => {
    const { start, clock } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    await a.load('k', 'one')
    const refreshed = outcome(a.cache.refresh('k'))
    await clock.advance(backendDeadline)
    await a.call().resolve('two')
    await refreshed
    expect(gate.waiting).toBe(1)
    await gate.open()
    await a.registry.flush()
    const written = a.tier.calls.flatMap(({ stored }) => (stored ? [stored.fetchedAt] : []))
    expect(written).toEqual([...written].sort())
    expect(a.cache.peek('k')).toBe('two')
    expect(await start().cache.find('k')).toBe(written.length > 1 ? 'two' : 'one')
  })

  it('leave the newest when the first was slow and every one is timely', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    await a.load('k', 'one')
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await gate.open()
    await settle()
    await a.call().resolve('two')
    expect(await refreshed).toBe('two')
    await a.registry.flush()
    expect(await start().cache.find('k')).toBe('two')
    expect(a.cache.peek('k')).toBe('two')
  })

  it('go on after one that failed', async () => {
    const { start } = fleet()
    const a = start()
    a.tier.fail(down, 'set')
    await a.load('k', 'one')
    a.tier.heal()
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().resolve('two')
    await refreshed
    await a.registry.flush()
    expect(await start().cache.find('k')).toBe('two')
  })

  it('go on after one that hung', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang('set')
    await a.load('k', 'one')
    a.tier.heal()
    await clock.advance(writeDeadline)
    const refreshed = outcome(a.cache.refresh('k'))
    await settle()
    await a.call().resolve('two')
    await refreshed
    await a.registry.flush()
    expect(await start().cache.find('k')).toBe('two')
  })

  it('do not make those of another key wait', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    await a.load('k', 'v')
    a.tier.heal()
    await a.load('j', 'w')
    expect(await start().cache.find('j')).toBe('w')
    await gate.open()
  })
})

describe('a look-up after a write of the same process', () => {
  it('waits for it: what was just written is found', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 1 })
    const gate = a.tier.hold('set')
    await a.load('k', 'v')
    a.tier.heal()
    await a.load('other', 'x')
    expect(a.cache.peek('k')).toBeUndefined()
    const reading = await a.read('k')
    expect(reading.state).toBe('pending')
    await gate.open()
    expect(reading.value).toMatchObject({ value: 'v', from: 'backend' })
    expect(a.calls.filter(({ key }) => key === 'k')).toHaveLength(1)
  })

  it('waits at most its deadline', async () => {
    const { start, clock } = fleet()
    const a = start({}, { maxEntries: 1 })
    a.tier.hang('set')
    await a.load('k', 'v')
    await a.load('other', 'x')
    const reading = await a.read('k')
    await clock.advance(backendDeadline)
    expect(a.calls.filter(({ key }) => key === 'k')).toHaveLength(2)
    await a.call('k').resolve('w')
    expect(reading.value?.value).toBe('w')
  })

  it('with maxEntries 0 too: the tier alone keeps values', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 0 })
    await a.load('k', 'v')
    expect(a.cache.peek('k')).toBeUndefined()
    expect((await a.read('k')).value).toMatchObject({ value: 'v', from: 'backend' })
    expect(a.calls).toHaveLength(1)
    await a.cache.set('k', 'w')
    expect((await a.get('k')).value).toBe('w')
    expect(await a.cache.invalidate('k')).toBe(true)
    expect(await a.cache.find('k')).toBeUndefined()
  })

  it('after a set() of its own finds what was set', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 0 })
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'v')
    const found = a.cache.find('k')
    await settle()
    await gate.open()
    await written
    expect(await found).toBe('v')
  })

  it('after an invalidate() of its own finds nothing', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 0 })
    await a.load('k', 'v')
    const gate = a.tier.hold('delete')
    const dropped = a.cache.invalidate('k')
    const found = a.cache.find('k')
    await settle()
    await gate.open()
    await dropped
    expect(await found).toBeUndefined()
  })

  it('after a clear() of its own finds nothing', async () => {
    const { start } = fleet()
    const a = start({}, { maxEntries: 0 })
    await a.load('k', 'v')
    const gate = a.tier.hold('deletePrefix')
    const dropped = a.cache.clear()
    const found = a.cache.find('k')
    await settle()
    await gate.open()
    await dropped
    expect(await found).toBeUndefined()
  })
})

describe('a full tier', () => {
  it('keeps the value in memory, and the reader has it', async () => {
    const { start } = fleet({ maxEntries: 1, whenFull: 'reject' })
    const a = start()
    await a.load('k', 'v')
    await a.load('j', 'w')
    expect([a.cache.peek('k'), a.cache.peek('j')]).toEqual(['v', 'w'])
    expect(a.registry.stats().writeFailures).toBe(1)
    expect(a.events).toContainEqual(expect.objectContaining({ kind: 'backend-failed', operation: 'set' }))
  })
})

describe('flush()', () => {
  it('waits for the writes that are under way', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    await a.load('k', 'v')
    let flushed = false
    const flushing = a.registry.flush().then(() => {
      flushed = true
    })
    await settle()
    expect(flushed).toBe(false)
    await gate.open()
    await flushing
    expect(await start().cache.find('k')).toBe('v')
  })

  it('ends in bounded time and without an error when the tier hangs or fails', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang('set')
    await a.load('k', 'v')
    const flushing = outcome(a.registry.flush())
    await clock.advance(writeDeadline)
    expect(await flushing).toBeUndefined()
    a.tier.fail(down)
    await a.load('j', 'w')
    expect(await outcome(a.registry.flush())).toBeUndefined()
  })

  it('has nothing to wait for in a registry that wrote nothing', async () => {
    await fleet().start().registry.flush()
  })
})

describe('dispose()', () => {
  it('waits for the writes that are under way', async () => {
    const { start } = fleet()
    const a = start()
    const gate = a.tier.hold('set')
    await a.load('k', 'v')
    let disposed = false
    const disposing = a.registry.dispose().then(() => {
      disposed = true
    })
    await settle()
    expect(disposed).toBe(false)
    await gate.open()
    await disposing
    expect(await start().cache.find('k')).toBe('v')
  })

  it('ends in bounded time when the tier hangs', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang('set')
    await a.load('k', 'v')
    const disposing = outcome(a.registry.dispose())
    await clock.advance(writeDeadline)
    expect(await disposing).toBeUndefined()
  })

  it('keeps what a fetch brings later from the tier', async () => {
    const { start } = fleet()
    const a = start()
    const reading = await a.get('k')
    await a.registry.dispose()
    expect(reading.error).toMatchObject({ code: 'DISPOSED' })
    await a.call().resolve('late')
    expect(a.tier.count('set')).toBe(0)
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('makes later calls end as those of a disposed cache, and the tier hears nothing', async () => {
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    const weak = a.cache.weak()
    await a.registry.dispose()
    const before = a.tier.count()
    const later = async (call: () => Promise<unknown>) => outcome((async () => call())())
    expect(await later(() => a.cache.get('k'))).toMatchObject({ code: 'DISPOSED' })
    expect(await later(() => a.cache.set('k', 'w'))).toMatchObject({ code: 'DISPOSED' })
    expect(await later(() => a.cache.invalidate('k'))).toBe(false)
    expect(await weak.find('k')).toBeUndefined()
    expect(await weak.set('k', 'w')).toBe(false)
    expect(a.tier.count()).toBe(before)
  })

  it('lets a set() that the tier has not answered end', async () => {
    const { start, clock } = fleet()
    const a = start()
    a.tier.hang('set')
    const written = outcome(
      a.cache.set('k', 'v').then(
        () => 'was set',
        () => 'rejected',
      ),
    )
    const disposing = a.registry.dispose()
    await clock.advance(writeDeadline)
    await disposing
    expect(await written).toBe('rejected')
  })

  it('does not close the backend, which others may use', async () => {
    const { start, store } = fleet()
    const a = start()
    await a.load('k', 'v')
    await a.registry.dispose()
    expect(await store.size?.()).toMatchObject({ entries: 1 })
  })
})
