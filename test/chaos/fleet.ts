/** A fleet for tests: real processes on one Redis, each behind a proxy of its own, and one source that counts its calls. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type Fact, monotonicNow } from './facts.ts'
import type { FromMember, MemberOptions, Order, ToMember } from './orders.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

export interface Member {
  readonly number: number
  readonly child: ChildProcess
  readonly proxy: TcpProxy
  /** Resolves once it has done what it was told, and what it saw meanwhile is recorded. */
  tell(order: Order): Promise<void>
}

/** The truth: a version by key, which grows. A call gets the one that holds when it asks, after a while. */
export interface Source {
  /** how long a call takes, milliseconds */
  latency: () => number
  /** Nobody is answered before it is open. */
  gate: Promise<void>
  isDown: boolean
  versionOf(key: string): number
  advance(key: string): number
  /** Resolves once that many calls of the key are under way. */
  readonly underWay: Map<string, number>
}

export interface Fleet {
  readonly redis: RedisServer
  readonly members: readonly Member[]
  readonly source: Source
  readonly facts: Fact[]
  close(): Promise<void>
}

const program = fileURLToPath(new URL('member.ts', import.meta.url))

export async function startFleet(
  size: number,
  options: Partial<Omit<MemberOptions, 'member' | 'port'>> & { readonly redis?: readonly string[] } = {},
): Promise<Fleet> {
  const { redis: settings = [], ...given } = options
  const redis = await startRedis(...settings)
  const facts: Fact[] = []
  const versions = new Map<string, number>()
  const source: Source = {
    latency: () => 20,
    gate: Promise.resolve(),
    isDown: false,
    versionOf: (key) => versions.get(key) ?? 1,
    advance(key) {
      versions.set(key, source.versionOf(key) + 1)
      return source.versionOf(key)
    },
    underWay: new Map(),
  }
  const count = (key: string, by: number) => source.underWay.set(key, (source.underWay.get(key) ?? 0) + by)

  const answer = (member: number, key: string, reply: (outcome: { version: number } | { failure: string }) => void) => {
    const began = monotonicNow()
    const version = source.versionOf(key)
    count(key, 1)
    const reach = () => {
      count(key, -1)
      facts.push({ kind: 'call', member, key, began, ended: monotonicNow(), version })
      reply(source.isDown ? { failure: 'the source is down' } : { version })
    }
    source.gate.then(() => setTimeout(reach, source.latency()))
  }

  const startMember = async (number: number): Promise<Member> => {
    const proxy = await startProxy(() => ({ host: '127.0.0.1', port: redis.port }))
    const own: MemberOptions = {
      client: number % 2 === 0 ? 'node-redis' : 'ioredis',
      prefix: 'fleet',
      ttl: 60_000,
      refreshWindow: 1000,
      backendDeadline: 200,
      ...given,
      member: number,
      port: proxy.port,
    }
    const child = fork(program, [JSON.stringify(own)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>()
    let orders = 0
    const send = (message: ToMember) => void (child.connected && child.send(message, () => {}))
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (code, signal) => {
        const ended = new Error(`Process ${number} of the fleet ended: ${signal ?? code}`)
        reject(ended)
        for (const order of waiting.values()) order.reject(ended)
      })
      child.on('message', (message: FromMember) => {
        if ('ready' in message) resolve()
        else if ('facts' in message) facts.push(...message.facts)
        else if ('ask' in message) answer(number, message.key, (outcome) => send({ id: message.ask, ...outcome }))
        else {
          const order = waiting.get(message.done)
          waiting.delete(message.done)
          if (message.failure === undefined) order?.resolve()
          else order?.reject(new Error(message.failure))
        }
      })
    })
    ready.catch(() => {})
    await ready
    return {
      number,
      child,
      proxy,
      tell: (order) =>
        new Promise<void>((resolve, reject) => {
          const id = ++orders
          waiting.set(id, { resolve, reject })
          send({ id, order })
        }),
    }
  }

  const members = await Promise.all(Array.from({ length: size }, (_, number) => startMember(number)))
  return {
    redis,
    members,
    source,
    facts,
    async close() {
      for (const { child, proxy } of members) {
        child.kill('SIGKILL')
        await proxy.close()
      }
      await redis.stop()
    },
  }
}
