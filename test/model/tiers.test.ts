/**
 * Random schedules of registries on one store, against the laws of a keyed registry and its tiers. Longer:
 * `TIERS_RUNS=8000 TIERS_STEPS=40 npx vitest run test/model/tiers.test.ts`; `TIERS_SEED` plays a drawn one again.
 */
import { expect, it } from 'vitest'
import { sampleTiers } from './tiers.ts'

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const schedules = number('TIERS_RUNS', 1000)
const length = number('TIERS_STEPS', 14)
const limit = 60_000 + schedules * length * 10

it(
  'registries on one store give nobody what is outdated, whatever is late, lost or down (L2 L4 – L16)',
  async () => {
    const steps = await sampleTiers({ seed: 20_261_120, schedules: Math.ceil(schedules * 0.8), length })
    expect(steps).toBeGreaterThan(schedules)
  },
  limit,
)

it(
  'registries on one store keep the laws over schedules nobody has seen before',
  async () => {
    const seed = number('TIERS_SEED', Date.now() % 1_000_003)
    console.log(`seed of the schedules of tiers: ${seed}`)
    const steps = await sampleTiers({ seed, schedules: Math.ceil(schedules * 0.2), length })
    expect(steps).toBeGreaterThan(schedules / 5)
  },
  limit,
)
