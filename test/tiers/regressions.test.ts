/** What a registry with a tier once did wrong: each test quotes the sentence that decides. */

import { BackendError, type Coordinator } from 'evercurrent'
import { describe, expect, it } from 'vitest'
import { probedCoordinator } from '../support/probed-coordinator.ts'
import { settlement } from '../support/settlement.ts'
import { backendDeadline, fleet, outcome, settle, textCodec, writeDeadline } from '../support/tiers.ts'

const down = new Error('down')

describe('isNewer', () => {
  interface Row {
    readonly version: number
  }
  const isNewer = (next: Row, held: Row) => next.version > held.version

  it('L6 drops what a refresh ahead finds in the tier, older by the author’s own version', async () => {
    // L6: "This holds on every path: […] values read from a backend […]. isNewer(next, held) lets the author drop a
    // result older by its own version: waiters get the held value."
    const { start, clock } = fleet()
    const [a, b] = [start<Row>({ isNewer }), start<Row>({ isNewer })]
    await a.load('k', { version: 2 })
    await clock.advance(1000)
    const refreshed = b.cache.refresh('k')
    await settle()
    await b.call().resolve({ version: 1 })
    await refreshed
    await clock.advance(45_000)
    await a.get('k')
    await settle()
    expect(a.cache.peek('k')).toEqual({ version: 2 })
  })

  it('L6 drops what find() finds in the tier, older than the expired value that is held', async () => {
    // L6: "This holds on every path: […] values read from a backend"; L17: "An expired value stays as previous".
    const { start, clock } = fleet()
    const [a, b] = [start<Row>({ isNewer }), start<Row>()]
    await a.load('k', { version: 2 })
    await clock.advance(59_000)
    await b.cache.set('k', { version: 1 })
    await clock.advance(1000)
    expect(await a.cache.find('k')).not.toEqual({ version: 1 })
    expect(a.cache.peek('k')).not.toEqual({ version: 1 })
  })
})

describe.each(['isNewer', 'equals'] as const)('%s that throws at what the tier holds', (name) => {
  interface Row {
    readonly version?: { readonly at: number }
  }
  const version = ({ version }: Row) => (version as { readonly at: number }).at
  const options = { [name]: (a: Row, b: Row) => (version(a) > version(b) ? name === 'isNewer' : false) }
  const holding = async () => {
    const { start, clock } = fleet()
    const a = start<Row>(options)
    await a.load('k', { version: { at: 1 } })
    await clock.advance(59_000)
    await start<Row>().cache.set('k', {})
    await clock.advance(1000)
    return a
  }

  it('L11 fails no read while the source answers', async () => {
    // "A reader never fails because of a backend while the source answers"; L11: "whatever […] a callback does".
    const a = await holding()
    const reading = await a.get('k')
    const newer = { version: { at: 2 } }
    if (reading.state === 'pending') await a.call().resolve(newer)
    expect(reading.error).toBeUndefined()
    expect(a.kinds()).not.toContain('fetch-failed')
  })

  it('fails no find()', async () => {
    // "Any doubt when decoding […] is a miss plus an event, never an exception".
    const a = await holding()
    expect(await outcome(a.cache.find('k'))).not.toBeInstanceOf(Error)
  })
})

describe('L10 invalidate({ ifValue }) of a value whose place in the tier is not known', () => {
  it.each([
    ['fetched while the tier could not be asked', true],
    ['seeded', false],
  ])('does not drop the newer one that another process put there: %s', async (_, fetched) => {
    // L10: "acts only if that exact value is still the held one"; the purpose: "a 401 drops exactly the token that was
    // rejected, not a newer one".
    const { start } = fleet()
    const [a, b] = [start(), start()]
    if (fetched) {
      a.tier.fail(down, 'get')
      await a.load('k', 'rejected')
      a.tier.heal()
    } else a.cache.seed('k', 'rejected')
    await b.cache.set('k', 'newer')
    expect(await a.cache.invalidate('k', { ifValue: 'rejected' })).toBe(true)
    expect(await start().cache.find('k')).toBe('newer')
  })
})

describe('more than ten thousand keys that the tier could not be told of', () => {
  it('do not cost another registry on the same store, in a namespace of its own, its values', async () => {
    // "prefix invalidation works on whole parts"; "a namespace never looks like a key": what is of one namespace does not
    // reach another. And "this process does not read that key from the tier until it could": that key.
    const { start, clock } = fleet()
    await start({}, { namespace: 'other' }).cache.set('k', 'theirs')
    const a = start({}, { namespace: 'mine' })
    a.tier.fail(down, 'delete')
    await Promise.all(Array.from({ length: 10_001 }, (_, index) => outcome(a.cache.invalidate(`${index}`))))
    a.tier.heal()
    await clock.advance(1000)
    await a.cache.find('k')
    expect(await start({}, { namespace: 'other' }).cache.find('k')).toBe('theirs')
  })
})

