/** 10,000 reads of a cold cache, or of a cold key of a registry, at once, which share one fetch, against 10,000 that share one bare promise. */

import { BackgroundCache, CacheRegistry } from 'evercurrent'
import type { Contender as Peer } from '../compare/contender.ts'
import { type Contender, median, type Round, type Scenario } from '../scenario.ts'

const readers = 10_000
const value = 'orders as they are'

/** Something cold, and what brings its value. */
interface Cold {
  read(): unknown
  arrive(): void
  fetches(): number
}

type MakeCold = () => Cold | Promise<Cold>

const coldCache = (): Cold => {
  const { promise, arrive } = barePromise()
  const cache = new BackgroundCache({ ttl: '1h', fetch: () => promise })
  return { read: () => cache.get(), arrive, fetches: () => cache.stats().fetches }
}

const coldKey = (): Cold => {
  const { promise, arrive } = barePromise()
  const registry = new CacheRegistry()
  const tables = registry.define({ type: 'table', ttl: '1h', fetch: () => promise })
  return { read: () => tables.get(key), arrive, fetches: () => registry.stats().fetches }
}

const never = { due: 3_540_000, ttl: 3_600_000, stale: 3_600_000 }
const key = 'orders'

/** A new one for every stampede. Whoever holds one credential gives back a copy of it. */
const coldPeer = (peer: Peer) => async (): Promise<Cold> => {
  const { promise, arrive } = barePromise()
  let loads = 0
  const answer = () => {
    loads++
    return promise
  }
  const subject = (await peer.startMany?.(answer, never, 10)) ?? (await peer.start(answer, never))
  return { read: () => subject.read(key), arrive, fetches: () => loads }
}

const coldPromise = (): Cold => {
  const { promise, arrive } = barePromise()
  return { read: () => promise, arrive, fetches: () => 1 }
}

const barePromise = () => {
  let arrive = () => {}
  const promise = new Promise<string>((resolve) => {
    arrive = () => resolve(value)
  })
  return { promise, arrive }
}

/** All reads begin, the value arrives, all are answered. */
async function stampede({ read, arrive, fetches }: Cold) {
  let answered = 0
  const reader = async () => {
    if ((await read()) === value) answered++
  }
  const all = new Array<Promise<void>>(readers)
  const began = performance.now()
  for (let i = 0; i < readers; i++) all[i] = reader()
  arrive()
  await Promise.all(all)
  const passed = performance.now() - began
  if (answered !== readers || fetches() !== 1) throw new Error(`${answered} answers, ${fetches()} fetches`)
  return passed
}

function time(makeCold: MakeCold): Round {
  return async (budgetMs) => {
    const passed = [await stampede(await makeCold())]
    for (const end = performance.now() + budgetMs; performance.now() < end; )
      passed.push(await stampede(await makeCold()))
    return median(passed)
  }
}

const collect = () => globalThis.gc?.()
const heap = () => process.memoryUsage().heapUsed

/** Bytes per reader, without what its own `await` takes: allocated until it waits, or kept while it does. */
function bytes(makeCold: MakeCold, onlyKept: boolean): Round {
  return async () => {
    await stampede(await makeCold())
    const { read, arrive, fetches } = await makeCold()
    const all = new Array<unknown>(readers).fill(Promise.resolve(value))
    collect()
    const before = heap()
    for (let i = 0; i < readers; i++) all[i] = read()
    if (onlyKept) collect()
    const taken = heap() - before
    arrive()
    for (const answer of all) if ((await answer) !== value) throw new Error('A reader did not get the value')
    if (fetches() !== 1) throw new Error(`${fetches()} fetches instead of 1`)
    return taken / readers
  }
}

const contenders = (measure: (makeCold: MakeCold) => Round): Record<string, Contender> => ({
  'floor: sharing one bare promise': () => measure(coldPromise),
  'await cache.get()': () => measure(coldCache),
})

const rival =
  (measure: (makeCold: MakeCold) => Round): NonNullable<Scenario['rival']> =>
  async (peer) => {
    const makeCold = coldPeer(peer)
    const { read, arrive } = await makeCold()
    const answers = [read(), read()]
    setTimeout(arrive, 5)
    for (const answer of answers)
      if ((await answer) !== value) return 'a read of what is cold does not wait for a value'
    return measure(makeCold)
  }

/** A young generation so large that nothing is collected meanwhile: what the heap grew by was allocated. */
const flags = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128']

export const stampedeTime: Scenario = {
  title: 'Stampede of 10,000 cold reads: until all are answered',
  unit: 'ms',
  contenders: contenders(time),
  rival: rival(time),
  bars: { 'await cache.get()': { times: 1.2 } },
}

export const stampedeAllocated: Scenario = {
  title: 'Stampede of 10,000 cold reads: allocated per waiter',
  unit: 'B',
  contenders: contenders((makeCold) => bytes(makeCold, false)),
  rival: rival((makeCold) => bytes(makeCold, false)),
  bars: { 'await cache.get()': { above: 70 } },
  flags,
  isHeavy: true,
}

export const stampedeKept: Scenario = {
  title: 'Stampede of 10,000 cold reads: kept per waiter',
  unit: 'B',
  contenders: contenders((makeCold) => bytes(makeCold, true)),
  rival: rival((makeCold) => bytes(makeCold, true)),
  flags,
  isHeavy: true,
}

/** As many fetches as it takes until their code is compiled: a stampede has only one. */
async function fetchOften(makeCold: MakeCold): Promise<void> {
  for (let fetch = 0; fetch < 3000; fetch++) {
    const { read, arrive } = await makeCold()
    const answer = read()
    arrive()
    await answer
  }
}

const ofKey = (measure: (makeCold: MakeCold) => Round): Scenario['contenders'] => ({
  'floor: sharing one bare promise': () => measure(coldPromise),
  'await tables.get(key)': async () => {
    await fetchOften(coldKey)
    return measure(coldKey)
  },
})

/** In a large young generation, so that few are hit by a collection of all these readers: whom it hits is chance. */
export const keyedStampedeTime: Scenario = {
  title: 'Stampede of 10,000 reads of one cold key: until all are answered',
  unit: 'ms',
  contenders: ofKey(time),
  bars: { 'await tables.get(key)': { times: 1.3 } },
  flags,
}

export const keyedStampedeAllocated: Scenario = {
  title: 'Stampede of 10,000 reads of one cold key: allocated per waiter',
  unit: 'B',
  contenders: ofKey((makeCold) => bytes(makeCold, false)),
  bars: { 'await tables.get(key)': { above: 100 } },
  flags,
}
