/** Redis servers on private ports, started and stopped by the tests. Without one its tests are left out, except in CI. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'

const places = ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server']

export const redisServer: string | undefined = [process.env['REDIS_SERVER'], ...places].find(
  (place) => place && existsSync(place),
)

const howToInstall =
  'redis-server is missing (Debian: apt-get install redis-server; elsewhere set REDIS_SERVER to the executable, 7.0 or newer)'

if (!redisServer && process.env['CI'] === 'true') throw new Error(howToInstall)
if (!redisServer) console.warn(`Tests with Redis are skipped: ${howToInstall}`)

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** where it keeps `dump.rdb` */
  readonly folder: string
  /** One command over a connection of its own. */
  command(...args: string[]): Promise<unknown>
  /** Sends a signal to the process. */
  signal(name: NodeJS.Signals): void
  /** Ends it at once, without saving. Its folder stays for `restart()`. */
  kill(): Promise<void>
  /** On the same port, with what the folder has. */
  restart(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** A port that was free a moment ago, so that ten thousand more is a port too: clusters need both. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { readonly port: number }
    server.close()
    await once(server, 'close')
    if (port < 55_000) return port
  }
}

/** `settings` are those of `redis.conf`, as on the command line: `'--maxmemory', '2mb'`. */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'evercurrent-redis-'))
  for (let attempt = 1; ; attempt++) {
    try {
      return await startAt(await freePort(), folder, settings)
    } catch (error) {
      // Somebody else took the port meanwhile.
      if (attempt === 3) throw error
    }
  }
}

async function startAt(port: number, folder: string, settings: readonly string[]): Promise<RedisServer> {
  let child: ChildProcess
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const start = async () => {
    child = spawn(redisServer as string, [...args, ...settings], { stdio: ['ignore', 'pipe', 'ignore'] })
    const { stdout } = child
    await new Promise<void>((resolve, reject) => {
      let log = ''
      child.once('exit', () => reject(new Error(`redis-server ended: ${log}`)))
      stdout?.on('data', (text) => {
        log += text
        if (log.includes('Ready to accept connections')) resolve()
      })
    })
  }
  await start()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    async command(...words) {
      const client = createClient({ url: `redis://127.0.0.1:${port}` })
      client.on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(words)
      } finally {
        client.destroy()
      }
    },
    signal: (name) => child.kill(name),
    kill,
    restart: async () => {
      await kill()
      await start()
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  stop(): Promise<void>
}

/** Two masters, each with half of the slots: a key of another slot is refused there, as one node alone never does. */
export async function startCluster(): Promise<RedisCluster> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes = await Promise.all([startRedis(...settings), startRedis(...settings)])
  const [one, two] = nodes
  await Promise.all([
    one.command('CLUSTER', 'ADDSLOTSRANGE', '0', '8191'),
    two.command('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383'),
    one.command('CLUSTER', 'SET-CONFIG-EPOCH', '1'),
    two.command('CLUSTER', 'SET-CONFIG-EPOCH', '2'),
  ])
  await one.command('CLUSTER', 'MEET', '127.0.0.1', `${two.port}`)
  const isWhole = async (node: RedisServer) => {
    const info = String(await node.command('CLUSTER', 'INFO'))
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:2')
  }
  const deadline = Date.now() + 15_000
  while (!(await Promise.all(nodes.map(isWhole))).every(Boolean)) {
    if (Date.now() > deadline) throw new Error('The cluster did not form within 15 s')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}
