/** What docs/tiers.md says of calls in trouble, one sentence after the other, on backends that do as they are told. */
import { BackendError, type CacheBackend, type CacheEvent, CacheRegistry, KeyGoneError } from 'evercurrent'
import { memoryBackend } from 'evercurrent/backend/memory'
import { jsonCodec } from 'evercurrent/codec'
import { type ManualClock, manualClock } from 'evercurrent/testing'
import { expect, it } from 'vitest'

type Awaitable<T> = T | PromiseLike<T>
type Trouble = 'none' | 'down' | 'hung'

/** A memory tier that can be told to fail or to hang. */
function troubled(): { readonly backend: CacheBackend; readonly plain: CacheBackend; trouble: Trouble } {
  const plain = memoryBackend()
  const it: { trouble: Trouble } = { trouble: 'none' }
  const through = async <T>(call: () => Awaitable<T>): Promise<T> => {
    if (it.trouble === 'down') throw new Error('ECONNREFUSED')
    return it.trouble === 'hung' ? new Promise<never>(() => {}) : call()
  }
  const backend: CacheBackend = {
    name: 'troubled',
    get: (key) => through(() => plain.get(key)),
    set: (key, stored, options) => through(() => plain.set(key, stored, options)),
    delete: (key, options) => through(() => plain.delete(key, options)),
    deletePrefix: (prefix) => through(() => plain.deletePrefix(prefix)),
  }
  return Object.assign(it, { backend, plain })
}

function program(backend: CacheBackend, clock: ManualClock) {
  const registry = new CacheRegistry({ backend, clock })
  const events: CacheEvent[] = []
  registry.on((event) => events.push(event))
  const source = { value: 'v1' as string | Error, calls: 0 }
  const texts = registry.define({
    type: 'text',
    ttl: '30s',
    staleIfError: '10m',
    codec: jsonCodec<string>(),
    fetch: (_key: string) => {
      source.calls += 1
      if (source.value instanceof Error) throw source.value
      return source.value
    },
  })
  return { registry, events, source, texts }
}

it('find() rejects with why the tier could not be asked, and get() does not', async () => {
  const tier = troubled()
  const { texts } = program(tier.backend, manualClock())
  tier.trouble = 'down'
  await expect(texts.find('a')).rejects.toMatchObject({ operation: 'get', reason: 'failed' })
  expect(await texts.get('a')).toBe('v1')
})

it('what was fetched while the tier was down is in memory, and in the tier after its next fetch', async () => {
  const tier = troubled()
  const { texts, registry } = program(tier.backend, manualClock())
  tier.trouble = 'down'
  await texts.get('a')
  tier.trouble = 'none'
  await registry.flush()
  expect(texts.peek('a')).toBe('v1')
  expect(await tier.plain.size?.()).toMatchObject({ entries: 0 })
  await texts.refresh('a')
  await registry.flush()
  expect(await tier.plain.size?.()).toMatchObject({ entries: 1 })
})

it('set() that is not answered rejects after writeDeadline, and memory is as it was', async () => {
  const clock = manualClock()
  const tier = troubled()
  const { texts, registry } = program(tier.backend, clock)
  await texts.get('a')
  await registry.flush()
  tier.trouble = 'hung'
  const outcome = texts.set('a', 'v2').catch((error: unknown) => error)
  await clock.advance(4_999)
  expect(texts.peek('a')).toBe('v1')
  await clock.advance(1)
  expect(await outcome).toBeInstanceOf(BackendError)
  expect(await outcome).toMatchObject({ operation: 'set', reason: 'unreachable' })
  expect(texts.peek('a')).toBe('v1')
})

it('after an invalidate() that rejected the key is not read from the tier until that could be told', async () => {
  const tier = troubled()
  const { texts, source, registry } = program(tier.backend, manualClock())
  await texts.get('a')
  await registry.flush()
  tier.trouble = 'down'
  await expect(texts.invalidate('a')).rejects.toMatchObject({ operation: 'delete', reason: 'failed' })
  expect(texts.peek('a')).toBe(undefined)
  source.value = 'v2'
  tier.trouble = 'none'
  expect(await texts.get('a')).toBe('v2')
})

