/** How a client of Redis is spoken to, whichever it is: bytes in and out, commands sent to where their key is. */

export interface RedisClientLike {
  /**
   * Sends one command. On a cluster to the node of `key`, to any without. Text in replies comes as `Uint8Array`; an error of
   * the server rejects with an `Error` whose message begins with its code.
   */
  command(args: readonly (string | Uint8Array)[], key?: string): Promise<unknown>
  /** `ready`: connected, or connected again; `error`: the connection has trouble. */
  on(event: 'ready' | 'error', listener: (error?: unknown) => void): unknown
}

export interface RedisSubscriberLike {
  /** Resolves once the server knows. Subscribes again after a reconnect by itself. Returns what ends it. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>
  on(event: 'ready' | 'error', listener: (error?: unknown) => void): unknown
}

type Listener = (...given: never[]) => unknown

interface Emitter {
  on(event: string, listener: Listener): unknown
}

interface NodeRedis extends Emitter {
  readonly masters?: unknown
  sendCommand(...given: unknown[]): Promise<unknown>
  subscribe?(channel: string, listener: (message: string) => void): Promise<void>
  unsubscribe?(channel: string, listener: (message: string) => void): Promise<void>
}

interface Ioredis extends Emitter {
  callBuffer(command: string, ...args: (string | Uint8Array)[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/** Both clients take text as it is, and of bytes only this. */
const asBuffer = (arg: string | Uint8Array) =>
  typeof arg === 'string' ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)

type Happening = 'ready' | 'error'

/** One listener for all who listen; without any for `error` the client would end the process. */
function heard<C extends Emitter>(client: object, method: string, name: string, events: Record<Happening, string[]>) {
  if (typeof (client as Record<string, unknown> | null)?.[method] !== 'function')
    throw new TypeError(
      `Cannot use this client: expected ${name}: received ${client === null ? client : typeof client}`,
    )
  const redis = client as C
  const listeners = { ready: new Set<(error?: unknown) => void>(), error: new Set<(error?: unknown) => void>() }
  for (const happening of ['ready', 'error'] as const) {
    const tell = (error?: unknown) => {
      for (const listener of listeners[happening]) listener(error)
    }
    for (const event of events[happening]) redis.on(event, tell)
  }
  return { redis, on: (event: Happening, listener: (error?: unknown) => void) => listeners[event].add(listener) }
}

/**
 * A client or a cluster of `redis` (node-redis), as `redisBackend` takes it, both as `client` and as `subscriber`. Connecting
 * and closing it is up to you, and need not be waited for. It gets a listener for `error`.
 *
 * Throws `TypeError` for what is no such client.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis'
 *
 * const client = createClient({ disableOfflineQueue: true })
 * const redis = fromNodeRedis(client)
 * const registry = new CacheRegistry({ backend: redisBackend({ client: redis, subscriber: redis }) })
 * ```
 */
export function fromNodeRedis(client: object): RedisClientLike & RedisSubscriberLike {
  const { redis, on } = heard<NodeRedis>(client, 'sendCommand', 'one of redis: createClient() or createCluster()', {
    ready: ['ready', 'node-ready'],
    error: ['error', 'node-error'],
  })
  const isCluster = 'masters' in redis
  // RESP writes text as `$` and its length.
  const textAsBytes = { typeMapping: { 36: Buffer } }
  return {
    command(args, key) {
      const all = args.map(asBuffer)
      return isCluster ? redis.sendCommand(key, false, all, textAsBytes) : redis.sendCommand(all, textAsBytes)
    },
    async subscribe(channel, listener) {
      await redis.subscribe?.(channel, listener)
      return async () => redis.unsubscribe?.(channel, listener)
    },
    on,
  }
}

/**
 * A client or a cluster of `ioredis`, as `redisBackend` takes it, both as `client` and as `subscriber`. It gets a listener
 * for `error`. With RESP2 a connection that has subscribed takes no other commands: give a second client as `subscriber`.
 *
 * Throws `TypeError` for what is no such client.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 *
 * const client = new Redis({ lazyConnect: true, enableOfflineQueue: false })
 * const redis = fromIoredis(client)
 * const registry = new CacheRegistry({ backend: redisBackend({ client: redis, subscriber: redis }) })
 * ```
 */
export function fromIoredis(client: object): RedisClientLike & RedisSubscriberLike {
  const { redis, on } = heard<Ioredis>(client, 'callBuffer', 'one of ioredis: new Redis() or new Cluster()', {
    ready: ['ready'],
    error: ['error', 'node error'],
  })
  const listeners = new Map<string, Set<(message: string) => void>>()
  redis.on('message', (channel: string, message: string) => {
    for (const listener of listeners.get(channel) ?? []) listener(message)
  })
  return {
    command: ([name, ...args]) => redis.callBuffer(name as string, ...args.map(asBuffer)),
    async subscribe(channel, listener) {
      const all = listeners.get(channel) ?? new Set()
      listeners.set(channel, all.add(listener))
      await redis.subscribe(channel)
      return async () => {
        if (all.delete(listener) && all.size === 0) await redis.unsubscribe(channel)
      }
    },
    on,
  }
}
