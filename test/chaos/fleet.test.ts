/**
 * Processes on one Redis: one fetch for all of them, what a dead or a late one does. How long it takes is judged by
 * `npm run test:fleet` alone, with nothing else going on.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { redisServer } from '../support/redis-server.ts'
import { quantile } from './checker.ts'
import type { CallFact, CommitFact, ReadFact, ShownFact } from './facts.ts'
import { type Fleet, startFleet } from './fleet.ts'

const isLong = process.env['FLEET_LONG'] !== undefined
const timeout = isLong ? 600_000 : 120_000
const tell = (line: string) => isLong && console.log(line)

/** How long a lease lasts whose holder has died: see redis-coordinator.ts. */
const leaseMs = 2000

let fleet: Fleet
afterEach(() => fleet.close())

const calls = (key: string) => fleet.facts.filter((fact): fact is CallFact => fact.kind === 'call' && fact.key === key)
const reads = (key: string) => fleet.facts.filter((fact): fact is ReadFact => fact.kind === 'read' && fact.key === key)
const shown = (key: string) =>
  fleet.facts.filter((fact): fact is ShownFact => fact.kind === 'shown' && fact.key === key)
const until = (condition: () => boolean, within = 20_000) =>
  expect.poll(condition, { timeout: within, interval: 2 }).toBe(true)
const commands = () =>
  fleet.members.reduce((sum, { proxy }) => sum + [...proxy.commands.values()].reduce((a, b) => a + b, 0), 0)

