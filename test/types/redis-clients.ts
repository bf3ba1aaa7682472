/** The clients of Redis fit as they are, one node or a cluster; what is no client does not. */
import { fromIoredis, fromNodeRedis, type RedisClientLike, redisBackend } from 'evercurrent/backend/redis'
import { Cluster, Redis } from 'ioredis'
import type { createClient, createCluster } from 'redis'

declare const nodeRedis: ReturnType<typeof createClient>
declare const nodeRedisCluster: ReturnType<typeof createCluster>

export const fitting = [
  fromNodeRedis(nodeRedis),
  fromNodeRedis(nodeRedisCluster),
  fromIoredis(new Redis({ lazyConnect: true })),
  fromIoredis(new Cluster([], { lazyConnect: true })),
].map((redis) => redisBackend({ client: redis, subscriber: redis, prefix: 'app' }))

declare const own: RedisClientLike
redisBackend({ client: own })

// @ts-expect-error a client goes through its adapter
redisBackend({ client: new Redis({ lazyConnect: true }) })
// @ts-expect-error a URL is not a client: the client is given, never made
fromNodeRedis('redis://localhost')
// @ts-expect-error an unknown option
redisBackend({ client: own, ttl: '30s' })
