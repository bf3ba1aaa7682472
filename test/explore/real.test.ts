/** The real class over every short schedule and a sample of long ones, beside an oracle written from the laws. */
import { afterAll, expect, it } from 'vitest'
import { everyRun } from './levels.ts'
import { exploreReal, sampleReal } from './real.ts'
import { allRules } from './rules.ts'

const limit = 10 * 60_000
const seed = Number(process.env['EXPLORE_SEED'] ?? 20_261_120)
const began = performance.now()
let schedules = 0
let sampled = 0

afterAll(() => {
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `explored the real class: ${schedules} schedules, and ${sampled} of ${everyRun.sampleDepth} steps (seed ${seed}), ${seconds} s`,
  )
})

it.each(allRules)(
  'BackgroundCache shows everybody what the laws say over every schedule: $name',
  async (rules) => {
    const depth = everyRun.real(rules)
    const played = await exploreReal(rules, depth)
    schedules += played
    expect(played).toBeGreaterThan(8 ** depth)
  },
  limit,
)

it.each(allRules)(
  'BackgroundCache shows everybody what the laws say over long schedules: $name',
  async (rules) => {
    await sampleReal(rules, everyRun.sampleDepth, everyRun.sample, seed)
    sampled += everyRun.sample
  },
  limit,
)
