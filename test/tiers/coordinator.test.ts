/** Processes that share a store and a coordinator: one fetches for all, and each hears what the others changed. */

import type { Coordinator } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { type ProbedCoordinator, probedCoordinator } from '../support/probed-coordinator.ts'
import { settlement } from '../support/settlement.ts'
import { fleet, outcome, type ProcessOptions, settle, ttl } from '../support/tiers.ts'
import { unhandledDuring } from '../support/unhandled.ts'

const down = new Error('down')

function joined(coordinator: ProbedCoordinator = probedCoordinator()) {
  const world = fleet()
  return {
    ...world,
    coordinator,
    start: (options: ProcessOptions<string> = {}, household = {}) =>
      world.start<string>(options, { coordinator, ...household }),
  }
}

type Joined = ReturnType<ReturnType<typeof joined>['start']>

describe('the lease', () => {
  it('lets one process fetch for all, and the others take it from the tier', async () => {
    const { start, coordinator } = joined()
    const all = [start(), start(), start(), start(), start()]
    const readings = await Promise.all(all.map((process) => process.read('k')))
    await settle()
    const fetching = all.filter(({ calls }) => calls.length > 0)
    expect(fetching).toHaveLength(1)
    await fetching[0]?.call().resolve('v')
    await settle()
    expect(readings.map(({ value }) => value?.value)).toEqual(['v', 'v', 'v', 'v', 'v'])
    expect(readings.map(({ value }) => value?.from).sort()).toEqual([
      'backend',
      'backend',
      'backend',
      'backend',
      'source',
    ])
    expect(all.reduce((sum, { calls }) => sum + calls.length, 0)).toBe(1)
    expect(coordinator.leases.size).toBe(0)
  })

  it('is waited for longer than the tier’s deadline: the tier does not bound it', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.get('k')
    const reading = await b.get('k')
    await clock.advance(10_000)
    expect([a.calls.length, b.calls.length, reading.state]).toEqual([1, 0, 'pending'])
    await a.call().resolve('v')
    expect(reading.value).toBe('v')
  })

  it('is waited for no longer than maxWait', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.get('k')
    const reading = settlement(b.cache.get('k', { maxWait: 1000 }))
    await clock.advance(1000)
    expect(reading.error).toMatchObject({ code: 'WAIT_TIMEOUT' })
  })

  it('is waited for no longer than fetchTimeout', async () => {
    const { start, clock } = joined()
    const [a, b] = [start({ fetchTimeout: '10m' }), start({ fetchTimeout: '1s' })]
    await a.get('k')
    const reading = await b.get('k')
    await clock.advance(1000)
    for (const call of b.calls) await call.resolve('own')
    await clock.advance(1000)
    expect(reading.state).not.toBe('pending')
  })

  it.each([
    ['fails', async (a: Joined) => a.call().reject(down)],
    ['is disposed of', async (a: Joined) => void (await a.registry.dispose())],
    [
      'supersedes its fetch and nobody waits there',
      async (a: Joined) => {
        await a.cache.invalidate('k')
        await a.call().reject(down)
      },
    ],
  ])('is released when its holder %s: the next one fetches for itself', async (_, end) => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    const first = await a.get('k')
    const reading = await b.get('k')
    expect(b.calls).toHaveLength(0)
    await end(a)
    await clock.advance(1)
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('v')
    expect(reading.value).toBe('v')
    expect(first.value).toBeUndefined()
  })

  it('is released when its holder’s fetch times out', async () => {
    const { start, clock } = joined()
    const [a, b] = [start({ fetchTimeout: 1000 }), start()]
    await a.get('k')
    const reading = await b.get('k')
    await clock.advance(1000)
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('v')
    expect(reading.value).toBe('v')
  })

  it('is released when a value was refused, and whoever waited fetches', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.get('k')
    const reading = await b.get('k')
    await start().cache.invalidate('k')
    await a.call().resolve('late')
    await clock.advance(1000)
    for (const call of b.calls) await call.resolve('new')
    expect(reading.value).toBe('new')
  })

  it('is kept until the tier has the value: whoever waits does not find a miss', async () => {
    const { start } = joined()
    const [a, b] = [start(), start()]
    const gate = a.tier.hold('set')
    const first = await a.get('k')
    const reading = await b.read('k')
    await a.call().resolve('v')
    expect([first.value, reading.state, b.calls.length]).toEqual(['v', 'pending', 0])
    await gate.open()
    expect(reading.value).toMatchObject({ value: 'v', from: 'backend' })
    expect(b.calls).toHaveLength(0)
  })

  it('is not kept for longer than a write may take', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    a.tier.hang('set')
    await a.get('k')
    const reading = await b.get('k')
    await a.call().resolve('v')
    await clock.advance(5000)
    for (const call of b.calls) await call.resolve('own')
    expect(reading.value).toBe('own')
  })

  it('of a key that is gone is released: whoever waits asks for himself', async () => {
    const { start } = joined()
    const options = { classifyError: () => 'gone' as const }
    const [a, b] = [start(options), start(options)]
    const readings = [await a.get('k'), await b.get('k')]
    await a.call().reject(down)
    for (const call of b.calls) await call.reject(down)
    expect(readings.map(({ error }) => error)).toEqual([down, down])
  })

  it('is not needed for what the tier has', async () => {
    const { start, coordinator } = joined()
    await start().load('k', 'v')
    const before = coordinator.granted.length
    expect((await start().get('k')).value).toBe('v')
    expect(coordinator.granted).toHaveLength(before)
  })

  it('L8 does not make refresh() take another process’s fetch that began before the call', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.get('k')
    await clock.advance(10)
    const refreshed = settlement(b.cache.refresh('k'))
    await clock.advance(10)
    await a.call().resolve('of before')
    await clock.advance(1000)
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('own')
    expect(refreshed.value).toBe('own')
  })

  it('of a batch: each key is fetched by one process', async () => {
    const { start, clock } = joined()
    const [a, b] = [start({ source: 'many' }), start({ source: 'many' })]
    const one = a.cache.getMany(['k', 'j'])
    await settle()
    const two = b.cache.getMany(['j', 'i'])
    await clock.advance(100)
    for (const { batches } of [a, b])
      for (const batch of batches) await batch.resolve(batch.keys.map((key) => [key, key]))
    await clock.advance(1000)
    for (const { batches } of [a, b])
      for (const batch of batches) await batch.resolve(batch.keys.map((key) => [key, key]))
    expect([(await one).size, (await two).size]).toEqual([2, 2])
  })
})

