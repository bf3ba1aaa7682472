/** Lets hours of traffic pass in virtual time, and counts what the source and the readers see. */

import { manualClock } from 'evercurrent/testing'
import { quantile } from '../scenario.ts'
import { type Eviction, evictions } from './eviction.ts'
import type { Model } from './models.ts'
import { type Random, randomFrom } from './random.ts'
import { accesses, type Traffic } from './traces.ts'

export interface Outcome {
  readonly reads: number
  readonly calls: number
  readonly waited: number
  readonly errors: number
  readonly medianAge: number
  readonly oldAge: number
  readonly oldest: number
}

/** Between 100 ms and a second, a few of them longer. */
const latency = (random: Random) => 100 + 900 * random() ** 3

export async function simulate(start: Model['start'], { reads, isDown }: Traffic): Promise<Outcome> {
  const clock = manualClock({ startAt: Date.UTC(2026, 0, 1) })
  const began = clock.now()
  const random = randomFrom(17)
  let calls = 0
  const load = () => {
    calls++
    const fails = isDown(clock.now() - began)
    return new Promise<number>((resolve, reject) => {
      clock.after(Math.round(latency(random)), () => (fails ? reject(new Error('source down')) : resolve(clock.now())))
    })
  }
  const read = start(load, clock)
  const ages: number[] = []
  let [waited, errors] = [0, 0]
  for (const at of reads) {
    const pause = began + at - clock.now()
    if (pause > 0) await clock.advance(pause)
    const asked = clock.now()
    const settle = () => {
      if (clock.now() > asked) waited++
    }
    read().then(
      (value) => {
        settle()
        ages.push(clock.now() - value)
      },
      () => {
        settle()
        errors++
      },
    )
  }
  await clock.advance(10_000)
  if (ages.length + errors !== reads.length)
    throw new Error(`${ages.length + errors} of ${reads.length} reads were answered`)
  return {
    reads: reads.length,
    calls,
    waited,
    errors,
    medianAge: quantile(ages, 0.5),
    oldAge: quantile(ages, 0.99),
    oldest: quantile(ages, 1),
  }
}

/** The share of hits, in percent, by access trace and policy, where a tenth of 20,000 keys has room. */
export function hitRates(room = 2000): Map<string, Map<string, number>> {
  const rate = (keys: Iterable<number>, asks: Eviction) => {
    let [hits, all] = [0, 0]
    for (const key of keys) {
      all++
      if (asks(key)) hits++
    }
    return (100 * hits) / all
  }
  return new Map(
    Object.entries(accesses).map(([trace, keys]) => [
      trace,
      new Map(Object.entries(evictions).map(([name, make]) => [name, rate(keys(), make(room))])),
    ]),
  )
}
