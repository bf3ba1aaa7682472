/** Random schedules of reads and changes over a fleet, many at a time, and what befalls them meanwhile. */
import type { Random } from '../../bench/simulator/random.ts'
import type { Fleet, Member } from './fleet.ts'
import { keysOf, names } from './orders.ts'

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Reads at any time; changes of a group one after the other, so that it is known which came last. */
export async function playSchedule(fleet: Fleet, group: string, random: Random, steps: number): Promise<void> {
  const { members, source } = fleet
  const under: Promise<unknown>[] = []
  let changes: Promise<unknown> = Promise.resolve()
  let prefixes = 0
  // Every process holds something that may become outdated.
  await Promise.all(members.flatMap((member) => keysOf(group).map((key) => member.tell({ do: 'read', key }))))
  for (let step = 0; step < steps; step++) {
    const member: Member = pick(random, members)
    const key = `${group}/${random() < 0.8 ? names[0] : names[1]}`
    const draw = random()
    const change = (make: () => Promise<void>) => {
      changes = changes.then(make)
      under.push(changes)
    }
    if (draw < 0.65) under.push(member.tell({ do: 'read', key }))
    else if (draw < 0.85) change(() => member.tell({ do: 'invalidate', key, atLeast: source.advance(key) }))
    else if (draw < 0.95) change(() => member.tell({ do: 'set', key, atLeast: source.advance(key) }))
    else if (!prefixes++) {
      change(() => {
        const atLeast = Object.fromEntries(keysOf(group).map((each) => [each, source.advance(each)]))
        return member.tell({ do: 'prefix', group, atLeast })
      })
    }
    if (random() < 0.6) await pause(random() * 25)
  }
  await Promise.all(under)
}

type Fault = (fleet: Fleet, random: Random, groups: readonly string[]) => Promise<unknown>

/** What may go wrong, and is mended again. */
export const faults: Readonly<Record<string, Fault>> = {
  none: async () => {},
  async 'one process is slow to reach it'({ members }, random) {
    const { proxy } = pick(random, members)
    proxy.delay(5 + random() * 60)
    await pause(150)
    proxy.mend()
  },
  async 'one process is cut off'({ members }, random) {
    const { proxy } = pick(random, members)
    proxy.cut()
    await pause(50 + random() * 150)
    proxy.mend()
  },
  async 'nothing arrives for one process'({ members }, random) {
    const { proxy } = pick(random, members)
    proxy.hang()
    await pause(50 + random() * 400)
    proxy.mend()
  },
  async 'the server stands still'({ redis }, random) {
    redis.signal('SIGSTOP')
    await pause(50 + random() * 350)
    redis.signal('SIGCONT')
  },
  /** As `maxmemory` with an eviction policy would. */
  async 'records are evicted'({ redis }, random) {
    for (let round = 0; round < 6; round++) {
      const all = (await redis.command('KEYS', 'fleet:*')) as string[]
      const some = all.filter((key) => !key.includes(':l:') && random() < 0.3)
      if (some.length > 0) await redis.command('DEL', ...some)
      await pause(20)
    }
  },
  async 'it is wiped'({ redis }, random) {
    await pause(random() * 100)
    await redis.command('FLUSHALL')
  },
  async 'it forgets its scripts'({ redis }) {
    await redis.command('SCRIPT', 'FLUSH')
  },
  async 'it is killed and comes back empty'({ redis }, random) {
    await pause(random() * 100)
    await redis.restart()
  },
  async 'it comes back with an older copy'({ redis }, random) {
    await redis.command('SAVE')
    await pause(random() * 150)
    await redis.restart()
  },
}
