/** tieredBackend: the contract of a tier, write-through as oximedia has it, and a front that never knows better. */
import { BackendError, type CacheBackend } from 'evercurrent'
import { memoryBackend, tieredBackend } from 'evercurrent/backend/memory'
import { backendContract } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { type Gate, gatedBackend } from '../support/gated-backend.ts'
import { storedAt, textOf } from '../support/tier.ts'

const open: Gate = { pass: async () => {}, outcome: () => 'done', failure: () => new Error('unused') }
const broken: Gate = { ...open, outcome: () => 'before', failure: () => new Error('the front is down') }

describe.each<[string, () => CacheBackend]>([
  ['memory over memory', () => tieredBackend(memoryBackend(), memoryBackend())],
  ['a small front', () => tieredBackend(memoryBackend({ maxEntries: 2 }), memoryBackend())],
  ['a front that is full', () => tieredBackend(memoryBackend({ maxEntries: 2, whenFull: 'reject' }), memoryBackend())],
  ['a front that holds nothing', () => tieredBackend(memoryBackend({ maxEntries: 0 }), memoryBackend())],
  ['a front that always fails', () => tieredBackend(gatedBackend(memoryBackend(), broken), memoryBackend())],
  ['slow tiers', () => tieredBackend(gatedBackend(memoryBackend(), open), gatedBackend(memoryBackend(), open))],
  ['three tiers', () => tieredBackend(memoryBackend(), tieredBackend(memoryBackend(), memoryBackend()))],
])('tieredBackend with %s fulfils the contract of a tier:', (_, make) => {
  it.each(backendContract(make))('$name', ({ run }) => run())
})

/** Two tiers in memory; each call of one fails, once, with what is put in `failing`. */
const made = ({ front = memoryBackend(), back = memoryBackend() } = {}) => {
  const failing: { front?: Error | undefined; back?: Error | undefined; backAfter?: Error | undefined } = {}
  const calls: string[] = []
  const gate = (tier: 'front' | 'back'): Gate => ({
    pass: async () => {},
    outcome(operation) {
      calls.push(`${tier}.${operation}`)
      return failing[tier] ? 'before' : tier === 'back' && failing.backAfter ? 'after' : 'done'
    },
    failure: (outcome) => (outcome === 'before' ? failing[tier] : failing.backAfter),
  })
  const backend = tieredBackend(gatedBackend(front, gate('front')), gatedBackend(back, gate('back')))
  const put = async (key: string, text = key) => backend.set(key, storedAt(Date.now(), text), {})
  const read = async (key: string) => textOf(await backend.get(key))
  /** Which tiers were asked, and for what. */
  const during = async (call: () => Promise<unknown>) => {
    calls.length = 0
    await call().catch(() => {})
    return calls.join(' ')
  }
  return { backend, front, back, failing, put, read, during }
}

const down = () => new BackendError('no answer', { operation: 'set', reason: 'unreachable' })

describe('tieredBackend writes through', () => {
  it('stores in the back first and in the front second, and answers from the front', async () => {
    const { put, read, during, back } = made()
    expect(await during(() => put('k', 'v'))).toBe('back.set front.set')
    expect(textOf(await back.get('k'))).toBe('v')
    expect(await during(() => read('k'))).toBe('front.get')
    expect(await read('k')).toBe('v')
  })

  it('answers a miss of the front from the back, once: then the front has it', async () => {
    const { read, during, back } = made()
    await back.set('k', storedAt(Date.now(), 'v'), {})
    expect(await during(() => read('k'))).toBe('front.get back.get front.set')
    expect(await during(() => read('k'))).toBe('front.get')
    expect(await read('k')).toBe('v')
  })

  it('misses what neither has, and does not remember that', async () => {
    const { read, during } = made()
    expect(await read('k')).toBeUndefined()
    expect(await during(() => read('k'))).toBe('front.get back.get')
  })

  it('removes from both, and says whether either had it', async () => {
    const { backend, put, read, front, back } = made()
    await put('both')
    expect(await backend.delete('both', {})).toMatchObject({ existed: true })
    expect([textOf(await front.get('both')), textOf(await back.get('both')), await read('both')]).toEqual(Array(3))
    expect(await backend.delete('ghost', {})).toMatchObject({ existed: false })
    await back.set('only in the back', storedAt(Date.now()), {})
    expect(await backend.delete('only in the back', {})).toMatchObject({ existed: true })
    await put('only in the front')
    await back.delete('only in the front', {})
    expect(await backend.delete('only in the front', {})).toMatchObject({ existed: true })
    expect(await read('only in the front')).toBeUndefined()
  })

  it('evicts from the front alone: the back still answers', async () => {
    const { put, read, during, back } = made({ front: memoryBackend({ maxEntries: 3 }) })
    for (const key of ['a', 'b', 'c', 'd']) await put(key)
    expect(await back.size()).toMatchObject({ entries: 4 })
    expect(await during(() => read('a'))).toContain('back.get')
    expect(await read('a')).toBe('a')
  })

  it('overwrites in both', async () => {
    const { put, read, front, back } = made()
    await put('k', 'old')
    await put('k', 'new')
    expect([await read('k'), textOf(await back.get('k'))]).toEqual(['new', 'new'])
    expect(await front.size()).toMatchObject({ entries: 1 })
  })

  it('leaves the front untouched when the back is full, and raises its error', async () => {
    const { put, read, during, front } = made({ back: memoryBackend({ maxEntries: 1, whenFull: 'reject' }) })
    await put('first')
    const before = await front.size()
    await expect(put('second')).rejects.toMatchObject({ code: 'BACKEND', reason: 'full' })
    expect(await during(() => put('second'))).toBe('back.set')
    expect(await front.size()).toEqual(before)
    expect(await read('second')).toBeUndefined()
    expect(await during(() => read('first'))).toBe('front.get')
  })

  it('leaves the front untouched when the back fails, and raises its error', async () => {
    const { backend, failing, put, read, during, front } = made()
    await put('k', 'v')
    const before = textOf(await front.get('k'))
    failing.back = down()
    for (const call of [
      () => put('k', 'w'),
      async () => backend.delete('k', {}),
      async () => backend.deletePrefix(''),
    ]) {
      await expect(call()).rejects.toBe(failing.back)
      expect(await during(call)).not.toContain('front')
    }
    expect(textOf(await front.get('k'))).toBe(before)
    failing.back = undefined
    expect(await read('k')).toBe('v')
  })

  it('gives the generations and the size of the back', async () => {
    const { put, backend, back } = made()
    const generation = await put('k')
    expect((await back.get('k')).generation).toBe(generation)
    expect((await backend.get('k')).generation).toBe(generation)
    const joined = tieredBackend(memoryBackend(), back)
    expect(await joined.size?.()).toEqual(await back.size())
    expect('size' in tieredBackend(back, gatedBackend(back, open))).toBe(false)
  })
})

