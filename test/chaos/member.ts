/** A process of a fleet: a registry on Redis that reads and writes as it is told, and says what it saw and when. */
import { type Announcement, type CacheBackend, type CacheEntry, CacheRegistry, type Stored } from 'evercurrent'
import { fromIoredis, fromNodeRedis, redisBackend } from 'evercurrent/backend/redis'
import { jsonCodec } from 'evercurrent/codec'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { type MemberFact, monotonicNow } from './facts.ts'
import {
  type FromMember,
  logicalKeys,
  type MemberOptions,
  type Order,
  ofPrefix,
  partsOf,
  type ToMember,
} from './orders.ts'

const options: MemberOptions = JSON.parse(process.argv[2] ?? '{}')
const { member, port, prefix, backendDeadline, ttl, refreshWindow } = options
const say = (message: FromMember) => process.send?.(message)
const record = (...facts: MemberFact[]) => say({ facts })

/** As an application would configure them: fail fast, come back soon. */
function connect(): Parameters<typeof redisBackend>[0] {
  if (options.client === 'ioredis') {
    const settings = {
      port,
      host: '127.0.0.1',
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 50,
    }
    return {
      client: fromIoredis(new Redis(settings)),
      subscriber: fromIoredis(new Redis({ ...settings, enableOfflineQueue: true })),
    }
  }
  const settings = { url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: () => 50, connectTimeout: 1000 } }
  const clients = [createClient({ ...settings, disableOfflineQueue: true }), createClient(settings)] as const
  for (const client of clients) client.connect().catch(() => {})
  return { client: fromNodeRedis(clients[0]), subscriber: fromNodeRedis(clients[1]) }
}

const versionIn = (stored: Pick<Stored, 'bytes'> | undefined): number | undefined => {
  const digits = stored && /"v":(\d+)/.exec(Buffer.from(stored.bytes).toString('latin1'))?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** What the tier answered to changes that this process made, by key. */
const answered = new Map<string, string[]>()
const note = (fullKey: string, generation: string | undefined) => {
  for (const key of logicalKeys(fullKey))
    answered.set(key, [...(answered.get(key) ?? []), ...(generation ? [generation] : [])])
}

const nextTry = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 20))

/** The tier, with everything that passes through it recorded. */
function watched(backend: CacheBackend): CacheBackend {
  const { coordinator, getMany, ...rest } = backend
  const looked = (key: string, began: number, stored: Stored | undefined) => {
    for (const logical of logicalKeys(key))
      record({ kind: 'look', member, key: logical, began, ended: monotonicNow(), version: versionIn(stored) })
  }
  return {
    ...rest,
    async get(key, signal) {
      const began = monotonicNow()
      const lookup = await backend.get(key, signal)
      looked(key, began, lookup.stored)
      return lookup
    },
    ...(getMany && {
      async getMany(keys, signal) {
        const began = monotonicNow()
        const lookups = await getMany(keys, signal)
        for (const [at, key] of keys.entries()) looked(key, began, lookups[at]?.stored)
        return lookups
      },
    }),
    async set(key, stored, conditions) {
      const began = monotonicNow()
      const generation = await backend.set(key, stored, conditions)
      if (conditions.ifGeneration === undefined) note(key, generation)
      else {
        const [logical = ''] = logicalKeys(key)
        const isAccepted = generation !== undefined
        record({
          kind: 'commit',
          member,
          key: logical,
          began,
          ended: monotonicNow(),
          version: versionIn(stored),
          isAccepted,
        })
      }
      return generation
    },
    async delete(key, conditions) {
      const answer = await backend.delete(key, conditions)
      note(key, answer.generation)
      return answer
    },
    ...(coordinator && {
      coordinator: {
        lease: (key, signal) => coordinator.lease(key, signal),
        publish(message) {
          origin = message.origin
          return coordinator.publish(message)
        },
        subscribe: (listener) =>
          coordinator.subscribe((message) => {
            listener(message)
            if (message === 'lost-messages') record({ kind: 'event', member, what: message, at: monotonicNow() })
            else if (message.origin !== origin) heard(message)
          }),
      },
    }),
  }
}

/** Its own messages come back to it, and say nothing new. */
let origin: string | undefined
function heard({ key, generation, prefix: isPrefix }: Announcement): void {
  const at = monotonicNow()
  for (const logical of logicalKeys(key))
    record({ kind: 'heard', member, key: logical, generation: isPrefix ? ofPrefix : generation, at })
}

