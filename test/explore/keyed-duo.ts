/** A real registry and an oracle for each of its keys, taking every step together. */
import { type CacheEvent, CacheRegistry, type FetchContext, type Held, type KeyedCache } from 'evercurrent'
import type { Attempt, Caller } from './answers.ts'
import { promisesSettle, wallStart } from './duo.ts'
import { createExpected } from './expected.ts'
import { compareKeyed, comparePast, judgeEviction } from './keyed-compare.ts'
import { isBusy, isHeld, isKnown, type KeyedGot, type Lane, openLane, type SourceCall } from './keyed-lane.ts'
import type { KeyedRules } from './keyed-rules.ts'
import { optionsOf } from './rules.ts'
import { stepClock } from './step-clock.ts'
import { Violation } from './violation.ts'

/** Joined without lengths two of them were the same, and the first part of one begins with that of the other. */
const keys = { A: ['db1', '0x'], B: ['db10', 'x'], C: ['db1', '0x'] } as const

export type KeyedDuo = ReturnType<typeof createKeyedDuo>

export function createKeyedDuo(keyed: KeyedRules) {
  const { rules, maxEntries } = keyed
  const clock = stepClock(rules.startAt, wallStart)
  const names = (['A', 'B', 'C'] as const).slice(0, keyed.keys)
  const lanes = names.map((name) => openLane(name, keys[name], rules, wallStart))
  const calls: SourceCall[] = []
  const got: KeyedGot[] = []
  const evicted: Lane[] = []
  /** of the oracles of what was evicted */
  const retired = { hits: 0, misses: 0, fetches: 0, evictions: 0 }
  let broken: Violation | undefined
  let values = 0
  let tick = 0

  const ask = <T>(
    isBatch: boolean,
    asked: readonly Lane[],
    { signal, startedAt }: Pick<FetchContext, 'signal' | 'startedAt'>,
    previous?: Held<number>,
  ) =>
    new Promise<T>((resolve, reject) => {
      const attempts = asked.map(({ expected, calls }) => expected.attempts[calls.length])
      // The oracles go first. A fetch too many never settles, or fetching in a loop would hang the explorer.
      const surplus = asked.filter((_, at) => !attempts[at])
      if (surplus.length > 0) {
        broken ??= new Violation('L5', `${surplus.map(({ name }) => name)} was fetched, and nobody asked for it`)
        return
      }
      const call: SourceCall = {
        isBatch,
        signal,
        startedAt,
        previous,
        asked: asked.map((lane, at) => ({ lane, attempt: attempts[at] as Attempt })),
        settled: false,
        settle(how, outcome) {
          call.settled = true
          if (how === 'resolve') resolve(outcome as T)
          else reject(outcome)
        },
      }
      calls.push(call)
      for (const lane of asked) lane.calls.push(call)
    })
  const registry = new CacheRegistry({ maxEntries, clock, random: () => rules.draw })
  const single = {
    fetch: (lane: Lane, context: FetchContext, previous?: Held<number>) =>
      ask<number>(false, [lane], context, previous),
  }
  const define = (type: string): KeyedCache<Lane, number> =>
    registry.define<number, Lane>({
      ...(optionsOf(rules) as { ttl: number }),
      type,
      key: ({ key }) => key,
      ...((keyed.fetch && single) as typeof single),
      fetchMany: (asked, context) => ask<[Lane, number][]>(true, asked, context),
    })
  const types = { number: define('number'), other: define('other') }
  const cacheOf = ({ type }: Lane) => types[type]
  registry.on((event: CacheEvent) => {
    const lane = lanes.find(({ type, key }) => type === event.type && key.join('|') === event.key?.join('|')) as Lane
    if (event.kind === 'evicted') evicted.push(lane)
    else if (event.kind !== 'disposed') lane.told.push(event)
  })
  if (keyed.held) for (const lane of lanes) lane.entry = cacheOf(lane).entry(lane)

  const watch = (callers: readonly Caller[], of: readonly Lane[], call: () => Promise<number | Map<Lane, number>>) => {
    const seen: KeyedGot = { asReading: false, state: 'pending', lanes: of, callers }
    got.push(seen)
    call().then(
      (value) => Object.assign(seen, { state: 'value', value }),
      (error: unknown) => Object.assign(seen, { state: 'error', error }),
    )
  }
  const agree = (call: Promise<unknown>, byLaw: unknown) => {
    call.then((real) => {
      if (real !== byLaw) broken ??= new Violation('L6', `the call returned ${real}, and not ${byLaw}`)
    })
  }
  const beginStep = (used: readonly Lane[]) => {
    tick++
    for (const lane of lanes) {
      if (used.includes(lane) || isBusy(lane)) lane.usedAt = tick
      lane.wasHeld = isHeld(lane)
    }
  }
  const use = (used: readonly Lane[], step: () => void, isSettling = false) => {
    beginStep(used)
    step()
    duo.settleEvictions()
    // L6: tickets are taken, and fetches called, before anything is awaited. Refreshes may wait for company.
    if (isSettling || !keyed.fetch) return
    for (const { name, calls, expected } of lanes) {
      if (calls.length < expected.attempts.length) throw new Violation('L6', `the fetch of ${name} was not called yet`)
    }
  }
  const drop = (dropped: readonly Lane[]) => {
    const known = dropped.filter(isKnown)
    return known.filter(({ expected }) => expected.invalidate()).length
  }

  const duo = {
    keyed,
    clock,
    lanes,
    calls,
    got,
    registry,
    retired,
    types,
    cacheOf,
    lane: (name: string) => lanes.find((lane) => lane.name === name) as Lane,
    now: () => clock.wallNow(),

    get: (lane: Lane) => use([lane], () => watch([lane.expected.get()], [lane], () => cacheOf(lane).get(lane))),
    getMany: (asked: readonly Lane[]) =>
      use(asked, () => {
        const before = calls.length
        const missing = asked.map(({ expected }) => expected.attempts.length)
        const callers = asked.map(({ expected }) => expected.get())
        const wanted = asked.filter(({ expected }, at) => expected.attempts.length > (missing[at] as number))
        watch(callers, asked, () => types.number.getMany(asked))
        const batch = calls[before]?.asked.map(({ lane }) => lane.name).join()
        const names = wanted.length > 0 ? wanted.map(({ name }) => name).join() : undefined
        if (calls.length - before > 1 || batch !== names) {
          throw new Violation(
            'L5',
            `getMany() asked the source ${calls.length - before} times, for ${batch}, not ${names}`,
          )
        }
      }),
    refresh: (lane: Lane) =>
      use([lane], () => watch([lane.expected.refresh()], [lane], () => cacheOf(lane).refresh(lane))),
    set: (lane: Lane) =>
      use([lane], () => {
        lane.expected.set(++values)
        agree(cacheOf(lane).set(lane, values), undefined)
      }),
    invalidate: (lane: Lane) =>
      use([lane], () => {
        const byLaw = lane.expected.invalidate()
        agree(cacheOf(lane).invalidate(lane), byLaw)
      }),
    invalidatePrefix: (part: string) =>
      use([], () => {
        const dropped = drop(lanes.filter(({ type, key }) => type === 'number' && key[0] === part))
        agree(types.number.invalidatePrefix(part), dropped)
      }),
    clear: () =>
      use([], () => {
        drop(lanes.filter(({ type }) => type === 'number'))
        agree(types.number.clear(), undefined)
      }),
    expire: (lane: Lane) =>
      use([lane], () => {
        lane.expected.expire()
        agree(cacheOf(lane).expire(lane), undefined)
      }),
    subscribe: (lane: Lane) =>
      use([lane], () => {
        lane.entry ??= cacheOf(lane).entry(lane)
        lane.heard = []
        lane.heardFrom = lane.expected.seen.length
        lane.unsubscribe = lane.entry.subscribe((snapshot) => void lane.heard.push(snapshot))
      }),
    unsubscribe: (lane: Lane) =>
      use([lane], () => {
        const { unsubscribe } = lane
        lane.unsubscribe = undefined
        unsubscribe?.()
        // Ending twice ends nobody else's.
        unsubscribe?.()
        if (!keyed.held) lane.entry = undefined
      }),
    /** Every key of the call gets a value of its own, in an order that is not that of the keys, or none if left out. */
    settle: (call: SourceCall, how: 'ok' | 'fail' | 'leave one out') =>
      use(
        [],
        () => {
          const error = { class: 'retry' as const }
          const pairs: [Lane, number][] = []
          for (const [at, { lane, attempt }] of call.asked.entries()) {
            const value = ++values
            if (how === 'fail') lane.expected.settle(attempt, error, value, error)
            else if (how === 'leave one out' && at === 0)
              lane.expected.settle(attempt, { class: 'gone' }, value, 'GONE')
            else {
              lane.expected.settle(attempt, 'new', value, undefined)
              pairs.unshift([lane, value])
            }
          }
          if (how === 'fail') call.settle('reject', error)
          else call.settle('resolve', call.isBatch ? pairs : pairs[0]?.[1])
        },
        true,
      ),
    async pass(ms: number) {
      const until = clock.wallNow() + ms
      beginStep([])
      for (const { expected } of lanes) expected.advance(ms)
      while (clock.step(until)) await promisesSettle()
    },
    async dispose() {
      for (const lane of lanes) lane.expected.dispose()
      await registry.dispose()
    },
    /** What was evicted begins anew. */
    settleEvictions() {
      for (const lane of evicted.splice(0)) {
        judgeEviction(duo, lane)
        comparePast(lane)
        const { hits, misses } = lane.expected.reads
        retired.hits += hits
        retired.misses += misses
        retired.fetches += lane.expected.attempts.length
        retired.evictions++
        lane.expected = createExpected(rules, clock.wallNow(), () => {})
        Object.assign(lane, { calls: [], told: [], wasHeld: false })
      }
    },
    /** Throws when anybody can see that the two differ. */
    check() {
      if (broken) throw broken
      duo.settleEvictions()
      compareKeyed(duo)
    },
  }
  return duo
}