describe('tieredBackend does not trust the front', () => {
  it('after a write of which nobody knows what became, until the back has answered', async () => {
    const { failing, put, read, during } = made()
    await put('k', 'old')
    failing.backAfter = down()
    await expect(put('k', 'new')).rejects.toBe(failing.backAfter)
    await expect(read('k')).rejects.toBe(failing.backAfter)
    failing.backAfter = undefined
    expect(await read('k')).toBe('new')
    expect(await during(() => read('k'))).toBe('front.get')
  })

  it('after a prefix was deleted, or nobody knows', async () => {
    const { backend, failing, put, read } = made()
    await put('a')
    await put('b')
    failing.backAfter = down()
    await expect(backend.deletePrefix('a')).rejects.toBe(failing.backAfter)
    failing.backAfter = undefined
    expect([await read('a'), await read('b')]).toEqual([undefined, 'b'])
  })

  it('after it failed to take a change that the back has taken', async () => {
    const { backend, failing, put, read } = made()
    for (const key of ['set', 'deleted', 'below/k']) await put(key, 'old')
    failing.front = new Error('the front is down')
    expect(await put('set', 'new')).toEqual(expect.any(String))
    expect(await backend.delete('deleted', {})).toMatchObject({ existed: true })
    expect(await backend.deletePrefix('below/')).toBe(1)
    expect(await read('set')).toBe('new')
    failing.front = undefined
    expect([await read('set'), await read('deleted'), await read('below/k')]).toEqual(['new', undefined, undefined])
  })

  it('after the back refused a write: somebody else has moved it on', async () => {
    const { backend, put, read, back } = made()
    const generation = (await put('k', 'old')) ?? ''
    await back.set('k', storedAt(Date.now(), 'new'), {})
    expect(await backend.set('k', storedAt(Date.now(), 'late'), { ifGeneration: generation })).toBeUndefined()
    expect(await read('k')).toBe('new')
  })

  it('with what was in it before, or is not its own', async () => {
    const [front, back] = [memoryBackend(), memoryBackend()]
    await tieredBackend(front, back).set('k', storedAt(Date.now(), 'old'), {})
    await back.set('k', storedAt(Date.now(), 'new'), {})
    await front.set('foreign', storedAt(Date.now(), 'foreign'), {})
    await front.set('short', storedAt(Date.now(), ''), {})
    await front.set('long', { ...storedAt(Date.now()), bytes: new Uint8Array(50).fill(255) }, {})
    const anew = tieredBackend(front, back)
    expect(textOf(await anew.get('k'))).toBe('new')
    for (const key of ['foreign', 'short', 'long']) expect(textOf(await anew.get(key))).toBeUndefined()
  })

  it('when more than 1000 keys are in doubt, with any of them', async () => {
    const { failing, put, read, during } = made()
    await put('k', 'v')
    failing.backAfter = down()
    for (let key = 0; key < 1001; key++) await put(`k${key}`).catch(() => {})
    failing.backAfter = undefined
    expect(await during(() => read('k'))).toContain('back.get')
    expect([await read('k'), await read('k7')]).toEqual(['v', 'k7'])
  })
})

describe('tieredBackend close()', () => {
  it('closes both, once, and tells only what went wrong in the back', async () => {
    const closed: string[] = []
    const tier = (name: string, error?: Error): CacheBackend => ({
      ...memoryBackend(),
      name,
      async close() {
        closed.push(name)
        if (error) throw error
      },
    })
    const error = new Error('cannot')
    await tieredBackend(tier('front', error), tier('back')).close?.()
    const backend = tieredBackend(tier('front'), tier('back', error))
    await expect(backend.close?.()).rejects.toBe(error)
    await expect(backend.close?.()).rejects.toBe(error)
    expect(closed).toEqual(['front', 'back', 'front', 'back'])
    await expect(backend.get('k')).rejects.toMatchObject({ code: 'BACKEND', operation: 'get' })
  })
})
