/** memoryBackend: the contract of a tier, and what is its own: capacity, eviction, and when a value is over. */
import { BackendError } from 'evercurrent'
import { type MemoryBackendOptions, memoryBackend } from 'evercurrent/backend/memory'
import { backendContract } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { storedAt, textOf } from '../support/tier.ts'

describe('memoryBackend fulfils the contract of a tier:', () => {
  const cases = backendContract(() => memoryBackend({ maxEntries: 500 }), {
    // So many that what it held is evicted, and what it remembers of what is gone is forgotten.
    async lose(backend) {
      for (let filler = 0; filler < 500; filler++) await backend.set(`filler ${filler}`, storedAt(Date.now()), {})
      for (let filler = 0; filler < 10_001; filler++) await backend.delete(`gone ${filler}`, {})
    },
  })
  it.each(cases)('$name', ({ run }) => run())
})

const made = (options: MemoryBackendOptions = {}) => {
  let time = 1_000_000
  const backend = memoryBackend({ now: () => time, ...options })
  const put = async (key: string, text = key, keepFor = 60_000) => backend.set(key, storedAt(time, text, keepFor), {})
  const putIf = (key: string, ifGeneration: string) => backend.set(key, storedAt(time, 'late'), { ifGeneration })
  const read = async (key: string) => textOf(await backend.get(key))
  const generation = async (key: string) => (await backend.get(key)).generation
  const pass = (ms: number) => {
    time += ms
  }
  return { backend, put, putIf, read, generation, pass }
}