describe('a look-up that comes second to the same value', () => {
  it.each([
    ['get(), then find()', ['get', 'find']],
    ['find(), then get()', ['find', 'get']],
  ] as const)('sends no reader to the source: %s', async (_, calls) => {
    // "How a read is decided": "fresh | any | the value", and L5: "The fetch function is called only when a fetch is
    // needed".
    const { start } = fleet()
    await start().load('k', 'v')
    const b = start()
    const found = calls.map((call) => settlement(b.cache[call]('k')))
    await settle()
    expect([b.calls.length, ...found.map(({ value }) => value)]).toEqual([0, 'v', 'v'])
  })
})

describe('L10 expire()', () => {
  it('of a value fetched in the same millisecond makes the next read wait for a fetch', async () => {
    // L10: "expire() makes one read wait again"; "a tier value fetched before it does not satisfy the next read".
    const { start } = fleet()
    const a = start()
    await a.load('k', 'v')
    await a.cache.expire('k')
    expect([(await a.get('k')).state, a.calls.length]).toEqual(['pending', 2])
  })

  it('of a value set in the same millisecond makes the next getMany() ask the source', async () => {
    // "expire is of this process: a tier value fetched before it does not satisfy the next read."
    const { start } = fleet()
    const a = start({ source: 'many' })
    await a.cache.set('k', 'v')
    await a.cache.expire('k')
    const got = settlement(a.cache.getMany(['k']))
    await settle()
    expect([got.state, a.batches.length]).toEqual(['pending', 1])
  })

  it('is not forgotten when the key is evicted', async () => {
    // "expire is of this process: a tier value fetched before it does not satisfy the next read" and "eviction never
    // weakens the fence".
    const { start, clock } = fleet()
    const a = start({}, { maxEntries: 1 })
    await a.load('k', 'v')
    await clock.advance(1000)
    await a.cache.expire('k')
    await a.load('other', 'x')
    expect((await a.get('k')).state).toBe('pending')
    expect(a.call().key).toBe('k')
  })
})

describe('set()', () => {
  it('wins over a fetch that says gone while the tier is asked', async () => {
    // "set() is write-through and happens when the tier has accepted it: it wins over every fetch started before that
    // moment"; L6: "its outcome, success or failure, changes nothing".
    const { start } = fleet()
    const a = start({ classifyError: () => 'gone' })
    const reading = await a.get('k')
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'new')
    await settle()
    await a.call().reject(down)
    expect(reading.error).toBe(down)
    await gate.open()
    await written
    await a.registry.flush()
    expect(await start().cache.find('k')).toBe('new')
    expect(a.cache.peek('k')).toBe('new')
  })

  it('is not undone by an invalidate({ ifValue }) of the value before it', async () => {
    // "the mutations of a key go in call order", L10: "invalidate({ ifValue }) acts only if that exact value is still
    // the held one".
    const { start } = fleet()
    const a = start()
    await a.load('k', 'old')
    const gate = a.tier.hold('set')
    const written = a.cache.set('k', 'new')
    const dropped = a.cache.invalidate('k', { ifValue: 'old' })
    await settle()
    await gate.open()
    await Promise.all([written, dropped])
    expect(await start().cache.find('k')).toBe('new')
    expect(a.cache.peek('k')).toBe('new')
  })

  it('of a longer key is not undone by invalidate() of a key that it begins with', async () => {
    // "prefix invalidation works on whole parts"; invalidate(k) is of that key alone.
    const { start } = fleet()
    const options = { key: (key: string) => key.split('/') }
    const a = start(options)
    const gate = a.tier.hold('set')
    const written = a.cache.set('db1/orders', 'new')
    await settle()
    await a.cache.invalidate('db1')
    await gate.open()
    await written
    expect(await start(options).cache.find('db1/orders')).toBe('new')
    expect(a.cache.peek('db1/orders')).toBe('new')
  })

  it('that the tier refused is counted as a write failure', async () => {
    // oximedia: "counts of cache hits, store hits, misses, writes, write errors"; "if the tier refuses […] it rejects".
    const a = fleet().start()
    a.tier.answer(() => undefined, 'set')
    expect(await outcome(a.cache.set('k', 'new'))).toBeInstanceOf(BackendError)
    expect(a.registry.stats()).toMatchObject({ writes: 0, writeFailures: 1 })
  })
})

