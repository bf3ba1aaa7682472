/** 10,000 reads of a cold cache, or of a cold key of a registry, at once, which share one fetch, against 10,000 that share one bare promise. */

import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { key, lruCaches } from '../rivals/lru-cache.ts'
import { type Contender, median, type Round, type Scenario } from '../scenario.ts'

const readers = 10_000
const value = { id: 1, name: 'orders' }

/** Something cold, and what brings its value. */
interface Cold {
  read(): Promise<typeof value | undefined>
  arrive(): void
  fetches(): number
}

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

/** Knows how to make such a thing once what it is made of has been loaded. */
const coldLru = async () => {
  const make = await lruCaches()
  return (): Cold => {
    const { promise, arrive } = barePromise()
    const { cache, fetches } = make(3_600_000, () => promise)
    return { read: () => cache.fetch(key), arrive, fetches }
  }
}

const coldPromise = (): Cold => {
  const { promise, arrive } = barePromise()
  return { read: () => promise, arrive, fetches: () => 1 }
}

const barePromise = () => {
  let arrive = () => {}
  const promise = new Promise<typeof value>((resolve) => {
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

function time(makeCold: () => Cold): Round {
  return async (budgetMs) => {
    const passed = [await stampede(makeCold())]
    for (const end = performance.now() + budgetMs; performance.now() < end; ) passed.push(await stampede(makeCold()))
    return median(passed)
  }
}

const collect = () => globalThis.gc?.()
const heap = () => process.memoryUsage().heapUsed

/** Bytes per reader, without what its own `await` takes: allocated until it waits, or kept while it does. */
function bytes(makeCold: () => Cold, onlyKept: boolean): Round {
  return async () => {
    await stampede(makeCold())
    const { read, arrive, fetches } = makeCold()
    const all = new Array<Promise<typeof value | undefined>>(readers).fill(Promise.resolve(value))
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

const contenders = (measure: (makeCold: () => Cold) => Round): Record<string, Contender> => ({
  'floor: sharing one bare promise': () => measure(coldPromise),
  'await cache.get()': () => measure(coldCache),
})

const rivals = (measure: (makeCold: () => Cold) => Round): Record<string, Contender> => ({
  'lru-cache: await cache.fetch(key)': async () => measure(await coldLru()),
})

/** A young generation so large that nothing is collected meanwhile: what the heap grew by was allocated. */
const flags = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128']

export const stampedeTime: Scenario = {
  title: 'Stampede of 10,000 cold reads: until all are answered',
  unit: 'ms',
  contenders: contenders(time),
  rivals: rivals(time),
}

export const stampedeAllocated: Scenario = {
  title: 'Stampede of 10,000 cold reads: allocated per waiter',
  unit: 'B',
  contenders: contenders((makeCold) => bytes(makeCold, false)),
  rivals: rivals((makeCold) => bytes(makeCold, false)),
  flags,
}

export const stampedeKept: Scenario = {
  title: 'Stampede of 10,000 cold reads: kept per waiter',
  unit: 'B',
  contenders: contenders((makeCold) => bytes(makeCold, true)),
  rivals: rivals((makeCold) => bytes(makeCold, true)),
  flags,
}

/** As many fetches as it takes until their code is compiled: a stampede has only one. */
async function fetchOften(makeCold: () => Cold): Promise<void> {
  for (let fetch = 0; fetch < 3000; fetch++) {
    const { read, arrive } = makeCold()
    const answer = read()
    arrive()
    await answer
  }
}

const ofKey = (measure: (makeCold: () => Cold) => Round): Scenario['contenders'] => ({
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
  rivals: rivals(time),
  bars: { 'await tables.get(key)': { times: 1.3 } },
  flags,
}

export const keyedStampedeAllocated: Scenario = {
  title: 'Stampede of 10,000 reads of one cold key: allocated per waiter',
  unit: 'B',
  contenders: ofKey((makeCold) => bytes(makeCold, false)),
  rivals: rivals((makeCold) => bytes(makeCold, false)),
  bars: { 'await tables.get(key)': { above: 100 } },
  flags,
}