describe('memoryBackend evicts', () => {
  it('the value not read or written for longest', async () => {
    const { backend, put, read } = made({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) await put(key)
    await read('a')
    await put('b', 'b again')
    await put('d')
    expect([await read('a'), await read('b'), await read('c'), await read('d')]).toEqual([
      'a',
      'b again',
      undefined,
      'd',
    ])
    expect(await backend.size()).toEqual({ entries: 3, bytes: 9 })
  })

  it('as many as a large value needs, and only those', async () => {
    const { backend, put, read } = made({ maxBytes: 10 })
    for (const key of ['a', 'b', 'c', 'd']) await put(key, key.repeat(2))
    await put('e', 'eeeee')
    expect([await read('a'), await read('b'), await read('c'), await read('d')]).toEqual([
      undefined,
      undefined,
      'cc',
      'dd',
    ])
    expect(await backend.size()).toEqual({ entries: 3, bytes: 9 })
  })

  it('nothing when a value is replaced by one that fits in its place', async () => {
    const { backend, put, read } = made({ maxEntries: 2, maxBytes: 4 })
    await put('a', 'aa')
    await put('b', 'bb')
    await put('a', 'AA')
    expect([await read('a'), await read('b')]).toEqual(['AA', 'bb'])
    expect(await backend.size()).toEqual({ entries: 2, bytes: 4 })
  })

  it('a value larger than the whole store at once: it leaves the others, and nothing older under its key', async () => {
    const { put, read, putIf } = made({ maxBytes: 4 })
    await put('a', 'aa')
    await put('b', 'bb')
    const generation = await put('a', 'too long')
    expect([await read('a'), await read('b')]).toEqual([undefined, 'bb'])
    expect(await putIf('a', generation ?? '')).toEqual(expect.any(String))
  })

  it('everything at once with maxEntries: 0, and writers are still told apart', async () => {
    const { backend, read, generation, putIf } = made({ maxEntries: 0 })
    const miss = await generation('k')
    expect(await putIf('k', miss)).toEqual(expect.any(String))
    expect(await putIf('k', miss)).toBeUndefined()
    expect(await read('k')).toBeUndefined()
    expect(await backend.size()).toEqual({ entries: 0, bytes: 0 })
  })

  it('and what was evicted has moved on: its refresh in the air is refused, a new look-up may write', async () => {
    const { put, putIf, generation } = made({ maxEntries: 1 })
    const held = await put('a')
    await put('b')
    expect(await putIf('a', held ?? '')).toBeUndefined()
    expect(await putIf('a', await generation('a'))).toEqual(expect.any(String))
  })

  it('without outdating the misses of other keys, so that a full store can be written to', async () => {
    const { put, putIf, generation } = made({ maxEntries: 2 })
    const keys = Array.from({ length: 100 }, (_, at) => `k${at}`)
    const misses = await Promise.all(keys.map(generation))
    await put('a')
    await put('b')
    const accepted = await Promise.all(keys.map((key, at) => putIf(key, misses[at] ?? '')))
    expect(accepted.filter((generation) => generation === undefined)).toEqual([])
  })
})

describe("memoryBackend with whenFull: 'reject'", () => {
  const full = (message: RegExp) => ({ operation: 'set', reason: 'full', message: expect.stringMatching(message) })

  it('rejects what does not fit, says what to do, and changes nothing', async () => {
    const { backend, put, read, putIf, generation } = made({ whenFull: 'reject', maxEntries: 2, maxBytes: 10 })
    await put('a', 'aa')
    const held = await put('b', 'bb')
    const miss = await generation('c')
    await expect(put('c')).rejects.toBeInstanceOf(BackendError)
    await expect(put('c')).rejects.toMatchObject(full(/full \(maxEntries: 2\).*Raise maxEntries/))
    await expect(put('b', 'too large')).rejects.toMatchObject(full(/9 bytes.*full \(maxBytes: 10\).*Raise maxBytes/))
    expect([await read('a'), await read('b'), await read('c')]).toEqual(['aa', 'bb', undefined])
    expect(await backend.size()).toEqual({ entries: 2, bytes: 4 })
    expect(await putIf('b', held ?? '')).toEqual(expect.any(String))
    await backend.delete('a', {})
    expect(await putIf('c', miss)).toEqual(expect.any(String))
  })

  it('makes room of what has run out before it rejects', async () => {
    const { put, pass, read } = made({ whenFull: 'reject', maxEntries: 3 })
    await put('short', 'x', 1000)
    await put('a')
    await put('b')
    pass(1000)
    await put('c')
    expect([await read('short'), await read('c')]).toEqual([undefined, 'c'])
  })
})

describe('memoryBackend keeps a value', () => {
  it('until keepUntil, and from then on misses it everywhere', async () => {
    const { backend, put, pass, read } = made()
    for (const key of ['a', 'b', 'c']) await put(key, key, 1000)
    pass(999)
    expect(await read('a')).toBe('a')
    pass(1)
    expect(await read('a')).toBeUndefined()
    expect((await backend.getMany(['b'])).map(textOf)).toEqual([undefined])
    expect(await backend.delete('b', {})).toMatchObject({ existed: false })
    expect(await backend.deletePrefix('')).toBe(0)
  })

  it('and one that has run out can be replaced by the refresh that began before', async () => {
    const { put, putIf, pass, read } = made()
    const held = await put('a', 'a', 1000)
    pass(1000)
    expect(await read('a')).toBeUndefined()
    expect(await putIf('a', held ?? '')).toEqual(expect.any(String))
    expect(await putIf('a', held ?? '')).toBeUndefined()
  })

  it('by the time of its writers, which a test may have moved: the clock of the machine says nothing', async () => {
    const backend = memoryBackend()
    const read = async (key: string) => textOf(await backend.get(key))
    await backend.set('a', storedAt(0, 'a', 60_000), {})
    await backend.set('b', storedAt(59_999, 'b', 60_000), {})
    expect([await read('a'), await read('b')]).toEqual(['a', 'b'])
    await backend.set('c', storedAt(60_000, 'c', 60_000), {})
    expect([await read('a'), await read('b'), await read('c')]).toEqual([undefined, 'b', 'c'])
  })

  it('no longer when others are written, although nobody asks for it again', async () => {
    const { backend, put, pass } = made()
    for (let key = 0; key < 100; key++) await put(`old ${key}`, 'x', 1000)
    pass(1000)
    for (let key = 0; key < 110; key++) await put(`new ${key}`, 'x')
    expect(await backend.size()).toEqual({ entries: 110, bytes: 110 })
  })
})

describe('memoryBackend refuses by name', () => {
  it.each([
    [{ maxEntries: -1 }, RangeError, /maxEntries.*whole number from 0, or Infinity.*-1/],
    [{ maxEntries: 1.5 }, RangeError, /maxEntries.*1\.5/],
    [{ maxBytes: Number.NaN }, RangeError, /maxBytes.*NaN/],
    [{ maxBytes: '10' }, TypeError, /maxBytes.*'10'/],
    [{ whenFull: 'wait' }, TypeError, /whenFull.*'evict' or 'reject'.*'wait'/],
    [{ now: 5 }, TypeError, /now.*a function.*5/],
    [{ maxEntry: 5 }, TypeError, /maxEntry.*one of maxEntries, maxBytes, whenFull, now/],
    [null, TypeError, /memoryBackend\(\)/],
  ])('%o', (options, kind, message) => {
    const make = () => memoryBackend(options as never)
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
  })

  it('a call after close(), and a call whose signal has fired', async () => {
    const { backend } = made()
    const reason = new Error('enough')
    await expect(backend.get('k', AbortSignal.abort(reason))).rejects.toBe(reason)
    await backend.close()
    const closed = { code: 'BACKEND', operation: 'get', reason: 'failed', message: expect.stringContaining('closed') }
    await expect(backend.get('k')).rejects.toMatchObject(closed)
  })
})

describe("memoryBackend as vantage-live's cache", () => {
  it('has pages below a key of the caller, with when they were fetched, and drops them by any prefix', async () => {
    const { backend, put, read } = made()
    expect(await backend.get('orders')).toEqual({ generation: expect.any(String), stored: undefined })
    for (const page of ['orders/1', 'orders/2', 'orders/21', 'customers/1']) await put(page)
    expect((await backend.get('orders/1')).stored?.fetchedAt).toBe(1_000_000)
    await put('orders/1', 'replaced')
    expect(await read('orders/1')).toBe('replaced')
    expect(await backend.deletePrefix('orders/2')).toBe(2)
    expect([await read('orders/1'), await read('orders/2')]).toEqual(['replaced', undefined])
    expect(await backend.deletePrefix('orders')).toBe(1)
    expect(await read('customers/1')).toBe('customers/1')
  })

  it('keeps nothing with maxEntries: 0, and a miss is no error', async () => {
    const { put, read } = made({ maxEntries: 0 })
    await put('orders/1')
    expect(await read('orders/1')).toBeUndefined()
  })
})
