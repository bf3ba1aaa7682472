/** `npm run simulate` in short: the same in every run, its models keep what they promise, and the document has its rows. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lru, s3fifo, sieve } from '../bench/simulator/eviction.ts'
import { models, ttl } from '../bench/simulator/models.ts'
import { simulate } from '../bench/simulator/simulate.ts'
import { traffic } from '../bench/simulator/traces.ts'

const document = readFileSync(fileURLToPath(new URL('../docs/simulations.md', import.meta.url)), 'utf8')
const played = (model: string, trace: string) => {
  const [policy, times] = [models[model], traffic[trace]]
  if (!policy || !times) throw new Error(`No ${model} or ${trace}`)
  return simulate(policy.start, times())
}

describe('the simulator', () => {
  it('gives the same outcome in every run, which is the row in docs/simulations.md', async () => {
    const outcome = await played('evercurrent', 'flash crowd')
    expect(await played('evercurrent', 'flash crowd')).toEqual(outcome)
    const section = document.split('## Traffic: flash crowd')[1]?.split('## ')[0]
    expect(section).toContain(`| evercurrent | ${outcome.calls} |`)
  })

  it('has evercurrent spare a source that is down, and give no reader an error that a stale value can avoid', async () => {
    const [own, plain] = [await played('evercurrent', 'rolling outage'), await played('plain TTL', 'rolling outage')]
    expect(own.errors).toBe(0)
    expect(plain.errors).toBeGreaterThan(1000)
    expect(own.calls * 4).toBeLessThan(plain.calls)
  })

  it('has models that keep to their policy', async () => {
    const bounded = await played('TTL and window, no back-off', 'flash crowd')
    expect(bounded.oldest).toBeLessThanOrEqual(ttl)
    const unbounded = await played('stale while revalidate, unbounded', 'flash crowd')
    expect(unbounded.oldest).toBeGreaterThan(ttl)
  })

  it.each([
    ['LRU', lru],
    ['SIEVE', sieve],
    ['S3-FIFO', s3fifo],
  ])('%s has room for as many keys as it was given, and finds those', (_name, policy) => {
    const asks = policy(20)
    const round = () => Array.from({ length: 20 }, (_, key) => asks(key)).filter(Boolean).length
    expect([round(), round(), round()]).toEqual([0, 20, 20])
  })
})