describe('announcements', () => {
  it('of set(): the other’s value is stale, and its next read takes the tier’s value without a fetch', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(1000)
    await a.cache.set('k', 'w')
    await settle()
    expect(b.cache.tryGet('k')).not.toBe('v')
    expect((await b.get('k')).value).toBe('w')
    expect(b.calls).toHaveLength(0)
  })

  it('of a fetch: the other takes the newer value too', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(1000)
    const refreshed = a.cache.refresh('k')
    await settle()
    await a.call().resolve('w')
    await refreshed
    await settle()
    await b.get('k')
    await settle()
    expect((await b.get('k')).value).toBe('w')
    expect(b.calls).toHaveLength(0)
  })

  it.each([
    ['invalidate()', (a: Joined) => a.cache.invalidate('k')],
    ['invalidatePrefix()', (a: Joined) => a.cache.invalidatePrefix('k')],
    ['clear()', (a: Joined) => a.cache.clear()],
    ['registry.clear()', (a: Joined) => a.registry.clear()],
  ])('of %s: the other does not serve what it held, and its next read fetches', async (_, drop) => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(1000)
    await drop(a)
    await settle()
    expect(b.cache.tryGet('k')).toBeUndefined()
    const reading = await b.get('k')
    expect([reading.state, b.calls.length]).toEqual(['pending', 1])
    await b.call().resolve('w')
    expect(reading.value).toBe('w')
  })

  it('of a prefix hit whole parts', async () => {
    const { start } = joined()
    const options = { key: (key: string) => key.split('/') }
    const [a, b] = [start(options), start(options)]
    for (const key of ['db1/t', 'db10/t']) await b.load(key, key)
    await a.cache.invalidatePrefix('db1')
    await settle()
    expect([b.cache.tryGet('db1/t'), b.cache.tryGet('db10/t')]).toEqual([undefined, 'db10/t'])
  })

  it('of one namespace do not reach another', async () => {
    const { start } = joined()
    const [a, b] = [start(), start()]
    await b.load('k', 'v')
    await a.cache.namespace('acme').invalidate('k')
    await a.registry.namespace('acme').clear()
    await settle()
    expect(b.cache.tryGet('k')).toBe('v')
  })

  it('of a process itself change nothing there', async () => {
    const { start } = joined()
    const a = start()
    await a.load('k', 'v')
    await a.cache.set('k', 'w')
    await settle()
    const asked = a.tier.count()
    expect((await a.read('k')).value).toMatchObject({ value: 'w', from: 'memory' })
    expect(a.tier.count()).toBe(asked)
  })

  it('discard a fetch in the air: its waiters are served, and it is kept nowhere', async () => {
    const { start } = joined()
    const [a, b] = [start(), start()]
    const reading = await b.get('k')
    await a.cache.invalidate('k')
    await settle()
    for (const call of b.calls) await call.resolve('late')
    await settle()
    for (const call of b.calls) await call.resolve('late')
    expect(reading.value).toBe('late')
    await b.registry.flush()
    expect(b.cache.tryGet('k')).toBeUndefined()
    expect(await start().cache.find('k')).toBeUndefined()
  })

  it('that arrive during a look-up keep its older answer from being taken for fresh', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await clock.advance(1000)
    const gate = b.tier.hold('get', 'after')
    const reading = await b.get('k')
    await a.cache.set('k', 'w')
    await settle()
    await gate.open()
    for (const call of b.calls) await call.resolve('x')
    expect(reading.state).toBe('fulfilled')
    expect(b.cache.tryGet('k')).not.toBe('v')
    expect(await start().cache.find('k')).toBe('w')
  })

  it('of invalidate() make keepFresh() fetch', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    const end = b.cache.entry('k').keepFresh()
    await settle()
    await clock.advance(1000)
    await a.cache.invalidate('k')
    await clock.advance(1500)
    expect(b.calls).toHaveLength(1)
    await b.call().resolve('w')
    expect(b.cache.peek('k')).toBe('w')
    end()
  })

  it('let a stale value serve while the source fails, but not one that was dropped', async () => {
    const { start, clock } = joined()
    const options = { staleIfError: '1h' } as const
    const [a, b] = [start(options), start(options)]
    await a.load('k', 'v')
    await b.get('k')
    await clock.advance(1000)
    await a.cache.invalidate('k')
    await settle()
    const reading = await b.get('k')
    await b.call().reject(down)
    expect(reading.error ?? reading.value).toBe(down)
  })

  it('that come late, of what is held already, cost no fetch', async () => {
    const { start, coordinator } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await settle()
    coordinator.hold()
    await a.cache.set('k', 'w')
    expect((await b.get('k')).value).toBe('w')
    await coordinator.deliver()
    expect((await b.get('k')).value).toBe('w')
    expect(b.calls).toHaveLength(0)
  })

  it('never carry a value', async () => {
    const { start, coordinator } = joined()
    const a = start()
    await a.load('k', 'hunter2')
    await a.cache.set('k', 'hunter3')
    await a.cache.invalidate('k')
    await a.cache.clear()
    expect(coordinator.published.length).toBeGreaterThanOrEqual(3)
    expect(JSON.stringify(coordinator.published)).not.toContain('hunter')
  })

  it('reach those who observe: values() goes on to what another process set', async () => {
    const { start, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    const values = b.cache.entry('k').values()
    expect((await values.next()).value).toBe('v')
    const next = settlement(values.next())
    await clock.advance(1000)
    await a.cache.set('k', 'w')
    await clock.advance(1500)
    expect(next.value?.value).toBe('w')
    expect(b.calls).toHaveLength(0)
    await values.return?.()
  })

  it('that were lost: what is held is looked up again, and costs no fetch if it is still in force', async () => {
    const { start, coordinator, clock } = joined()
    const [a, b] = [start(), start()]
    await a.load('k', 'v')
    await a.load('j', 'v')
    await b.get('k')
    await b.get('j')
    await clock.advance(1000)
    coordinator.hold()
    await a.cache.set('j', 'w')
    const asked = b.tier.count()
    await coordinator.tell('lost-messages')
    expect([(await b.get('k')).value, (await b.get('j')).value]).toEqual(['v', 'w'])
    expect(b.tier.count()).toBeGreaterThan(asked)
    expect(b.calls).toHaveLength(0)
  })

  it('are heard no more after dispose()', async () => {
    const { start, coordinator } = joined()
    const a = start()
    await a.load('k', 'v')
    expect(coordinator.listeners.size).toBe(1)
    await a.registry.dispose()
    expect(coordinator.listeners.size).toBe(0)
  })

  it.each([undefined, null, 7, 'text', {}, { key: 7 }, { key: 'x', generation: 1, origin: {} }])(
    'that are %j harm nobody',
    async (message) => {
      const { start, coordinator } = joined()
      const a = start()
      await a.load('k', 'v')
      expect(await unhandledDuring(() => coordinator.tell(message).catch(() => {}))).toEqual([])
      expect((await a.get('k')).value).toBe('v')
    },
  )
})

