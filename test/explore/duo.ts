/** One real cache and its oracle, taking every step together. */
import {
  BackgroundCache,
  type CacheEvent,
  type Fetch,
  type FetchContext,
  type Held,
  type Reading,
  type Snapshot,
} from 'evercurrent'
import type { Attempt, Caller, Result } from './answers.ts'
import { compare } from './compare.ts'
import { createExpected, type Expected } from './expected.ts'
import { optionsOf, type Refusal, type Rules } from './rules.ts'
import { stepClock } from './step-clock.ts'
import { Violation } from './violation.ts'

/** What one caller of the real cache has got so far. */
export interface Got {
  /** asked with `read()` */
  readonly asReading: boolean
  state: 'pending' | 'value' | 'error'
  value?: number | Reading<number>
  error?: unknown
}

export interface Call {
  /** which call brought this fetch along */
  readonly by: number | undefined
  readonly context: FetchContext
  readonly previous: Held<number> | undefined
  readonly settle: (how: 'resolve' | 'reject', outcome: unknown) => void
  settled: boolean
}

export const wallStart = Date.UTC(2026, 0, 1)

/** More than any schedule makes fall due at one moment: timers without end must not hang the explorer. */
const mostTimers = 100

/** What the meddling listener does when it hears of something. */
const reactions: Readonly<Record<string, (expected: Expected) => void>> = {
  invalidated: (expected) => void expected.get(),
  'fetch-failed': (expected) => void expected.refresh(),
  'value-seeded': (expected) => expected.expire(),
}

export type Duo = ReturnType<typeof createDuo>