describe('a set() that the tier has accepted but not yet answered', () => {
  it.each(['set', 'invalidate', 'clear', 'lost messages'] as const)(
    'is not held against what another process did since: %s',
    async (change) => {
      // "an invalidation in process A defeats a fetch in flight in process B, in memory and in the tier"; "values
      // announced by another process" (L6): what was announced before the answer is newer than what it answers.
      const coordinator = probedCoordinator()
      const { start } = fleet()
      const a = start({}, { coordinator })
      const b = start({}, change === 'lost messages' ? {} : { coordinator })
      const isGone = change === 'invalidate' || change === 'clear'
      const gate = a.tier.hold('set', 'after')
      const written = a.cache.set('k', 'old')
      await settle()
      if (change === 'invalidate') await b.cache.invalidate('k')
      else if (change === 'clear') await b.registry.clear()
      else await b.cache.set('k', 'new')
      if (change === 'lost messages') await coordinator.tell(change.replace(' ', '-'))
      await gate.open()
      await written
      const reading = await a.get('k')
      expect([reading.value, a.calls.length]).toEqual(isGone ? [undefined, 1] : ['new', 0])
    },
  )

  it('is shown to observers as what took its place', async () => {
    const coordinator = probedCoordinator()
    const { start } = fleet()
    const [a, b] = [start({}, { coordinator }), start({}, { coordinator })]
    const entry = a.cache.entry('k')
    entry.subscribe(() => {})
    const gate = a.tier.hold('set', 'after')
    const written = entry.set('old')
    await settle()
    await b.cache.set('k', 'new')
    await gate.open()
    await written
    await settle()
    expect(entry.peek()).toBe('new')
  })
})

describe('an announcement of one key', () => {
  it('makes this process look at that key alone, however many it holds', async () => {
    // 85 bytes an entry are for millions of them: what another process wrote must not cost a look at each.
    const coordinator = probedCoordinator()
    const { start } = fleet()
    const [a, b] = [start({}, { coordinator }), start({}, { coordinator })]
    for (let index = 0; index < 50_000; index++) a.cache.seed(`${index}`, 'v')
    await b.cache.set('7', 'new')
    const startedAt = performance.now()
    for (let index = 0; index < 200; index++) {
      await coordinator.tell({ key: b.tier.calls[0]?.key, generation: `${index}`, origin: 'another' })
    }
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(a.cache.peek('8')).toBe('v')
    expect((await a.get('7')).value).toBe('new')
  })

  it.each([['odd', 'ä%\ud800 \0k1:', 'b'], ['%'], ['\0'], ['']])(
    'finds a key of any characters: %j',
    async (...parts) => {
      const coordinator = probedCoordinator()
      const { start } = fleet()
      const options = { key: () => parts }
      const [a, b] = [start(options, { coordinator }), start(options, { coordinator })]
      await a.cache.set('k', 'old')
      await b.cache.set('k', 'new')
      await settle()
      expect((await a.get('k')).value).toBe('new')
    },
  )

  it.each(['', 'k', 'k9', 'k1:', 'kx:a', 'k1:ab', 'k2:a', 't1:a', 'k-1:a', 'k1.5:a'])(
    'that is no key of ours changes nothing: %j',
    async (rest) => {
      const coordinator = probedCoordinator()
      const a = fleet().start({}, { coordinator })
      await a.load('a', 'v')
      const key = a.tier.calls[0]?.key ?? ''
      await coordinator.tell({ key: key.slice(0, key.lastIndexOf('k')) + rest, generation: 'x', origin: 'another' })
      expect(a.cache.peek('a')).toBe('v')
    },
  )
})

describe('a coordinator', () => {
  it('of a backend that hangs costs a reader one deadline, not two', async () => {
    // "A backend that is down, slow or hung costs a reader at most its deadline (default 200 ms)".
    const { start, clock } = fleet()
    const a = start({}, { coordinator: probedCoordinator() })
    a.tier.hang()
    await a.get('k')
    await clock.advance(backendDeadline)
    expect(a.calls).toHaveLength(1)
  })

  it('that says again and again "another one is done" does not freeze the process', async () => {
    // "Waiting for another process’s flight is bounded by fetchTimeout and maxWait": neither timer can fire in a loop of
    // promises alone. Here it ends by itself after a thousand turns; a coordinator that never grants ends the process.
    let asked = 0
    const coordinator: Coordinator = {
      lease: async () => (++asked > 1000 ? { fence: '1', release() {} } : undefined),
      publish() {},
      subscribe: () => () => {},
    }
    const a = fleet().start({}, { coordinator })
    await a.get('k')
    expect(asked).toBeLessThan(100)
  })
})

