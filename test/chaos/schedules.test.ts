/** Random schedules over three processes with faults: nobody is given what was invalidated. Long: `npm run test:fleet`. */
import { expect, it } from 'vitest'
import { randomFrom } from '../../bench/simulator/random.ts'
import { redisServer } from '../support/redis-server.ts'
import { check, quantile } from './checker.ts'
import { startFleet } from './fleet.ts'
import { faults, playSchedule } from './schedules.ts'

const wanted = Number(process.env['FLEET_SCHEDULES'] ?? 150)
const seed = Number(process.env['FLEET_SEED'] ?? 20_261_201)
const atOnce = 50
const steps = 14

it.skipIf(!redisServer)(
  'after a process made or heard of a change it gives nothing older, and nor does the tier, whatever fails',
  { timeout: 3_600_000 },
  async () => {
    const fleet = await startFleet(3, { ttl: 5000, refreshWindow: 1000 })
    const random = randomFrom(seed)
    fleet.source.latency = () => 2 + random() * 40
    const names = Object.keys(faults)
    const windows: number[] = []
    let [reads, moves, played] = [0, 0, 0]
    try {
      for (let batch = 0; played < wanted; batch++) {
        const fault = names[batch % names.length] as string
        const groups = Array.from({ length: Math.min(atOnce, wanted - played) }, (_, at) => `s${played + at}`)
        const schedules = groups.map((group) =>
          playSchedule(fleet, group, randomFrom(seed + Number(group.slice(1))), steps),
        )
        await faults[fault]?.(fleet, random, groups)
        await Promise.all(schedules)
        const verdict = check(fleet.facts.splice(0))
        expect(verdict.violations, `seed ${seed}, batch ${batch}: ${fault}`).toEqual([])
        expect(verdict.reads).toBeGreaterThan(groups.length)
        reads += verdict.reads
        moves += verdict.moves
        windows.push(...verdict.windows)
        played += groups.length
      }
    } finally {
      await fleet.close()
    }
    console.log(
      `${played} schedules (seed ${seed}): ${reads} reads, ${moves} changes, no violation; ${windows.length} reads from memory` +
        ` were older than a change elsewhere, the last ${Math.max(0, ...windows).toFixed(1)} ms after it (p50 ${quantile(windows, 0.5).toFixed(1)})`,
    )
  },
)