/** `meddling`: one of the listeners uses the cache. */
export function createDuo(rules: Rules, meddling = false) {
  const clock = stepClock(rules.startAt, wallStart)
  const expected = createExpected(rules, wallStart, (kind) => {
    if (meddling) reactions[kind]?.(expected)
  })
  const calls: Call[] = []
  const got: (Got | undefined)[] = []
  const snapshots: Snapshot<number>[][] = [[], []]
  const events: CacheEvent[][] = [[], []]
  const controllers = new Map<number, AbortController>()
  const releases: (() => void)[] = []
  let values = 0
  let broken: Violation | undefined

  const fetchBy =
    (by?: number): Fetch<number> =>
    (context, previous) =>
      new Promise((resolve, reject) => {
        // The oracle goes first. A fetch too many never settles, or a cache that fetches in a loop would hang the explorer.
        if (calls.length >= expected.attempts.length) {
          broken ??= new Violation('L5 L12', `fetch ${calls.length} was called, and nobody asked for it`)
          return
        }
        const settle = (how: 'resolve' | 'reject', outcome: unknown) => {
          call.settled = true
          if (how === 'resolve') resolve(outcome as number)
          else reject(outcome)
          // A fetch that settles twice says nothing more.
          resolve(-1)
          reject(new Error('settled twice'))
        }
        const call: Call = { by, context, previous, settled: false, settle }
        calls.push(call)
      })
  const cache = new BackgroundCache<number>({
    ...(optionsOf(rules) as { ttl: number }),
    fetch: fetchBy(),
    clock,
    random: () => rules.draw,
  })
  for (const heard of snapshots) cache.subscribe((snapshot) => void heard.push(snapshot))
  const [first = [], second = []] = events
  cache.on((event) => void first.push(event))
  cache.on(({ kind }) => {
    if (!meddling || !Object.hasOwn(reactions, kind)) return
    if (kind === 'value-seeded') cache.expire()
    else watch(() => (kind === 'invalidated' ? cache.get() : cache.refresh()))
  })
  cache.on((event) => void second.push(event))

  const watch = (call: () => Promise<number | Reading<number>>, asReading = false) => {
    const seen: Got = { asReading, state: 'pending' }
    got.push(seen)
    call().then(
      (value) => Object.assign(seen, { state: 'value', value }),
      (error: unknown) => Object.assign(seen, { state: 'error', error }),
    )
  }
  const valueFor = (result: Result): number => {
    const { held } = expected.facts()
    if (held && result === 'same') return held.value
    if (held && result === 'equal') return held.value + 0.25
    return result === 'older' ? -++values : ++values
  }
  const agree = (law: string, byLaw: boolean, real: boolean) => {
    if (real !== byLaw) throw new Violation(law, `the call returned ${real}, and not ${byLaw}`)
  }

  return {
    rules,
    clock,
    expected,
    cache,
    calls,
    got,
    snapshots,
    events,

    get(maxWait?: number) {
      expected.get(maxWait)
      watch(() => (maxWait === undefined ? cache.get() : cache.get({ maxWait })))
    },
    read() {
      expected.get()
      watch(() => cache.read(), true)
    },
    refresh(ifOlderThan?: number) {
      expected.refresh(ifOlderThan)
      watch(() => (ifOlderThan === undefined ? cache.refresh() : cache.refresh({ ifOlderThan })))
    },
    getWithSignal() {
      const controller = new AbortController()
      expected.get(undefined, true)
      controllers.set(got.length, controller)
      watch(() => cache.get({ signal: controller.signal }))
    },
    abort() {
      const index = expected.abortable()
      const reason = { aborted: index }
      expected.abort(expected.callers[index] as Caller, reason)
      controllers.get(index)?.abort(reason)
    },
    /** A fetch of this call's own, which is asked only if one is needed. */
    getThrowing() {
      const error: Refusal = { class: 'retry' }
      const before = expected.attempts.length
      expected.get()
      const attempt = expected.attempts[before]
      if (attempt) expected.settle(attempt, error, 0, error)
      const throwing: Fetch<number> = (context, previous) => {
        calls.push({ by: undefined, context, previous, settled: true, settle: () => {} })
        throw error
      }
      watch(() => cache.get(throwing))
    },
    refreshBy() {
      const by = got.length
      expected.refresh(0, by)
      watch(() => cache.refresh(fetchBy(by)))
    },
    /** Nobody listens to what comes of it: that must not end the process. */
    getAndForget() {
      expected.get()
      got.push(undefined)
      void cache.get()
    },
    set() {
      const value = ++values
      const works = expected.set(value)
      let worked = true
      try {
        cache.set(value)
      } catch {
        worked = false
      }
      agree('L9', works, worked)
    },
    seed(age: number) {
      const value = ++values
      const fetchedAt = clock.wallNow() - age
      agree('L9', expected.seed(value, fetchedAt), cache.seed(value, { fetchedAt }))
    },
    invalidate: () => agree('L7', expected.invalidate(), cache.invalidate()),
    reject(value: number) {
      agree('L10', expected.reject(value), cache.invalidate({ ifValue: value }))
    },
    expire() {
      expected.expire()
      cache.expire()
    },
    settle(index: number, result: Result) {
      const call = calls[index] as Call
      const attempt = expected.attempts[index] as Attempt
      const value = valueFor(result)
      const error = typeof result === 'object' ? { ...result } : undefined
      expected.settle(attempt, result, value, error)
      if (error) call.settle('reject', error)
      else if (result === 'not modified') call.settle('resolve', call.context.notModified())
      else call.settle('resolve', result === 'undefined' ? undefined : value)
    },
    hold() {
      expected.hold()
      releases.push(cache.keepFresh())
    },
    release() {
      expected.release()
      const release = releases.pop()
      release?.()
      // Letting go twice lets go of nobody else's hold.
      release?.()
    },
    /** Promises settle between two timers, as they do in the event loop. */
    async pass(ms: number) {
      const until = expected.now() + ms
      expected.advance(ms)
      let [moment, fired] = [clock.now(), 0]
      while (clock.step(until)) {
        fired = clock.now() === moment ? fired + 1 : 0
        moment = clock.now()
        if (fired > mostTimers) throw new Violation('L22', 'one timer after another, without end')
        await promisesSettle()
      }
    },
    /** Noticed at the next write, even if that changes nothing. */
    sleep(ms: number) {
      expected.sleep(ms)
      clock.sleep(ms)
      cache.invalidate({ ifValue: NaN })
    },
    dispose() {
      expected.dispose()
      cache.dispose()
    },
    /** Throws when anybody can see that the two differ. */
    check() {
      if (broken) throw broken
      compare(this)
    },
  }
}

/** Longer than any chain of promises between a fetch and its last waiter. */
export async function promisesSettle(): Promise<void> {
  for (let turn = 0; turn < 16; turn++) await Promise.resolve()
}
