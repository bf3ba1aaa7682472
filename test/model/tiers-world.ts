/** Several registries on one store, under one clock and before one source: every step a schedule can take in that world. */
import { CacheRegistry } from 'evercurrent'
import { memoryBackend } from 'evercurrent/backend/memory'
import { wallStart } from '../explore/duo.ts'
import { stepClock } from '../explore/step-clock.ts'
import { createMeetingPoint } from './tiers-coordinator.ts'
import type { Fetching, Key, Pending } from './tiers-ground.ts'
import type { Ledger, Made } from './tiers-ledger.ts'
import { beginLife, type Life } from './tiers-life.ts'
import { rule } from './tiers-rule.ts'
import { backendDeadline, type TierRules, ttl } from './tiers-rules.ts'
import { createTierStore, mark, type TierCall } from './tiers-store.ts'
import { judgeDrop, judgeRefused, judgeSent, judgeTaken } from './tiers-store-laws.ts'

/** The first two share a prefix, of parts; all three do, of characters. */
const keys: readonly Key[] = [
  { name: 'x', parts: ['db1', 'x'] },
  { name: 'y', parts: ['db1', 'y'] },
  { name: 'z', parts: ['db10', 'x'] },
]
const partsOf = (name: string): readonly string[] => keys.find((key) => key.name === name)?.parts as readonly string[]

/** How a tier calls them: learnt from what it is asked for. */
const names: Promise<ReadonlyMap<string, string>> = (async () => {
  const found = new Map<string, string>()
  let asked = ''
  const inner = memoryBackend()
  const registry = new CacheRegistry({
    backend: {
      ...inner,
      getMany(all) {
        asked = all[0] as string
        return inner.getMany(all)
      },
      get(key) {
        asked = key
        return inner.get(key)
      },
    },
  })
  const codec = { encode: mark.put, decode: () => 0 }
  const cache = registry.define<number>({ type: 'number', ttl, codec, key: partsOf, fetch: () => 0 })
  for (const { name } of keys) {
    await cache.find(name)
    found.set(asked, name)
  }
  await registry.dispose()
  return found
})()

export type World = Awaited<ReturnType<typeof createWorld>>

const endTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