describe('a coordinator that does not work', () => {
  const broken: Readonly<Record<string, (rest: Coordinator) => Partial<Coordinator>>> = {
    'throws at once': () => ({
      lease: () => {
        throw down
      },
      publish: () => {
        throw undefined
      },
      subscribe: () => {
        throw down
      },
    }),
    rejects: () => ({
      lease: () => Promise.reject(down),
      publish: () => Promise.reject(undefined),
      subscribe: () => Promise.reject(down),
    }),
    'gives garbage': () => ({
      lease: () => 7 as never,
      publish: () => 7 as never,
      subscribe: () => 7 as never,
    }),
    'cannot release': () => ({
      lease: async () => ({
        fence: '1',
        release() {
          throw down
        },
      }),
    }),
    'hangs when it publishes and subscribes': () => ({
      publish: () => new Promise(() => {}),
      subscribe: () => new Promise(() => {}),
    }),
  }

  it.each(Object.entries(broken))('because it %s harms nobody', async (_, how) => {
    const seen = await unhandledDuring(async () => {
      const good = probedCoordinator()
      const world = fleet()
      const a = world.start<string>({}, { coordinator: { ...good, ...how(good) } })
      const reading = await a.get('k')
      await world.clock.advance(500)
      for (const call of a.calls) await call.resolve('v')
      await world.clock.advance(500)
      expect(reading.value).toBe('v')
      expect(await outcome(a.cache.set('k', 'w'))).toBeUndefined()
      expect(a.cache.peek('k')).toBe('w')
      expect(await outcome(a.cache.invalidate('k'))).toBe(true)
      const flushed = settlement(a.registry.flush())
      await world.clock.advance(10_000)
      expect(flushed.state).toBe('fulfilled')
      const disposed = settlement(a.registry.dispose())
      await world.clock.advance(60_000)
      expect(disposed.state).toBe('fulfilled')
    })
    expect(seen).toEqual([])
  })

  it('because its lease hangs holds a reader no longer than fetchTimeout, and those who have a value not at all', async () => {
    const good = probedCoordinator()
    const world = fleet()
    const a = world.start<string>(
      { fetchTimeout: 2000 },
      { coordinator: { ...good, lease: () => new Promise(() => {}) } },
    )
    await a.cache.set('j', 'held')
    const reading = await a.get('k')
    await world.clock.advance(2000)
    for (const call of a.calls) await call.resolve('v')
    expect(reading.state).not.toBe('pending')
    await world.clock.advance(ttl - 7000)
    expect((await a.get('j')).value).toBe('held')
  })
})