describe.skipIf(!redisServer)('a fleet on Redis', { timeout }, () => {
  it('refreshes a key that eight processes keep fresh with one call of the source, and all of them show it', async () => {
    const rounds = isLong ? 100 : 4
    fleet = await startFleet(8, { ttl: 2000, refreshWindow: 1000 })
    const key = 'rounds/a'
    fleet.source.latency = () => 50
    await Promise.all(fleet.members.map((member) => member.tell({ do: 'keep-fresh', key })))
    await until(() => new Set(shown(key).map(({ member }) => member)).size === 8)
    const [before, sentBefore] = [calls(key).length, commands()]
    const lags: number[] = []
    for (let round = 0; round < rounds; round++) {
      const version = fleet.source.advance(key)
      const seen = () => shown(key).filter((fact) => fact.version === version)
      await until(() => new Set(seen().map(({ member }) => member)).size === 8)
      const call = calls(key).find((fact) => fact.version === version) as CallFact
      for (const { member, at } of seen()) if (member !== call.member) lags.push(at - call.ended)
    }
    const perRound = (commands() - sentBefore) / rounds
    tell(
      `eight processes, ${rounds} rounds: ${calls(key).length - before} calls; behind the loader p50 ${quantile(lags, 0.5).toFixed(1)} ms,` +
        ` p99 ${quantile(lags, 0.99).toFixed(1)} ms; ${perRound.toFixed(1)} commands a round`,
    )
    expect(calls(key).length - before).toBe(rounds)
    expect(perRound).toBeLessThanOrEqual(60)
    if (isLong) expect([quantile(lags, 0.5) <= 5, quantile(lags, 0.99) <= 20]).toEqual([true, true])
  })

  it('serves the others within a lease and a load when the process that fetches is killed', async () => {
    fleet = await startFleet(4)
    const key = 'killed/a'
    fleet.source.latency = () => 300
    const [loader, ...others] = fleet.members as [Fleet['members'][0], ...Fleet['members'][0][]]
    loader.tell({ do: 'read', key }).catch(() => {})
    await until(() => (fleet.source.underWay.get(key) ?? 0) === 1)
    const waiting = others.map((member) => member.tell({ do: 'read', key }))
    await until(() =>
      others.every(({ proxy }) => (proxy.commands.get('EVALSHA') ?? 0) + (proxy.commands.get('EVAL') ?? 0) > 2),
    )
    const killed = performance.now()
    loader.child.kill('SIGKILL')
    await Promise.all(waiting)
    const took = performance.now() - killed
    tell(`the loader was killed: the others were served ${took.toFixed(0)} ms later`)
    if (isLong) expect(took).toBeLessThan(leaseMs + 300 + 500)
    expect(reads(key).map(({ version }) => version)).toEqual([1, 1, 1])
    expect(calls(key).length).toBe(2)
  })

  it('refuses all that a process stopped past its leases had loaded, and keeps what came after it', async () => {
    fleet = await startFleet(2)
    const [stopped, other] = fleet.members as [Fleet['members'][0], Fleet['members'][0]]
    let open = () => {}
    fleet.source.gate = new Promise((resolve) => {
      open = resolve
    })
    const keys = Array.from({ length: 50 }, (_, number) => `stopped${number}/a`)
    const late = keys.map((key) => stopped.tell({ do: 'read', key }))
    await until(() => keys.every((key) => fleet.source.underWay.get(key) === 1))
    stopped.child.kill('SIGSTOP')
    open()
    for (const key of keys) fleet.source.advance(key)
    await Promise.all(keys.map((key) => other.tell({ do: 'read', key })))
    stopped.child.kill('SIGCONT')
    await Promise.all(late)
    // What was fetched late is in memory until the tier has refused it.
    const settled = async () => {
      const began = fleet.facts.length
      await Promise.all([other, stopped].flatMap((member) => keys.map((key) => member.tell({ do: 'read', key }))))
      return fleet.facts.slice(began).every((fact) => fact.kind !== 'read' || fact.version === 2)
    }
    await expect.poll(settled, { timeout: 5000 }).toBe(true)
    const commits = fleet.facts.filter((fact): fact is CommitFact => fact.kind === 'commit')
    const accepted = commits.filter(({ isAccepted }) => isAccepted)
    const refused = commits.length - accepted.length
    tell(
      `stopped past ${keys.length} leases and continued: ${refused} late commits refused, ${keys.length - refused} not tried`,
    )
    expect(accepted.map(({ member, version }) => [member, version])).toEqual(keys.map(() => [1, 2]))
  })

  it('shows a value that one process wrote or refreshed to observers of another, without a call of the source', async () => {
    fleet = await startFleet(2)
    const [writer, observer] = fleet.members as [Fleet['members'][0], Fleet['members'][0]]
    const key = 'observed/a'
    await observer.tell({ do: 'keep-fresh', key })
    await until(() => shown(key).length > 0)
    const before = calls(key).length
    const lags: number[] = []
    for (let round = 0; round < (isLong ? 200 : 10); round++) {
      const version = fleet.source.advance(key)
      await writer.tell({ do: 'set', key, atLeast: version })
      await until(() => shown(key).some((fact) => fact.member === observer.number && fact.version === version))
      const written = fleet.facts.find((fact) => fact.kind === 'move' && fact.atLeast === version) as { ended: number }
      const seen = shown(key).find((fact) => fact.version === version) as ShownFact
      lags.push(seen.at - written.ended)
    }
    tell(
      `a value written elsewhere is shown ${quantile(lags, 0.5).toFixed(2)} ms after set() resolved, p99 ${quantile(lags, 0.99).toFixed(2)}`,
    )
    expect(calls(key).length).toBe(before)
  })

  it('loses no read and waits for nobody while Redis hangs, and is one again when it is back', async () => {
    fleet = await startFleet(2, { ttl: 300, refreshWindow: 100 })
    const [one, two] = fleet.members as [Fleet['members'][0], Fleet['members'][0]]
    const key = 'hung/a'
    fleet.source.latency = () => 10
    await one.tell({ do: 'read', key })
    const reading = one.tell({ do: 'read-steadily', key, everyMs: 2, forMs: 4000 })
    await until(() => reads(key).length > 100)
    fleet.redis.signal('SIGSTOP')
    const stopped = performance.now()
    await until(() => performance.now() - stopped > 3000)
    fleet.redis.signal('SIGCONT')
    await reading
    const slowest = Math.max(...reads(key).map(({ began, ended }) => ended - began))
    tell(`Redis hung for 3 s: ${reads(key).length} reads, the slowest took ${slowest.toFixed(0)} ms`)
    expect(reads(key).filter(({ error }) => error !== undefined)).toEqual([])
    if (isLong) expect(slowest).toBeLessThan(200 + 50 + 10)
    const version = fleet.source.advance(key)
    const back = performance.now()
    await expect
      .poll(
        async () => {
          await Promise.all([one, two].map((member) => member.tell({ do: 'read', key })))
          return reads(key)
            .slice(-2)
            .every((read) => read.version === version)
        },
        { timeout: 10_000, interval: 20 },
      )
      .toBe(true)
    tell(`both had the new version ${(performance.now() - back).toFixed(0)} ms after it was there`)
    if (isLong) expect(performance.now() - back).toBeLessThan(2000)
  })
})
