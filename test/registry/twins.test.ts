/** A key of a registry behaves as a cache of one value: the same random calls on both; WALKS=60 takes more of them. */

import { BackgroundCache, type CacheEntry, CacheRegistry, type KeyedCache, type PolicyOptions } from 'evercurrent'
import { manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { type DeferredFetch, deferredFetch } from '../support/deferred-fetch.ts'
import { flush } from '../support/flush.ts'
import { EPOCH, outcome } from '../support/keyed.ts'

const keys = ['a', '\0b', 'c'] as const
type Key = (typeof keys)[number]

interface Twins {
  readonly one: BackgroundCache<string>
  readonly entry: () => CacheEntry<string>
  readonly fetches: readonly [DeferredFetch<string>, DeferredFetch<string>]
  readonly heard: readonly [string[], string[]]
  readonly told: readonly [string[], string[]]
  ends: (() => void)[]
}

function generator(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const policies: Readonly<Record<string, PolicyOptions<string>>> = {
  plain: { ttl: 60_000, refreshWindow: 20_000 },
  stale: { ttl: 60_000, refreshWindow: 20_000, staleIfError: 30_000, maxWait: 5000 },
  severe: {
    ttl: 60_000,
    refreshWindow: 20_000,
    jitter: 0.5,
    classifyError: (error) => (error === 'fatal' ? 'fatal' : error === 'gone' ? 'gone' : 'retry'),
  },
  impatient: {
    ttl: 60_000,
    refreshWindow: 0,
    backoff: false,
    fetchTimeout: 3000,
    isNewer: (next, held) => next >= held,
  },
  short: { expiresAt: (value, at) => at + 1000 * Number(value.slice(1)), ttl: 30_000 },
}

async function walk(seed: number, policy: PolicyOptions<string>, steps: number): Promise<void> {
  const draw = generator(seed)
  const clock = manualClock({ startAt: EPOCH })
  const household = { clock, random: () => 0.5 }
  const registry = new CacheRegistry(household)
  const byKey = new Map<Key, Twins>()
  const Plain = BackgroundCache as unknown as new (options: object) => BackgroundCache<string>
  const fetch = (key: Key, ...given: Parameters<DeferredFetch<string>>) => byKey.get(key)?.fetches[1](...given)
  const define = registry.define.bind(registry) as unknown as (options: object) => KeyedCache<Key, string>
  const cache = define({ type: 't', ...policy, fetch })
  for (const key of keys) {
    const fetches = [deferredFetch<string>(), deferredFetch<string>()] as const
    const one = new Plain({ ...policy, ...household, fetch: fetches[0] })
    const told: [string[], string[]] = [[], []]
    one.on(({ kind }) => told[0].push(kind))
    byKey.set(key, { one, entry: () => cache.entry(key), fetches, heard: [[], []], told, ends: [] })
  }
  registry.on(({ kind, key }) => byKey.get(key?.[0] as Key)?.told[1].push(kind))
  const open: { key: Key; call: string; both: [unknown, unknown] }[] = []
  const note = (key: Key, call: string, both: [Promise<unknown>, Promise<unknown>]) => {
    const entry: (typeof open)[number] = { key, call, both: ['pending', 'pending'] }
    open.push(entry)
    for (const at of [0, 1] as const) {
      outcome(both[at]).then((end) => {
        entry.both[at] = end instanceof Error ? end.name : end
      })
    }
  }
  const trail: string[] = []

  for (let step = 0; step < steps; step++) {
    const key = keys[draw(keys.length)] as Key
    const twins = byKey.get(key) as Twins
    const { one, entry, fetches, heard, ends } = twins
    const value = `v${10 + draw(30)}`
    const action = draw(20)
    trail.push(`${key === '\0b' ? 'b' : key}:${action}:${value}`)
    if (action <= 3) note(key, 'get', [one.get(), draw(2) ? cache.get(key) : entry().get()])
    else if (action === 4) note(key, 'read', [one.read(), cache.read(key)])
    else if (action === 5) note(key, 'refresh', [one.refresh(), cache.refresh(key)])
    else if (action === 6)
      note(key, 'refresh if', [one.refresh({ ifOlderThan: 4000 }), entry().refresh({ ifOlderThan: 4000 })])
    else if (action === 7) {
      one.set(value)
      await cache.set(key, value)
    } else if (action === 8) {
      const fetchedAt = clock.wallNow() - draw(3) * 2000
      expect([trail, cache.seed(key, value, { fetchedAt })]).toEqual([trail, one.seed(value, { fetchedAt })])
    } else if (action === 9) {
      const dropped = one.invalidate()
      expect([trail, await cache.invalidate(key)]).toEqual([trail, dropped])
    } else if (action === 10) {
      const ifValue = one.peek() ?? value
      const dropped = one.invalidate({ ifValue })
      expect([trail, await entry().invalidate({ ifValue })]).toEqual([trail, dropped])
    } else if (action === 11) {
      one.expire()
      await cache.expire(key)
    } else if (action === 12) {
      one.invalidate()
      // A prefix reaches the keys that are there: nothing is told of others.
      const isThere = [...cache.keys()].some(([part]) => part === key)
      await (isThere ? cache.invalidatePrefix(key) : cache.invalidate(key))
    } else if (action === 13) {
      ends.push(one.subscribe(({ status }) => heard[0].push(status)))
      ends.push(entry().subscribe(({ status }) => heard[1].push(status)))
    } else if (action === 14) {
      for (const end of ends.splice(0)) end()
    } else if (action === 15 && draw(3) === 0) {
      ends.push(one.keepFresh(), entry().keepFresh())
    } else if (action <= 17) {
      const at = fetches[0].calls.findIndex(({ settled }) => !settled)
      const [mine, its] = [fetches[0].calls[at], fetches[1].calls[at]]
      const error = ['down', 'fatal', 'gone'][draw(3)]
      const how = draw(4)
      for (const call of [mine, its]) {
        if (how === 0) call?.reject(error)
        else if (how === 1 && call?.previous) call.resolve(call.context.notModified())
        else call?.resolve(value)
      }
    } else await clock.advance([100, 700, 5000, 21_000, 45_000][draw(5)] as number)
    await flush()

    for (const [each, { one, entry, fetches, heard, told }] of byKey) {
      const where = [seed, each, ...trail]
      expect([where, cache.peek(each), cache.tryGet(each)]).toEqual([where, one.peek(), one.tryGet()])
      expect([
        where,
        fetches[1].calls.map(({ context }) => [context.reason, context.startedAt, context.signal.aborted]),
      ]).toEqual([
        where,
        fetches[0].calls.map(({ context }) => [context.reason, context.startedAt, context.signal.aborted]),
      ])
      expect([where, fetches[1].calls.map(({ previous }) => previous)]).toEqual([
        where,
        fetches[0].calls.map(({ previous }) => previous),
      ])
      expect([where, heard[1]]).toEqual([where, heard[0]])
      expect([where, told[1]]).toEqual([where, told[0]])
      // A look at the entry makes it remember what it shows: not in every step, so that keys also rest unseen.
      if (draw(3)) continue
      expect([where, withoutNames(entry().getSnapshot())]).toEqual([where, withoutNames(one.getSnapshot())])
      const { generation: _, ...inspection } = one.inspect()
      expect([where, withoutNames(entry().inspect())]).toMatchObject([where, withoutNames(inspection)])
    }
    for (const { key: each, call, both } of open)
      expect([trail, each, call, both[1]]).toEqual([trail, each, call, both[0]])
  }
  for (const { one, ends } of byKey.values()) {
    for (const end of ends) end()
    one.dispose()
  }
  await registry.dispose()
  await flush()
  for (const { key: each, call, both } of open)
    expect([trail, each, call, both[1]]).toEqual([trail, each, call, both[0]])
}

/** Errors of two caches name different caches. */
function withoutNames(shown: object): unknown {
  return JSON.parse(
    JSON.stringify(shown, (_, value) => (value instanceof Error ? value.name : value === undefined ? null : value)),
  )
}

describe.each(Object.entries(policies))('a key and a cache of one value, %s', (_, policy) => {
  it.each(Array.from({ length: Number(process.env['WALKS'] ?? 5) }, (_, seed) => seed + 1))('walk %i', async (seed) => {
    await walk(seed * 7919, policy, 150)
  })
})