export async function createWorld(rules: TierRules, story: string[] | undefined) {
  const clock = stepClock(0, wallStart)
  let ticks = 0
  let values = 0
  let broken: unknown
  const made = new Map<number, Made>()
  const brought = new Map<number, Fetching>()
  const fetching: Fetching[] = []
  const pending = new Set<Pending>()
  let afterwards: (() => void)[] = []
  const lives: Life[] = []
  const tick = () => ++ticks
  const attempt = (judge: () => void) => {
    try {
      judge()
    } catch (error) {
      broken ??= error
    }
  }
  const say = (line: string) => {
    story?.push(`${String(clock.wallNow() - wallStart).padStart(6)} ms  ${line}`)
  }
  const lifeOn = ({ line }: TierCall) => lives.find((life) => life.line === line) as Life
  const describe = ({ line, operation, keys, value, isConditional }: TierCall) =>
    `${line.name}: ${operation} ${keys.join(', ')}${value === undefined ? '' : ` = ${value}`}${isConditional ? ', if still as it was' : ''}`

  /** Whoever hears that a key has moved on drops what it fetches, or has asked the tier for. */
  const announce = (call: TierCall) => {
    for (const life of lives) {
      if (life.line === call.line) continue
      for (const key of call.keys) {
        const ledger = life.ledgerOf(key)
        ledger.lastSuperseded = ledger.lastTouch = tick()
      }
    }
  }

  const store = createTierStore(clock, await names, rules.batches, {
    tick,
    issued(call) {
      say(`  tier: ${describe(call)}`)
      const life = lifeOn(call)
      if (call.line.mode !== 'well') life.hadTrouble = true
      for (const key of call.keys) {
        const ledger = life.ledgerOf(key)
        if (call.operation === 'look up') ledger.lookUps.push({ tick: tick(), at: clock.wallNow() })
        const written = made.get(call.value as number)
        attempt(() => judgeSent(call, ledger, written, store.calls))
        if (written?.how === 'fetched') life.amend(ledger, { landed: { made: written, call } })
      }
    },
    took(call) {
      if (call.operation !== 'look up') say(`  tier: ${describe(call)}: ${call.took ? 'done' : 'refused'}`)
      if (call.took && call.operation === 'drop') {
        const ledger = lifeOn(call).ledgerOf(call.keys[0] as string)
        attempt(() => judgeDrop(call, ledger, fetching, store.changes, made))
      }
      if (rules.joined && call.took && call.operation !== 'look up') announce(call)
      const written = made.get(call.value as number)
      // It was not dropped: the key had moved on, so what the tier has is nothing that was gone.
      if (call.operation === 'drop' && !call.took) {
        const life = lifeOn(call)
        const ledger = life.ledgerOf(call.keys[0] as string)
        ledger.lastDropRefused = tick()
        life.amend(ledger, { gone: -1 })
      }
      if (written?.how === 'fetched' && !call.took) attempt(() => judgeRefused(call, written, store.changes))
      if (!written || !call.took || !call.actedAt) return
      if (written.how === 'set') {
        written.accepted = call.actedAt
        lifeOn(call).ledgerOf(written.key).lastSuperseded = call.actedAt.tick
      }
      attempt(() => judgeTaken(call, written, store.changes, made))
    },
    answered(call, how) {
      if (call.line.mode !== 'well') say(`  tier: ${describe(call)}: ${how}`)
      const life = lifeOn(call)
      if (call.isLost) life.hadTrouble = true
      const isSet = made.get(call.value as number)?.how === 'set'
      for (const key of isSet ? [] : call.keys) life.ledgerOf(key).lastTouch = tick()
      const { value } = call
      if (value === undefined) return
      world.later(() => {
        const ledger = life.ledgerOf(call.keys[0] as string)
        if (call.took === false && !call.isLost && !call.signal?.aborted) ledger.refused.set(value, tick())
      })
    },
  })

  /** How long nobody has been waiting for a fetch. */
  const isFetched = (ledger: Ledger) => fetching.some((one) => one.ledger === ledger && !one.settled)
  const checkWaiting = () => {
    const now = clock.wallNow()
    for (const life of lives) {
      for (const { name } of keys) {
        const ledger = life.ledgerOf(name)
        if (isFetched(ledger)) ledger.quietSince = now
      }
    }
    if (rules.joined) return
    for (const { readers, name } of pending) {
      const [reader] = readers
      if (!reader || reader.kind === 'getMany' || reader.kind === 'find') continue
      const since = Math.max(reader.at, reader.ledger.quietSince)
      rule(
        now - since <= backendDeadline,
        'the tier: a reader waits for it a deadline at most',
        () => `${name} has waited for the tier alone for ${now - since} ms`,
      )
    }
  }

  const world = {
    rules,
    clock,
    keys,
    partsOf,
    store,
    made,
    brought,
    fetching,
    pending,
    lives,
    meeting: rules.joined ? createMeetingPoint(clock) : undefined,
    tick,
    attempt,
    say,
    ago: (at: number) => `${at - wallStart} ms`,
    keysUnder: (first?: string) =>
      keys.filter(({ parts }) => first === undefined || parts[0] === first).map(({ name }) => name),
    make(what: Pick<Made, 'key' | 'how' | 'by' | 'tick' | 'at'>, fetched?: Fetching): Made {
      const one: Made = { ...what, value: ++values, accepted: undefined, resolved: undefined, failed: false }
      made.set(one.value, one)
      if (fetched) brought.set(one.value, fetched)
      return one
    },
    /** Once everything has followed from what happens now. */
    later(judge: () => void) {
      afterwards.push(judge)
    },
    /** Whoever waits for a fetch, and for nothing that changed since, has its answer as soon as it has come: no write delays it. */
    answersAtOnce(one: Fetching) {
      // There a reader may wait for somebody else's right to fetch.
      if (rules.joined) return
      if (one.ledger.lastSuperseded > one.since || one.signal.aborted) return
      const now = tick()
      const waiting = [...pending].filter(({ readers: [reader] }) => {
        return reader?.kind === 'get' && reader.ledger === one.ledger && reader.tick < now
      })
      world.later(() => {
        if (one.ledger.lastSuperseded > one.since || isFetched(one.ledger)) return
        for (const each of waiting)
          rule(
            !pending.has(each),
            'the tier: no reader waits for a write',
            () => `${each.name} waits on after its fetch has come`,
          )
      })
    },
    /** Everything follows from what has happened; then it is judged. */
    async settle(): Promise<void> {
      await endTurn()
      const judged = afterwards
      afterwards = []
      for (const judge of judged) attempt(judge)
      attempt(checkWaiting)
      for (const life of lives) if (!life.isOver) attempt(life.look)
      if (broken) throw broken
    },
    async pass(ms: number): Promise<void> {
      await world.settle()
      const until = clock.wallNow() + ms
      while (clock.step(until)) await world.settle()
      say(`${ms} ms have passed`)
      await world.settle()
    },
    begin(name: string, mode: Life['line']['mode'] = 'well'): Life {
      const generation = lives.filter(({ by }) => by.startsWith(name)).length
      const life = beginLife(world, { name: generation === 0 ? name : `${name}${generation + 1}`, mode })
      lives.push(life)
      return life
    },
    /** The registries that are at work. */
    alive: () => lives.filter(({ isOver }) => !isOver),
    held: () => store.calls.filter(({ isAnswered, actedAt, signal }) => !isAnswered && !(actedAt && signal?.aborted)),
    open: () => fetching.filter(({ settled }) => !settled),
  }
  return world
}