let asked = 0
const asking = new Map<
  number,
  { readonly resolve: (version: number) => void; readonly reject: (error: Error) => void }
>()
const askSource = (key: string) =>
  new Promise<number>((resolve, reject) => {
    asking.set(++asked, { resolve, reject })
    say({ ask: asked, key })
  })

const backend = redisBackend({ ...connect(), prefix })
/** So that nobody is measured while it connects. */
for (let connected = false; !connected; )
  connected = await Promise.resolve(backend.get('nothing')).then(
    () => true,
    () => nextTry(),
  )
const registry = new CacheRegistry({ backend: watched(backend), backendDeadline })
const values = registry.define({
  type: 'versioned',
  ttl,
  refreshWindow,
  codec: jsonCodec<{ v: number }>(),
  key: (key: string) => partsOf(key),
  fetch: async (key: string) => ({ v: await askSource(key) }),
})
registry.on((event) => {
  const error = 'error' in event ? String(event.error) : ''
  const detail = [event.key?.join('/'), 'operation' in event && event.operation, error].filter(Boolean).join(' ')
  record({ kind: 'event', member, what: event.kind, detail, at: monotonicNow() })
})

async function read(key: string): Promise<void> {
  const [began, readAt] = [monotonicNow(), Date.now()]
  const told = { kind: 'read', member, key, began } as const
  try {
    const { value, from, expiresAt } = await values.read(key)
    record({ ...told, ended: monotonicNow(), version: value.v, from, expiresAt, readAt })
  } catch (error) {
    record({ ...told, ended: monotonicNow(), version: undefined, error: String(error) })
  }
}

/** A change, and what the tier answered to it. */
async function move(
  how: 'invalidate' | 'prefix' | 'set',
  atLeast: Readonly<Record<string, number>>,
  change: () => Promise<unknown>,
) {
  const began = monotonicNow()
  for (const key of Object.keys(atLeast)) answered.delete(key)
  const isDone = await change().then(
    () => true,
    () => false,
  )
  const ended = monotonicNow()
  for (const [key, version] of Object.entries(atLeast)) {
    const generations = how === 'prefix' ? [ofPrefix] : (answered.get(key) ?? [])
    record({ kind: 'move', member, how, key, began, ended, atLeast: version, isDone, generations })
  }
}

const held: (() => void)[] = []
function observe(entry: CacheEntry<{ v: number }>, key: string): void {
  const tell = () => {
    const version = entry.getSnapshot().value?.v
    if (version !== undefined) record({ kind: 'shown', member, key, version, at: monotonicNow() })
  }
  held.push(entry.subscribe(tell))
  tell()
}

const perform: { readonly [D in Order['do']]: (order: Extract<Order, { do: D }>) => Promise<void> | void } = {
  read: ({ key }) => read(key),
  async 'read-steadily'({ key, everyMs, forMs }) {
    const until = monotonicNow() + forMs
    const reads: Promise<void>[] = []
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (monotonicNow() < until) reads.push(read(key))
        else {
          clearInterval(timer)
          resolve()
        }
      }, everyMs)
    })
    await Promise.all(reads)
  },
  invalidate: ({ key, atLeast }) => move('invalidate', { [key]: atLeast }, () => values.invalidate(key)),
  set: ({ key, atLeast }) => move('set', { [key]: atLeast }, () => values.set(key, { v: atLeast })),
  prefix: ({ group, atLeast }) => move('prefix', atLeast, () => values.invalidatePrefix(group)),
  observe: ({ key }) => observe(values.entry(key), key),
  'keep-fresh'({ key }) {
    const entry = values.entry(key)
    observe(entry, key)
    held.push(entry.keepFresh())
  },
  forget() {
    for (const end of held.splice(0)) end()
  },
}

process.on('message', (message: ToMember) => {
  if ('order' in message) {
    const done = (failure?: unknown) =>
      say({ done: message.id, ...(failure === undefined ? {} : { failure: String(failure) }) })
    Promise.resolve((perform[message.order.do] as (order: Order) => Promise<void> | void)(message.order)).then(
      () => done(),
      done,
    )
    return
  }
  const question = asking.get(message.id)
  asking.delete(message.id)
  if ('version' in message) question?.resolve(message.version)
  else question?.reject(new Error(message.failure))
})
process.on('disconnect', () => process.exit())
say({ ready: true })
