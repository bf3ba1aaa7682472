/** browserBackend in a page: the contracts of a tier and of a coordinator, and what is its own: its records. */
import { browserBackend, hiddenOrOffline } from 'evercurrent/backend/browser'
import { backendContract, coordinatorContract } from 'evercurrent/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { storedAt, textOf } from '../support/tier.ts'

const day = 86_400_000
let count = 0
const open: ReturnType<typeof browserBackend>[] = []

function opened(database = newName()) {
  const backend = browserBackend({ database })
  open.push(backend)
  return backend
}

const newName = () => `test-${++count}-${Math.random()}`
const put = (backend: ReturnType<typeof browserBackend>, key: string, text = key, keepFor?: number) =>
  backend.set(key, storedAt(Date.now(), text, keepFor), {})
const putIf = (backend: ReturnType<typeof browserBackend>, key: string, ifGeneration = '') =>
  backend.set(key, storedAt(Date.now(), 'late'), { ifGeneration })
const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
/** As somebody else, or another tab, opens it. */
const raw = async (name: string): Promise<IDBDatabase> => {
  const database = await done(indexedDB.open(name))
  database.onversionchange = () => database.close()
  return database
}
const recordsOf = async (name: string): Promise<number> => {
  const database = await raw(name)
  const records = await done(database.transaction('evercurrent').objectStore('evercurrent').count())
  database.close()
  return records
}

afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  for (const backend of open.splice(0)) await backend.close?.()
})

describe('browserBackend fulfils the contract of a tier:', () => {
  const cases = backendContract(() => opened(), {
    // Past every record: what was known of the key is deleted by the writes that follow.
    async lose(backend) {
      const now = Date.now()
      vi.useFakeTimers({ now: now + 2 * day, toFake: ['Date'] })
      for (let write = 0; write < 3; write++) await backend.set('filler', storedAt(now), {})
      vi.setSystemTime(now)
    },
  })
  it.each(cases)('$name', ({ run }) => run())
})

describe('its coordinator fulfils the contract of one:', () => {
  const cases = coordinatorContract(() => {
    const database = newName()
    return { connect: () => opened(database).coordinator as never }
  })
  it.each(cases)('$name', ({ run }) => run())
})

