/** When readers come, and which keys they ask for. */

import { type Random, randomFrom, zipf } from './random.ts'

const minute = 60_000
const hour = 60 * minute

/** Times in milliseconds, at a rate (reads per second) that changes with time: thinned from the highest rate. */
function arrivals(until: number, most: number, rate: (at: number) => number, random: Random): number[] {
  const times: number[] = []
  for (let at = 0; at < until; ) {
    at += (-Math.log(1 - random()) / most) * 1000
    if (at < until && random() * most < rate(at)) times.push(Math.floor(at))
  }
  return times
}

export interface Traffic {
  readonly what: string
  readonly reads: readonly number[]
  isDown(at: number): boolean
}

const up = () => false

export const traffic: Readonly<Record<string, () => Traffic>> = {
  steady: () => ({
    what: 'two reads a second for two hours',
    reads: arrivals(2 * hour, 2, () => 2, randomFrom(1)),
    isDown: up,
  }),
  seldom: () => ({
    what: 'a read every 40 s on average, for a day',
    reads: arrivals(24 * hour, 1 / 40, () => 1 / 40, randomFrom(2)),
    isDown: up,
  }),
  bursts: () => ({
    what: 'twenty reads a second for 10 s, every five minutes, for six hours',
    reads: arrivals(6 * hour, 20, (at) => (at % (5 * minute) < 10_000 ? 20 : 0), randomFrom(3)),
    isDown: up,
  }),
  diurnal: () => ({
    what: 'a day: from one read in 100 s at night to one a second at noon',
    reads: arrivals(24 * hour, 1, (at) => 0.01 + 0.99 * Math.sin((Math.PI * at) / (24 * hour)) ** 4, randomFrom(4)),
    isDown: up,
  }),
  'flash crowd': () => ({
    what: 'a read in 20 s, then 200 a second for 30 s, for half an hour',
    reads: arrivals(hour / 2, 200, (at) => (at > 15 * minute && at < 15.5 * minute ? 200 : 0.05), randomFrom(5)),
    isDown: up,
  }),
  'rolling outage': () => ({
    what: 'two reads a second for two hours; of every ten minutes the source is down for three',
    reads: arrivals(2 * hour, 2, () => 2, randomFrom(6)),
    isDown: (at) => at % (10 * minute) > 7 * minute,
  }),
}

const asked = 300_000

/** Keys that are asked for one after the other, among 20,000. */
export const accesses: Readonly<Record<string, () => Iterable<number>>> = {
  'zipf 1.0': () => draw(zipf(20_000, randomFrom(11))),
  'zipf 0.7': () => draw(zipf(20_000, randomFrom(12), 0.7)),
  'zipf 1.0 with scans': function* () {
    const next = zipf(20_000, randomFrom(13))
    for (let i = 0; i < asked; i++) {
      // A job walks 5,000 keys that nobody asks for again.
      if (i % 50_000 === 25_000) for (let key = 0; key < 5000; key++) yield 100_000 + i + key
      yield next()
    }
  },
  'loop of 3,000': function* () {
    for (let i = 0; i < asked; i++) yield i % 3000
  },
}

function* draw(next: () => number) {
  for (let i = 0; i < asked; i++) yield next()
}
