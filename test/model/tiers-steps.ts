/** What a schedule of tiers is made of: each step with its name, how often it is drawn, and what it does. */
import type { Life } from './tiers-life.ts'
import { refreshWindow, ttl } from './tiers-rules.ts'
import type { TierCall } from './tiers-store.ts'
import type { World } from './tiers-world.ts'

/** One step of one schedule: all it needs to be taken again. */
export interface Step {
  readonly what: string
  readonly who: number
  readonly key: number
  readonly pick: number
  /** the next step follows before anything has come of this one */
  readonly sudden: boolean
}

interface Kind {
  readonly weight: number
  /** a schedule draws some of these groups, and has none of the others */
  readonly group?: 'held' | 'trouble' | 'writes' | 'drops' | 'wide' | 'lives' | 'refreshes' | 'seeds'
  /** Does nothing, and says so, where it cannot be taken. */
  readonly take: (world: World, step: Step) => unknown
}

const life = (world: World, { who }: Step): Life => world.alive()[who % world.rules.registries] as Life
const key = (world: World, step: Step): string => world.keys[step.key % world.keys.length]?.name as string
const onKey = (weight: number, group: Kind['group'], take: (life: Life, key: string, step: Step) => unknown): Kind => ({
  weight,
  ...(group && { group }),
  take: (world, step) => void take(life(world, step), key(world, step), step),
})
const passes = (weight: number, ms: number): Kind => ({ weight, take: (world) => world.pass(ms) })
const settles = (weight: number, how: 'ok' | 'fail' | 'gone'): Kind => ({
  weight,
  take: (world, { pick }) => {
    const open = world.open()
    if (open.length === 0) return false
    open[pick % open.length]?.settle(how)
  },
})
const calls = (
  weight: number,
  group: 'held' | 'trouble',
  how: (call: TierCall) => void,
  which = (_: TierCall) => true,
): Kind => ({
  weight,
  group,
  take: (world, { pick }) => {
    const open = world.held().filter(which)
    if (open.length === 0) return false
    how(open[pick % open.length] as TierCall)
  },
})
const mode = (weight: number, group: 'held' | 'trouble', to: Life['line']['mode']): Kind => ({
  weight,
  group,
  take: (world, step) => {
    const { line, by } = life(world, step)
    if (line.mode === to) return false
    world.say(`the tier is ${to} for ${by}`)
    line.mode = to
    if (to === 'well') for (const call of world.held()) if (call.line === line && !call.signal?.aborted) call.answer()
  },
})