it('invalidate({ ifValue }) leaves a newer value of another process, which the next read finds; without it that goes', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const [one, other] = [program(backend, clock), program(backend, clock)]
  await one.texts.get('a')
  await one.registry.flush()
  await other.texts.set('a', 'v2')
  expect(await one.texts.invalidate('a', { ifValue: 'v1' })).toBe(true)
  expect(await one.texts.get('a')).toBe('v2')
  expect(one.source.calls).toBe(1)
  expect(await one.texts.invalidate('a')).toBe(true)
  expect(await one.texts.get('a')).toBe('v1')
  expect(one.source.calls).toBe(2)
})

it('after expire() a value of the tier that was fetched before it does not do', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const { texts, source } = program(backend, clock)
  await texts.get('a')
  await clock.advance(1)
  await texts.expire('a')
  source.value = 'v2'
  expect(await texts.get('a')).toBe('v2')
})

it('a key that the source says is gone is deleted from the tier', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const { texts, source, registry } = program(backend, clock)
  await texts.get('a')
  source.value = new KeyGoneError('no such text')
  await texts.refresh('a').catch(() => {})
  await registry.flush()
  expect(await backend.size()).toMatchObject({ entries: 0 })
})

it('of two processes that fetch a key at once both are answered, and the first write stays', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const [one, other] = [program(backend, clock), program(backend, clock)]
  other.source.value = 'v2'
  expect(await Promise.all([one.texts.get('a'), other.texts.get('a')])).toEqual(['v1', 'v2'])
  await Promise.all([one.registry.flush(), other.registry.flush()])
  expect(other.events).toContainEqual(expect.objectContaining({ kind: 'fetch-discarded', because: 'refused' }))
  expect(await other.texts.get('a')).toBe('v1')
  expect(other.registry.stats()).toMatchObject({ backendHits: 1, fetches: 1 })
})

it('what has expired in the tier serves as stale after the first fetch has failed', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const one = program(backend, clock)
  await one.texts.get('a')
  await one.registry.dispose()
  await clock.advance(60_000)
  const other = program(backend, clock)
  other.source.value = new Error('HTTP 503')
  expect(await other.texts.read('a')).toMatchObject({ value: 'v1', stale: true })
})

it('clear() of a registry without a namespace empties the whole store', async () => {
  const [clock, backend] = [manualClock(), memoryBackend()]
  const elsewhere = new CacheRegistry({ backend, clock, namespace: 'eu' })
  await elsewhere.define<string>({ type: 'other', version: 7, ttl: '1m', codec: jsonCodec() }).set('k', 'v')
  await program(backend, clock).registry.clear()
  expect(await backend.size()).toMatchObject({ entries: 0 })
})

it('set() of what cannot be encoded rejects with the codec’s error as cause; a fetched one is served and told', async () => {
  const { texts, source, events } = program(memoryBackend(), manualClock())
  const notText = new Date(0) as unknown as string
  await expect(texts.set('a', notText)).rejects.toMatchObject({
    operation: 'encode',
    reason: 'failed',
    cause: expect.any(TypeError),
  })
  source.value = notText
  expect(await texts.get('b')).toBe(notText)
  await expect.poll(() => events.map(({ kind }) => kind)).toContain('backend-failed')
  expect(texts.peek('b')).toBe(notText)
})

it('a tier that fails is asked five times, then probed after 1 s, 2 s, 4 s, and every 30 s at last', async () => {
  const clock = manualClock()
  const tier = troubled()
  const { texts, events } = program(tier.backend, clock)
  tier.trouble = 'down'
  const pauses: number[] = []
  for (let read = 0; read < 60; read++) {
    await texts.get(`k${read}`)
    for (const event of events.splice(0))
      if (event.kind === 'backend-suspended') pauses.push(event.until - clock.wallNow())
    if (read >= 4) await clock.advance(1_000)
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000])
  tier.trouble = 'none'
  await clock.advance(30_000)
  await texts.get('again')
  expect(events.map(({ kind }) => kind)).toContain('backend-resumed')
})
