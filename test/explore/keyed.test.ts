/** A real registry over every short schedule of two keys and a sample of long ones, beside an oracle for each key. */
import { afterAll, expect, it } from 'vitest'
import { exploreKeyed, sampleKeyed } from './keyed.ts'
import { keyedRules, widerRules } from './keyed-rules.ts'
import { everyRun } from './levels.ts'

const limit = 10 * 60_000
/** A schedule of several keys takes as long as some of one value. */
const sample = Math.ceil(everyRun.sample / 4)
const seed = Number(process.env['EXPLORE_SEED'] ?? 20_261_120)
const began = performance.now()
let schedules = 0
let sampled = 0

afterAll(() => {
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `explored the registry: ${schedules} schedules, and ${sampled} of ${everyRun.sampleDepth} steps (seed ${seed}), ${seconds} s`,
  )
})

it.each(keyedRules)(
  'CacheRegistry shows everybody what the laws say over every schedule of two keys: $name',
  async (keyed) => {
    const depth = everyRun.keyed(keyed)
    const played = await exploreKeyed(keyed, depth)
    schedules += played
    expect(played).toBeGreaterThan(7 ** depth)
  },
  limit,
)

it.each([...keyedRules, ...widerRules])(
  'CacheRegistry shows everybody what the laws say over long schedules: $name',
  async (keyed) => {
    await sampleKeyed(keyed, everyRun.sampleDepth, sample, seed)
    sampled += sample
  },
  limit,
)
