/** How every schedule ends: all faults are lifted, everybody is answered, and registries and store agree. */

import type { Life } from './tiers-life.ts'
import { rule } from './tiers-rule.ts'
import { ttl } from './tiers-rules.ts'
import type { World } from './tiers-world.ts'

const longestPause = 61_000

/** Answers all that is asked, of the tier and of the source. */
async function answerAll(world: World): Promise<void> {
  await world.settle()
  for (let round = 0; round < 20; round++) {
    const held = world.held().filter(({ signal }) => !signal?.aborted)
    const open = world.open()
    if (held.length + open.length === 0) return
    for (const call of held) call.answer()
    for (const fetching of open) fetching.settle('ok')
    await world.settle()
  }
}

const waiting = ({ pending }: World) => [...pending].map(({ name }) => name).join(', ')

/** Until nobody waits for anything, or so much time has passed that nobody may. */
async function everythingSettles(world: World): Promise<void> {
  for (const ms of [0, 1, 200, 1000, 5000, 30_000, 60_000, 60_000]) {
    if (ms > 0) await world.pass(ms)
    await answerAll(world)
    if (world.pending.size === 0) return
  }
  rule(false, 'L11: every call settles', () => `waiting for nothing: ${waiting(world)}`)
}

/** What a read gives, answered by the source where it asks. */
async function readWell(world: World, life: Life, key: string): Promise<number> {
  let value: number | undefined
  let failed: unknown
  life.counts.reads++
  life.cache.get(key).then(
    (got) => {
      value = got
    },
    (error: unknown) => {
      failed = error
    },
  )
  await answerAll(world)
  rule(
    value !== undefined,
    'L11: a read of a source that answers gives a value',
    () => `${life.by}.get(${key}) gives nothing when all is well: ${failed}`,
  )
  return value as number
}

export async function endOf(world: World): Promise<void> {
  for (const life of world.lives) life.line.mode = 'well'
  await everythingSettles(world)
  const leases = world.meeting?.leases() ?? 0
  rule(
    leases === 0,
    'the coordinator: a lease ends with its fetch',
    () => `${leases} leases are held, and nobody fetches`,
  )
  // A tier left alone is asked again, and what it has not heard of is told.
  const hadTrouble = world.lives.some((life) => life.hadTrouble)
  for (const ms of hadTrouble || leases > 0 ? [longestPause, ttl] : []) {
    await world.pass(ms)
    for (const life of world.alive()) for (const { name } of world.keys) await readWell(world, life, name)
    for (const life of world.alive()) life.flush()
    await everythingSettles(world)
  }
  await world.pass(longestPause + ttl)
  await answerAll(world)
  const newcomer = world.begin('N')
  for (const { name } of world.keys) {
    const [first, ...others] = world.alive() as [Life, ...Life[]]
    const value = await readWell(world, first, name)
    for (const life of others) {
      const found = await readWell(world, life, name)
      rule(
        found === value,
        'the tier: registries read what another has stored',
        () => `${life.by} reads ${found} of ${name} when ${first.by} has ${value} stored`,
      )
    }
  }
  for (const life of world.alive()) checkCounts(life)
  for (const life of world.alive()) life.dispose()
  await everythingSettles(world)
  const { holding, others } = world.clock.timers
  rule(
    holding + others === 0,
    'L20: no timer outlives its registry',
    () => `${holding + others} timers are left after dispose()`,
  )
  rule(newcomer.isOver, 'L20: every registry ends', () => 'a registry is left')
}

/** Every fetch was counted, told of, and ended once. */
function checkCounts({ by, events, registry, counts }: Life): void {
  const count = (is: (event: (typeof events)[0]) => boolean) => events.filter(is).length
  const started = count(({ kind }) => kind === 'fetch-started')
  const succeeded = count(({ kind }) => kind === 'fetch-succeeded')
  // A value that was rejected counts as a failure, and nobody fetched it then.
  const failed = count(
    (event) => event.kind === 'fetch-failed' && (event.error as { code?: string }).code !== 'VALUE_REJECTED',
  )
  // What was refused had succeeded, and what came too late had failed.
  const discarded = count((event) => event.kind === 'fetch-discarded' && !/refused|timed-out/.test(event.because))
  const { fetches, hits, backendHits, misses } = registry.stats()
  rule(
    fetches === counts.fetches,
    'L11: stats() count every fetch',
    () => `${by}: stats() has ${fetches} fetches of ${counts.fetches}`,
  )
  rule(
    started === counts.fetches,
    'L11: every fetch is told of',
    () => `${by}: told of ${started} fetches of ${counts.fetches}`,
  )
  const ended = succeeded + failed + discarded
  const how = `${succeeded} succeeded, ${failed} failed, ${discarded} were discarded`
  rule(started === ended, 'L11: every fetch that was told of ends once', () => `${by}: of ${started} fetches ${how}`)
  const reads = hits + backendHits + misses
  rule(
    reads === counts.reads - counts.findsFailed,
    'the registry: stats() count every read once',
    () => `${by}: ${hits} hits, ${backendHits} of the tier, ${misses} misses of ${counts.reads} reads`,
  )
}