describe('browserBackend', () => {
  it('keeps values, tombstones and generations for the next page that opens the database', async () => {
    const name = newName()
    const first = opened(name)
    const miss = (await first.get('gone')).generation
    const generation = await put(first, 'k', 'kept')
    await first.delete('gone', {})
    await first.close?.()
    const second = opened(name)
    const lookup = await second.get('k')
    expect({ text: textOf(lookup), generation: lookup.generation }).toEqual({ text: 'kept', generation })
    expect(await putIf(second, 'gone', miss)).toBe(undefined)
  })

  it('makes room for whoever deletes the database, and refuses what was looked up in the old one', async () => {
    const name = newName()
    const backend = opened(name)
    const held = await put(backend, 'k')
    const miss = (await backend.get('absent')).generation
    await done(indexedDB.deleteDatabase(name))
    for (let change = 0; change < 3; change++) await put(backend, 'other')
    expect(textOf(await backend.get('k'))).toBe(undefined)
    expect(await putIf(backend, 'k', held)).toBe(undefined)
    expect(await putIf(backend, 'absent', miss)).toBe(undefined)
  })

  it('refuses what was looked up before somebody cleared it by hand', async () => {
    const name = newName()
    const backend = opened(name)
    const held = await put(backend, 'k')
    const miss = (await backend.get('absent')).generation
    const database = await raw(name)
    await done(database.transaction('evercurrent', 'readwrite').objectStore('evercurrent').clear())
    database.close()
    const after = (await backend.get('absent')).generation
    expect(await putIf(backend, 'k', held)).toBe(undefined)
    expect(await putIf(backend, 'absent', miss)).toBe(undefined)
    expect(await putIf(backend, 'absent', after)).toEqual(expect.any(String))
  })

  it('deletes what is past its time by later writes: values, tombstones after a day, dropped prefixes', async () => {
    const name = newName()
    const backend = opened(name)
    const start = Date.now()
    vi.useFakeTimers({ now: start, toFake: ['Date'] })
    for (let at = 0; at < 10; at++) await put(backend, `k${at}`, 'x', 1000)
    await backend.delete('gone', {})
    await backend.deletePrefix('p')
    const miss = (await backend.get('k3')).generation
    vi.setSystemTime(start + 599_000)
    await put(backend, 'late')
    expect(await recordsOf(name)).toBe(14)
    vi.setSystemTime(start + 601_000)
    await put(backend, 'late')
    // The state, the tombstone, the prefix, and what was just written.
    expect(await recordsOf(name)).toBe(4)
    expect(await putIf(backend, 'k3', miss)).toBe(undefined)
    vi.setSystemTime(start + day + 1)
    await put(backend, 'later')
    expect(await recordsOf(name)).toBe(2)
  })

  it('stores of a view what it shows, not the buffer behind it', async () => {
    const backend = opened()
    const bytes = new Uint8Array(1000).fill(7).subarray(10, 12)
    await backend.set('k', { ...storedAt(Date.now()), bytes }, {})
    expect((await backend.get('k')).stored?.bytes.buffer.byteLength).toBe(2)
  })

  it('leaves a database of somebody else as it is', async () => {
    const name = newName()
    const request = indexedDB.open(name, 3)
    request.onupgradeneeded = () => request.result.createObjectStore('theirs')
    const database = await done(request)
    database.close()
    await expect(opened(name).get('k')).rejects.toMatchObject({ code: 'BACKEND', operation: 'get', reason: 'failed' })
    const after = await raw(name)
    expect([after.version, ...after.objectStoreNames]).toEqual([3, 'theirs'])
    after.close()
  })

  it('takes a database in which nothing is', async () => {
    const name = newName()
    const database = await raw(name)
    database.close()
    const backend = opened(name)
    await put(backend, 'k')
    expect(textOf(await backend.get('k'))).toBe('k')
  })

  it('is unreachable while the database does not open, and there as soon as it does', async () => {
    const name = newName()
    const blocker = await done(indexedDB.open(name))
    const deletion = done(indexedDB.deleteDatabase(name))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const backend = opened(name)
    const asked = Promise.resolve(backend.get('k')).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(3000)
    expect(await asked).toMatchObject({ code: 'BACKEND', reason: 'unreachable' })
    expect(await Promise.resolve(backend.get('k')).catch((error: unknown) => error)).toMatchObject({
      reason: 'unreachable',
    })
    vi.useRealTimers()
    blocker.close()
    await deletion
    await vi.waitFor(async () => expect(await put(backend, 'k')).toEqual(expect.any(String)))
  })

  it('opens a connection again that has failed', async () => {
    const name = newName()
    const backend = opened(name)
    await put(backend, 'k')
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
      throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
    })
    await expect(backend.get('k')).rejects.toMatchObject({ reason: 'failed' })
    transaction.mockRestore()
    expect(textOf(await backend.get('k'))).toBe('k')
  })

  it.each(['SecurityError', 'InvalidStateError'])(
    'keeps values in memory where opening is refused by a %s',
    async (name) => {
      vi.stubGlobal('indexedDB', {
        open() {
          throw new DOMException('not in this window', name)
        },
      })
      const backend = opened()
      await put(backend, 'k')
      expect(textOf(await backend.get('k'))).toBe('k')
      const { signal } = new AbortController()
      await expect(backend.coordinator?.lease('k', signal)).rejects.toMatchObject({
        code: 'BACKEND',
        operation: 'lease',
      })
      expect(await backend.coordinator?.lease('k', signal)).toBeDefined()
    },
  )

  it('tells who listens that messages were lost when the page is shown from the back-forward cache, and only then', async () => {
    const backend = opened()
    const heard: unknown[] = []
    await backend.coordinator?.subscribe((message) => heard.push(message))
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))
    expect(heard).toEqual([])
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
    document.dispatchEvent(new Event('resume', { bubbles: true }))
    expect(heard).toEqual(['lost-messages', 'lost-messages'])
    await backend.close?.()
    document.dispatchEvent(new Event('resume', { bubbles: true }))
    expect(heard).toHaveLength(2)
  })

  it('gives up its leases, and its waiting for others, when the page is put aside', async () => {
    const name = newName()
    const { coordinator } = opened(name)
    const { signal } = new AbortController()
    expect(await coordinator?.lease('held', signal)).toBeDefined()
    let release = () => {}
    void navigator.locks.request(`evercurrent:${name}:wanted`, () => new Promise<void>((end) => (release = end)))
    const waiting = coordinator?.lease('wanted', signal)
    await vi.waitFor(async () => expect((await navigator.locks.query()).pending).toHaveLength(1))
    dispatchEvent(new PageTransitionEvent('pagehide'))
    expect(await waiting).toBe(undefined)
    await vi.waitFor(async () => expect((await navigator.locks.query()).held).toHaveLength(1))
    release()
  })

  it('works without BroadcastChannel, with one event', async () => {
    vi.stubGlobal('BroadcastChannel', undefined)
    const { coordinator } = opened()
    const message = { key: 'k', generation: 'g', origin: 'o' }
    await expect(coordinator?.publish(message)).rejects.toMatchObject({ code: 'BACKEND', operation: 'publish' })
    expect(await coordinator?.publish(message)).toBe(undefined)
  })
})

describe('hiddenOrOffline', () => {
  it('is so while the page is hidden or offline, and tells of the change', () => {
    const heard: boolean[] = []
    const end = hiddenOrOffline.subscribe(() => heard.push(hiddenOrOffline.isPaused()))
    const visibility = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    visibility.mockRestore()
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    const online = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
    dispatchEvent(new Event('offline'))
    online.mockRestore()
    dispatchEvent(new Event('online'))
    end()
    dispatchEvent(new Event('online'))
    expect(heard).toEqual([true, false, true, false])
  })
})