describe('a codec that never settles', () => {
  const never = () => new Promise<never>(() => {})

  it('in encode: set() and what comes after it end', async () => {
    // "if the tier refuses, or has not answered within writeDeadline (default 5 s), it rejects and memory is unchanged".
    const { start, clock } = fleet()
    const a = start({ codec: { ...textCodec<string>(), encode: never } })
    const ends = [settlement(a.cache.set('k', 'v')), settlement(a.cache.invalidate('k'))]
    await clock.advance(4 * writeDeadline)
    expect(ends.map(({ state }) => state)).not.toContain('pending')
  })

  it('in decode: the value is a miss for who reads, not an error', async () => {
    // "Any doubt when decoding […] is a miss plus an event, never an exception"; "costs a reader at most its deadline".
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start({ codec: { ...textCodec<string>(), decode: never } })
    await b.get('k')
    await clock.advance(29_000)
    expect(b.calls).toHaveLength(1)
  })

  it('in decode: find() ends, at the latest with dispose()', async () => {
    // L20: dispose() "rejects waiters with CacheDisposedError"; "never settles" (L11) is no reason to wait for ever.
    const { start, clock } = fleet()
    await start().load('k', 'v')
    const b = start({ codec: { ...textCodec<string>(), decode: never } })
    const found = settlement(b.cache.find('k'))
    await clock.advance(60_000)
    await b.registry.dispose()
    await clock.advance(60_000)
    expect(found.state).not.toBe('pending')
  })
})

describe('a backend that answers garbage', () => {
  it.each([
    ['undefined', () => undefined],
    ['null', () => Promise.resolve(null)],
  ])('%s to a delete makes invalidate() reject with BackendError', async (_, answer) => {
    // "if the tier cannot be told it rejects"; errors.ts: "A storage tier did not do what it was asked to."
    const a = fleet().start()
    await a.load('k', 'v')
    a.tier.answer(answer, 'delete')
    expect(await outcome(a.cache.invalidate('k'))).toBeInstanceOf(BackendError)
  })

  it.each([
    ['a delete that does not say whether it existed', (): unknown => ({ generation: 'x' }), 'delete'],
    ['a text for how many there were', (): unknown => 'many', 'deletePrefix'],
    ['NaN for how many there were', (): unknown => Number.NaN, 'deletePrefix'],
  ] as const)('makes invalidations reject with BackendError: %s', async (_, answer, operation) => {
    // "undefined when not cheaply known", a number or nothing else; "existed" is true or false.
    const a = fleet().start()
    a.tier.answer(answer, operation)
    const told = operation === 'delete' ? a.cache.invalidate('k') : a.cache.invalidatePrefix('k')
    expect(await outcome(told)).toBeInstanceOf(BackendError)
  })

  it('to a look-up makes find() reject with BackendError', async () => {
    // "find without a source to fall back on rejects with BackendError; a miss is undefined".
    const a = fleet().start()
    a.tier.answer(() => undefined, 'get')
    expect(await outcome(a.cache.find('k'))).toBeInstanceOf(BackendError)
  })

  it('again and again opens the breaker', async () => {
    // "A backend that is down […] opens a breaker (after 5 failures in a row)": one that answers nonsense is not up.
    const a = fleet().start()
    a.tier.answer(() => undefined, 'get')
    for (let index = 0; index < 6; index++) await outcome(a.cache.find(`${index}`))
    expect(a.kinds()).toContain('backend-failed')
    expect(a.tier.count('get')).toBe(5)
  })
})

describe('a refused write', () => {
  it('is told also where memory keeps nothing', async () => {
    // "a refusal removes it and emits fetch-discarded".
    const { start } = fleet()
    const a = start({}, { maxEntries: 0 })
    const reading = await a.get('k')
    await start().cache.invalidate('k')
    await a.call().resolve('late')
    expect(reading.value).toBe('late')
    expect(a.events).toContainEqual(expect.objectContaining({ kind: 'fetch-discarded', because: 'refused' }))
  })
})

describe('invalidatePrefix()', () => {
  it('counts what only memory held', async () => {
    // "invalidate drops memory at the call"; how many there were is what was dropped, wherever it was.
    const a = fleet().start()
    a.cache.seed('k', 'v')
    expect(await a.cache.invalidatePrefix()).toBe(1)
  })
})

describe('a value whose write may arrive late', () => {
  it.each(['before', 'after'] as const)(
    'L10 does not come back from the tier once it was rejected: invalidated %s the write was given up',
    async (when) => {
      // L10: "invalidate({ ifValue })" drops exactly the token that was rejected, here and in the tier.
      const { start, clock } = fleet()
      const a = start()
      const gate = a.tier.hold('set', 'after')
      await a.load('k', 'rejected')
      if (when === 'after') await clock.advance(writeDeadline)
      const dropped = a.cache.invalidate('k', { ifValue: 'rejected' })
      if (when === 'before') await clock.advance(writeDeadline)
      await gate.open()
      await dropped
      await settle()
      const reading = await a.get('k')
      expect([reading.value, a.calls.length]).toEqual([undefined, 2])
    },
  )
})
