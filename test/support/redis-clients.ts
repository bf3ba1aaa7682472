/** Every client of Redis that is supported, connected to one node or to a cluster, as the tier takes it. */
import type { RedisClientLike, RedisSubscriberLike } from 'evercurrent/backend/redis'
import { fromIoredis, fromNodeRedis } from 'evercurrent/backend/redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'

export type Adapted = RedisClientLike & RedisSubscriberLike

export interface Connection {
  readonly redis: Adapted
  close(): Promise<void>
}

export type Connect = (ports: readonly number[]) => Connection

const retry = (attempt: number) => Math.min(25 * 2 ** attempt, 250)

/** Not waited for, and nobody listens for errors but the adapter. */
const nodeRedis: Connect = ([port]) => {
  const client = createClient({
    disableOfflineQueue: false,
    socket: { host: '127.0.0.1', port: port as number, connectTimeout: 1000, reconnectStrategy: retry },
  })
  const redis = fromNodeRedis(client)
  client.connect().catch(() => {})
  return { redis, close: async () => client.destroy() }
}

const nodeRedisCluster: Connect = (ports) => {
  const client = createCluster({
    rootNodes: ports.map((port) => ({ socket: { host: '127.0.0.1', port } })),
    defaults: { socket: { reconnectStrategy: retry } },
  })
  const redis = fromNodeRedis(client)
  const connecting = client.connect().catch(() => {})
  const command: Adapted['command'] = async (args, key) => {
    await connecting
    return redis.command(args, key)
  }
  return { redis: { ...redis, command }, close: async () => client.destroy() }
}

const ioredis: Connect = ([port]) => {
  const client = new Redis({ host: '127.0.0.1', port: port as number, retryStrategy: retry })
  return { redis: fromIoredis(client), close: async () => client.disconnect() }
}

const ioredisCluster: Connect = (ports) => {
  const client = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { clusterRetryStrategy: retry, slotsRefreshTimeout: 5000 },
  )
  return { redis: fromIoredis(client), close: async () => client.disconnect() }
}

export const singleClients: Readonly<Record<string, Connect>> = { 'node-redis': nodeRedis, ioredis }
export const clusterClients: Readonly<Record<string, Connect>> = {
  'node-redis': nodeRedisCluster,
  ioredis: ioredisCluster,
}
