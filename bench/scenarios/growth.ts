/** What a refresh costs among many idle keys, and with many subscribers: of the first it is to be independent. */

import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { type Contender, median, type Scenario } from '../scenario.ts'

const ttl = 3_600_000

/** Microseconds are too coarse for one refresh: a batch is timed. */
const timeRefreshes = (refresh: () => Promise<unknown>, divisor: number): Awaited<ReturnType<Contender>> => {
  const batch = 100
  return async (budgetMs) => {
    const passed: number[] = []
    for (const end = performance.now() + budgetMs; performance.now() < end || !passed.length; ) {
      const began = performance.now()
      for (let i = 0; i < batch; i++) await refresh()
      passed.push(performance.now() - began)
    }
    return (median(passed) * 1e6) / batch / divisor
  }
}

const amongIdle =
  (idle: number): Contender =>
  async () => {
    let answers = 0
    const values = new CacheRegistry().define({ type: 'value', ttl, fetch: () => ++answers })
    for (let key = 0; key < idle; key++) await values.set(`idle-${key}`, -1)
    return timeRefreshes(async () => {
      const value = await values.refresh('busy')
      if (value !== answers) throw new Error(`${value} instead of ${answers}`)
    }, 1)
  }

const toSubscribers =
  (count: number): Contender =>
  async () => {
    let [answers, heard] = [0, 0]
    const cache = new BackgroundCache({ ttl, fetch: () => ++answers })
    await cache.get()
    for (let each = 0; each < count; each++) cache.subscribe(() => heard++)
    return timeRefreshes(async () => {
      const before = heard
      await cache.refresh()
      if (heard < before + count) throw new Error(`${heard - before} of ${count} subscribers heard of a new value`)
    }, count)
  }

export const growthByIdleKeys: Scenario = {
  title: 'One refresh, by the number of idle keys beside it',
  unit: 'ns',
  contenders: {
    'no other key': amongIdle(0),
    '1,000 idle keys': amongIdle(1000),
    '100,000 idle keys': amongIdle(100_000),
  },
  bars: { '1,000 idle keys': { times: 1.5 }, '100,000 idle keys': { times: 1.5 } },
}

export const growthBySubscribers: Scenario = {
  title: 'One refresh, for each of its subscribers',
  unit: 'ns',
  contenders: {
    '10 subscribers': toSubscribers(10),
    '1,000 subscribers': toSubscribers(1000),
    '10,000 subscribers': toSubscribers(10_000),
  },
  bars: { '1,000 subscribers': { times: 1 }, '10,000 subscribers': { times: 1 } },
}
