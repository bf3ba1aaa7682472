/** redisBackend: the contract of a tier and of a coordinator with every client, on one node and on a cluster of two. */
import { redisBackend } from 'evercurrent/backend/redis'
import { backendContract, coordinatorContract } from 'evercurrent/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Connect, type Connection, clusterClients, singleClients } from '../support/redis-clients.ts'
import { redisServer, startCluster, startRedis } from '../support/redis-server.ts'

/** Each case on keys of its own: a prefix. */
let cases = 0

function contracts(connect: Connect, place: { readonly ports: readonly number[] }) {
  const connections: Connection[] = []
  const connected = () => {
    const connection = connect(place.ports)
    connections.push(connection)
    return connection.redis
  }
  let shared: ReturnType<typeof connected>
  beforeAll(() => {
    shared = connected()
  })
  afterAll(async () => {
    for (const { close } of connections) await close()
  })
  const backend = () => {
    const prefix = `case-${++cases}`
    return { prefix, ...redisBackend({ client: shared, prefix }) }
  }
  it.each(
    backendContract(backend, {
      async lose(lost, key) {
        const { prefix } = lost as ReturnType<typeof backend>
        const name = `${prefix}:v:{:${key}}`
        await shared.command(['DEL', name], name)
      },
    }),
  )('tier: $name', ({ run }) => run())

  const trio = () => [connected(), connected(), connected()] as const
  let members: ReturnType<typeof trio>
  beforeAll(() => {
    members = trio()
  })
  it.each(
    coordinatorContract(() => {
      const prefix = `case-${++cases}`
      const backends = members.map((redis) => redisBackend({ client: redis, subscriber: redis, prefix }))
      let at = 0
      return {
        connect: () => backends[at++]?.coordinator as NonNullable<(typeof backends)[0]['coordinator']>,
        async close() {
          for (const each of backends) await each.close?.()
        },
      }
    }),
  )('coordinator: $name', ({ run }) => run())
}

describe.skipIf(!redisServer)('redisBackend on one node fulfils the contract of a', () => {
  const place = { ports: [] as number[] }
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis()
    place.ports.push(server.port)
  })
  afterAll(() => server.stop())
  describe.each(Object.entries(singleClients))('with %s', (_, connect) => contracts(connect, place))
})

describe.skipIf(!redisServer)('redisBackend on a cluster of two fulfils the contract of a', () => {
  const place = { ports: [] as number[] }
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster()
    place.ports.push(...cluster.nodes.map(({ port }) => port))
  }, 30_000)
  afterAll(() => cluster.stop())
  describe.each(Object.entries(clusterClients))('with %s', (_, connect) => contracts(connect, place))
})