export const kinds: Readonly<Record<string, Kind>> = {
  get: onKey(10, undefined, (life, key) => life.get(key)),
  read: onKey(4, undefined, (life, key) => life.read(key)),
  find: onKey(4, undefined, (life, key) => life.find(key)),
  'get many': {
    weight: 3,
    take: (world, step) => {
      const all = world.keys.map(({ name }) => name)
      const asked = step.pick % 2 === 0 ? all : all.filter((_, at) => at !== step.key % 3)
      life(world, step).getMany(step.pick % 3 === 0 ? asked.toReversed() : asked)
    },
  },
  refresh: onKey(4, 'refreshes', (life, key) => life.refresh(key)),
  'refresh if older': onKey(2, 'refreshes', (life, key, { pick }) =>
    life.refreshIfOlder(key, [1, 500, 5000][pick % 3] as number),
  ),
  set: onKey(6, 'writes', (life, key) => life.set(key)),
  seed: onKey(3, 'seeds', (life, key, { pick }) => life.seed(key, [0, 1, 3000, 9000][pick % 4] as number)),
  invalidate: onKey(5, 'drops', (life, key) => life.invalidate(key)),
  reject: {
    weight: 3,
    group: 'drops',
    take: (world, step) => {
      const { cache, reject } = life(world, step)
      const name = key(world, step)
      const older = [...world.made.values()].filter((one) => one.key === name)
      const value = step.pick % 2 === 0 ? cache.peek(name) : older[step.pick % older.length]?.value
      if (value === undefined) return false
      reject(name, value)
    },
  },
  'invalidate prefix': {
    weight: 2,
    group: 'wide',
    take: (world, step) => void life(world, step).invalidatePrefix(step.pick % 3 === 0 ? 'db10' : 'db1'),
  },
  clear: { weight: 1, group: 'wide', take: (world, step) => void life(world, step).clear() },
  expire: onKey(2, 'drops', (life, key) => life.expire(key)),
  'settle ok': settles(14, 'ok'),
  'settle fail': settles(3, 'fail'),
  'settle gone': settles(2, 'gone'),
  '1 ms': passes(2, 1),
  '150 ms': passes(2, 150),
  '250 ms': passes(3, 250),
  '1 s': passes(2, 1000),
  'a window': passes(2, ttl - refreshWindow),
  'a write deadline': passes(2, 5000),
  'an expiry': passes(2, ttl),
  hold: mode(5, 'held', 'held'),
  'let go': mode(2, 'held', 'well'),
  answer: calls(
    10,
    'held',
    (call) => call.answer(),
    ({ signal }) => !signal?.aborted,
  ),
  act: calls(
    6,
    'held',
    (call) => call.act(),
    ({ actedAt }) => !actedAt,
  ),
  break: calls(2, 'trouble', (call) => call.fail()),
  down: mode(2, 'trouble', 'down'),
  throwing: mode(1, 'trouble', 'throwing'),
  mend: mode(4, 'trouble', 'well'),
  // Drawn one by one these four hardly ever meet.
  'write in an outage': {
    weight: 5,
    group: 'trouble',
    async take(world, step) {
      const { line, by, ...writes } = life(world, step)
      if (line.mode !== 'well') return false
      world.say(`the tier is away for ${by}`)
      line.mode = 'down'
      const name = key(world, step)
      if (step.pick < 5) writes.invalidate(name)
      else if (step.pick < 7) writes.invalidatePrefix('db1')
      else if (step.pick < 9) writes.clear()
      else writes.set(name)
      await world.settle()
      world.say(`the tier is back for ${by}`)
      line.mode = 'well'
    },
  },
  wipe: {
    weight: 1,
    group: 'trouble',
    take: ({ store, say }) => {
      say('the store loses everything')
      store.wipe()
    },
  },
  restart: {
    weight: 1,
    group: 'lives',
    take: (world, step) => {
      const old = life(world, step)
      old.dispose()
      const next = world.begin(old.by.slice(0, 1), old.line.mode)
      // In the place of the old one, or the steps after it would mean others.
      world.lives.splice(world.lives.indexOf(next), 1)
      world.lives.splice(world.lives.indexOf(old), 0, next)
    },
  },
}

const groups = ['held', 'trouble', 'writes', 'drops', 'wide', 'lives', 'refreshes', 'seeds'] as const

/** A source of steps: which there are in this schedule is drawn first, so that some schedules are all about a few. */
export function stepsFrom(random: () => number): () => Step {
  const drawn = new Set<string>(groups.filter((group) => random() < (group === 'seeds' ? 0.25 : 0.55)))
  const open = Object.entries(kinds).filter(([, { group }]) => !group || drawn.has(group))
  const total = open.reduce((sum, [, { weight }]) => sum + weight, 0)
  const oneKey = random() < 0.4
  const whole = (below: number) => Math.floor(random() * below)
  return () => {
    let left = random() * total
    const isDrawn = ([, { weight }]: (typeof open)[0]) => {
      left -= weight
      return left < 0
    }
    const [what] = open.find(isDrawn) ?? (open[0] as (typeof open)[0])
    return { what, who: whole(6), key: oneKey ? 0 : whole(3), pick: whole(12), sudden: random() < 0.25 }
  }
}
