/** Reads of a fresh value, awaited and not, against what any such read has to do: ask the clock and compare. */

import { BackgroundCache } from 'evercurrent'
import type { Contender as Peer } from '../compare/contender.ts'
import { timeAwaitedReads, timeReads } from '../reads.ts'
import type { Contender, Round, Scenario } from '../scenario.ts'
import { useOtherCaches } from './other-caches.ts'

const ttl = 3_600_000
const value = { id: 1, name: 'orders' }
const load = () => value
const text = 'orders as they are'
const key = 'orders'

/** Every read was answered from the one fetch: asserted after each round too. */
const servedFrom = (fetches: () => number, round: Round): Round => {
  const check = () => {
    if (fetches() !== 1) throw new Error(`${fetches()} fetches instead of 1`)
  }
  return async (budgetMs) => {
    check()
    const figure = await round(budgetMs)
    check()
    return figure
  }
}

const warmCache = async () => {
  const cache = new BackgroundCache({ ttl, fetch: load })
  await cache.get()
  return cache
}

const get: Contender = async () => {
  const cache = await warmCache()
  return servedFrom(
    () => cache.stats().fetches,
    timeAwaitedReads(() => cache.get(), value),
  )
}

const getPerCall: Contender = async () => {
  const cache = new BackgroundCache<typeof value>({ ttl })
  await cache.get(load)
  return servedFrom(
    () => cache.stats().fetches,
    timeAwaitedReads(() => cache.get(load), value),
  )
}

/** One key of a cache of many, if it is one; an hour before anything is due. */
const warmPeer = async (peer: Peer) => {
  let loads = 0
  const answer = async () => {
    loads++
    return text
  }
  const wish = { due: ttl, ttl: ttl + 60_000, stale: ttl + 60_000 }
  const keyed = await peer.startMany?.(answer, wish, 1)
  const subject = keyed ?? (await peer.start(answer, wish))
  await subject.read(key)
  return { subject, loads: () => loads }
}

const rivalGet: Scenario['rival'] = async (peer) => {
  const { subject, loads } = await warmPeer(peer)
  if ((await subject.read(key)) !== text) return 'a read does not give the value'
  return servedFrom(
    loads,
    timeAwaitedReads(() => subject.read(key), text),
  )
}

const rivalSync: Scenario['rival'] = async (peer) => {
  const { subject, loads } = await warmPeer(peer)
  const { peek } = subject
  if (!peek || peek(key) !== text) return 'no synchronous read'
  return servedFrom(
    loads,
    timeReads(() => peek(key), text),
  )
}

const amongOthers = (contender: Contender): Contender => {
  return async () => {
    await useOtherCaches()
    return contender()
  }
}

const awaitFloor: Contender = () => {
  const stored = Promise.resolve(value)
  const stale = Promise.resolve(undefined as never)
  const until = performance.now() + ttl
  return timeAwaitedReads(() => (performance.now() < until ? stored : stale), value)
}

const awaitCapturedFloor: Contender = () => {
  const now = performance.now.bind(performance)
  const stored = Promise.resolve(value)
  const stale = Promise.resolve(undefined as never)
  const until = now() + ttl
  return timeAwaitedReads(() => (now() < until ? stored : stale), value)
}

export const warmGet: Scenario = {
  title: 'Warm awaited read',
  unit: 'ns',
  contenders: {
    'floor: clock read + await of a stored promise': awaitFloor,
    'floor, captured clock': awaitCapturedFloor,
    'await cache.get()': get,
    'await cache.get(fetch)': getPerCall,
    'await cache.get(), among other caches': amongOthers(get),
  },
  rival: rivalGet,
  capturedFloor: 'floor, captured clock',
  bars: { 'await cache.get()': { times: 1.1 } },
}

const peek: Contender = async () => {
  const cache = await warmCache()
  return servedFrom(
    () => cache.stats().fetches,
    timeReads(() => cache.peek(), value),
  )
}

const tryGet: Contender = async () => {
  const cache = await warmCache()
  return servedFrom(
    () => cache.stats().fetches,
    timeReads(() => cache.tryGet(), value),
  )
}

const compareFloor: Contender = () => {
  const until = performance.now() + ttl
  return timeReads(() => (performance.now() < until ? value : undefined), value)
}

const compareCapturedFloor: Contender = () => {
  const now = performance.now.bind(performance)
  const until = now() + ttl
  return timeReads(() => (now() < until ? value : undefined), value)
}

export const warmSync: Scenario = {
  title: 'Warm synchronous read',
  unit: 'ns',
  contenders: {
    'floor: clock read + compare': compareFloor,
    'floor, captured clock': compareCapturedFloor,
    'cache.peek()': peek,
    'cache.tryGet()': tryGet,
    'cache.peek(), among other caches': amongOthers(peek),
    'cache.tryGet(), among other caches': amongOthers(tryGet),
  },
  rival: rivalSync,
  capturedFloor: 'floor, captured clock',
  bars: { 'cache.peek()': { times: 1.15 }, 'cache.tryGet()': { times: 1.2 } },
}
