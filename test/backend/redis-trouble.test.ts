/** redisBackend when Redis forgets, fills up, may not be written, restarts or is gone: nothing of before is accepted. */
import { type CacheBackend, CacheRegistry } from 'evercurrent'
import { redisBackend } from 'evercurrent/backend/redis'
import { jsonCodec } from 'evercurrent/codec'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Connection, singleClients } from '../support/redis-clients.ts'
import { type RedisServer, redisServer, startRedis } from '../support/redis-server.ts'
import { storedAt, textOf } from '../support/tier.ts'

const put = (backend: CacheBackend, key: string, text = key) => backend.set(key, storedAt(Date.now(), text), {})
const putIf = (backend: CacheBackend, key: string, ifGeneration: string, text = 'late') =>
  backend.set(key, storedAt(Date.now(), text), { ifGeneration })

const key = 't5:a@001k1:x'

describe.skipIf(!redisServer).each(Object.entries(singleClients))('redisBackend with %s', (_, connect) => {
  let server: RedisServer
  let connection: Connection
  let backend: CacheBackend
  beforeAll(async () => {
    server = await startRedis()
    connection = connect([server.port])
    backend = redisBackend({ client: connection.redis })
  })
  afterEach(async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '0', 'min-replicas-to-write', '0')
    await server.command('FLUSHALL')
  })
  afterAll(async () => {
    await connection.close()
    await server.stop()
  })

  /** Once the client has reached the server again. */
  const reached = () =>
    expect
      .poll(
        async () =>
          Promise.resolve(backend.get('any')).then(
            () => true,
            () => false,
          ),
        { timeout: 5000 },
      )
      .toBe(true)
  const keysOf = async (pattern: string) => (await server.command('KEYS', pattern)) as string[]

  it('works on after the server forgot its scripts', async () => {
    await put(backend, key, 'kept')
    await server.command('SCRIPT', 'FLUSH')
    expect(textOf(await backend.get(key))).toBe('kept')
  })

  it.each(['evercurrent:v:*', 'evercurrent:b:*'])('refuses whoever asked before %s was evicted', async (pattern) => {
    const held = (await put(backend, key)) as string
    const miss = (await backend.get(`${key}1`)).generation
    await server.command('DEL', ...(await keysOf(pattern)))
    expect((await backend.get(key)).stored).toBe(undefined)
    expect(await putIf(backend, key, held)).toBe(undefined)
    expect(await putIf(backend, `${key}1`, miss)).toBe(undefined)
    expect(await putIf(backend, key, (await backend.get(key)).generation, 'new')).toEqual(expect.any(String))
    expect(textOf(await backend.get(key))).toBe('new')
  })

  it('loses nothing but values by FLUSHALL: whoever asked before is refused', async () => {
    const held = (await put(backend, key)) as string
    const miss = (await backend.get('absent')).generation
    await server.command('FLUSHALL')
    expect(await putIf(backend, key, held)).toBe(undefined)
    expect(await putIf(backend, 'absent', miss)).toBe(undefined)
    expect((await backend.get(key)).stored).toBe(undefined)
  })

  it('serves nothing of an older copy that a restart brings back, and refuses its generations', async () => {
    const miss = (await backend.get('absent')).generation
    const held = (await put(backend, key, 'old')) as string
    await server.command('SAVE')
    await backend.delete(key, {})
    await backend.deletePrefix('abs')
    await server.restart()
    await reached()
    expect(await keysOf('evercurrent:v:*')).toContain(`evercurrent:v:{:${key}}`)
    expect((await backend.get(key)).stored).toBe(undefined)
    expect(await putIf(backend, key, held)).toBe(undefined)
    expect(await putIf(backend, 'absent', miss)).toBe(undefined)
    expect(await putIf(backend, key, (await backend.get(key)).generation, 'new')).toEqual(expect.any(String))
  })

  it('rejects with full when nothing more fits, reads on, and still invalidates', async () => {
    await put(backend, key, 'kept')
    await put(backend, `${key}2`, 'kept too')
    const miss = (await backend.get('absent')).generation
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1')
    await expect(put(backend, key)).rejects.toMatchObject({ code: 'BACKEND', operation: 'set', reason: 'full' })
    await expect(putIf(backend, 'absent', miss)).rejects.toMatchObject({ reason: 'full' })
    const unwritable = await backend.get('never asked for')
    expect(unwritable.stored).toBe(undefined)
    await expect(putIf(backend, 'never asked for', unwritable.generation)).rejects.toMatchObject({ reason: 'full' })
    expect(textOf(await backend.get(key))).toBe('kept')
    expect(await backend.delete(key, {})).toMatchObject({ existed: true })
    expect((await backend.get(key)).stored).toBe(undefined)
    await backend.deletePrefix(`${key}2`)
    expect((await backend.get(`${key}2`)).stored).toBe(undefined)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    expect((await backend.get(`${key}2`)).stored).toBe(undefined)
    expect(await putIf(backend, 'never asked for', unwritable.generation)).toBe(undefined)
  })

  it('rejects writes with failed on a server that takes none, and reads on', async () => {
    await put(backend, key, 'kept')
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
    await expect(put(backend, key)).rejects.toMatchObject({ operation: 'set', reason: 'failed' })
    await expect(backend.delete(key, {})).rejects.toMatchObject({ operation: 'delete', reason: 'failed' })
    await expect(backend.deletePrefix('')).rejects.toMatchObject({ operation: 'deletePrefix', reason: 'failed' })
    expect(textOf(await backend.get(key))).toBe('kept')
    expect((await backend.get('absent')).stored).toBe(undefined)
  })

  it('accepts a write that its client sent twice once', async () => {
    const { generation } = await backend.get(key)
    const sent: (readonly (string | Uint8Array)[])[] = []
    const recording = redisBackend({
      client: {
        ...connection.redis,
        async command(args, of) {
          sent.push(args)
          return connection.redis.command(args, of)
        },
      },
    })
    await putIf(recording, key, generation, 'once')
    const [again = []] = sent
    expect(await connection.redis.command(again, String(again[3]))).toBe(1)
    expect(textOf(await backend.get(key))).toBe('once')
  })

  it('keeps what others wrote when a write arrives late that nobody waits for any more', async () => {
    const { generation } = await backend.get(key)
    await backend.delete(key, {})
    expect(await putIf(backend, key, generation)).toBe(undefined)
    expect((await backend.get(key)).stored).toBe(undefined)
  })

  it('costs its readers a deadline while the server hangs, and nothing after it is back', async () => {
    const backendDeadline = 100
    const registry = new CacheRegistry({ backend: redisBackend({ client: connection.redis }), backendDeadline })
    const values = registry.define({ type: 'v', ttl: '1m', codec: jsonCodec<string>(), fetch: async (k: string) => k })
    await values.get('before')
    await registry.flush()
    server.signal('SIGSTOP')
    try {
      const start = performance.now()
      expect(await values.get('meanwhile')).toBe('meanwhile')
      expect(performance.now() - start).toBeLessThan(3 * backendDeadline)
      expect(await values.get('before')).toBe('before')
    } finally {
      server.signal('SIGCONT')
    }
    await reached()
    registry.dispose()
  })

  it('rejects as unreachable while the server is gone, and works on when it is back', async () => {
    await server.kill()
    const quick = connect([server.port])
    const lost = redisBackend({ client: quick.redis })
    const registry = new CacheRegistry({ backend: lost, backendDeadline: 50 })
    const values = registry.define({ type: 'v', ttl: '1m', codec: jsonCodec<string>(), fetch: async (k: string) => k })
    expect(await values.get('meanwhile')).toBe('meanwhile')
    await server.restart()
    await reached()
    expect(await put(backend, key)).toEqual(expect.any(String))
    registry.dispose()
    await quick.close()
  })
})

it('rejects by the call alone when a client fails every command: nothing is left that nobody handles', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  try {
    const command = async () => {
      await undefined
      throw new Error('Connection is closed.')
    }
    const backend = redisBackend({ client: { command, on: () => {} } })
    const calls = [
      () => backend.get(key),
      () => backend.getMany?.([key, 'another']),
      () => put(backend, key),
      () => putIf(backend, key, 'life.token.epoch.0'),
      () => backend.delete(key, {}),
      () => backend.deletePrefix(''),
      () => backend.coordinator?.lease(key, new AbortController().signal),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow('Connection is closed.')
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
