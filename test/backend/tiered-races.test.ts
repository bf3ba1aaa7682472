/** tieredBackend in drawn races: each step of either tier happens when the test says so. */
import type { CacheBackend } from 'evercurrent'
import { BackendError } from 'evercurrent'
import { memoryBackend, tieredBackend } from 'evercurrent/backend/memory'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { type Gate, gatedBackend } from '../support/gated-backend.ts'
import { settlement } from '../support/settlement.ts'
import { storedAt, textOf } from '../support/tier.ts'

/** Both tiers at a gate. A call passes it twice: before it acts, and before it answers. */
const made = async (before: Readonly<Record<string, string>>) => {
  let gated = false
  const waiting: { readonly step: string; readonly go: () => void }[] = []
  let failing = ''
  const gate = (tier: string): Gate => ({
    pass: (operation) =>
      gated ? new Promise<void>((go) => waiting.push({ step: `${tier}.${operation}`, go })) : Promise.resolve(),
    outcome: (operation) => (failing === `${tier}.${operation}` ? 'after' : 'done'),
    failure: () => new BackendError('no answer', { operation: 'set', reason: 'unreachable' }),
  })
  const back = memoryBackend()
  const backend: CacheBackend = tieredBackend(
    gatedBackend(memoryBackend(), gate('front')),
    gatedBackend(back, gate('back')),
  )
  for (const [key, text] of Object.entries(before)) await backend.set(key, storedAt(Date.now(), text), {})
  gated = true

  /** Lets the oldest call of each of these act and answer, one after the other. */
  const step = async (...steps: readonly string[]) => {
    for (const step of steps.flatMap((name) => [name, name])) {
      const at = waiting.findIndex((one) => one.step === step)
      expect(at, step).not.toBe(-1)
      waiting.splice(at, 1)[0]?.go()
      await flush()
    }
  }
  /** Lets it act, and keeps its answer. */
  const act = async (step: string) => {
    waiting
      .splice(
        waiting.findIndex((one) => one.step === step),
        1,
      )[0]
      ?.go()
    await flush()
  }
  const finish = async () => {
    gated = false
    while (waiting.length) {
      waiting.shift()?.go()
      await flush()
    }
  }
  const read = (key: string) => settlement(Promise.resolve(backend.get(key)).then(textOf))
  const put = (key: string, text: string) =>
    settlement(Promise.resolve(backend.set(key, storedAt(Date.now(), text), {})))
  const fail = (operation: string) => {
    failing = operation
  }
  return { backend, back, step, act, finish, read, put, fail }
}

describe('tieredBackend', () => {
  /**
   * read:  front.get (old) ──────────────────────── answer
   * write:                   back.set ── front.set
   */
  it('serves nothing that the front gave before a write which was accepted meanwhile', async () => {
    const { step, act, finish, read, put } = await made({ k: 'old' })
    const reading = read('k')
    await act('front.get')
    const writing = put('k', 'new')
    await step('back.set', 'front.set')
    await finish()
    expect(writing.state).toBe('fulfilled')
    expect(reading.value).toBe('new')
  })

  /**
   * delete: back.deletePrefix ──────────────── front.deletePrefix
   * read:                      front.get (old)
   */
  it('serves nothing below a prefix that the back has deleted and the front has not', async () => {
    const { backend, step, finish, read } = await made({ 'db/k': 'old' })
    const deleting = settlement(Promise.resolve(backend.deletePrefix('db/')))
    await step('back.deletePrefix')
    const reading = read('db/k')
    await step('front.get')
    await finish()
    expect(deleting.value).toBe(1)
    expect(reading.value).toBeUndefined()
  })

  /**
   * delete: (begins)                   back.deletePrefix ── front.deletePrefix
   * write:            back.set acts ──────────────────────────────────────── answers ── front.set
   */
  it('keeps nothing in the front that was written while its prefix was being deleted', async () => {
    const { backend, step, act, finish, read, put } = await made({})
    const deleting = settlement(Promise.resolve(backend.deletePrefix('db/')))
    const writing = put('db/k', 'v')
    await act('back.set')
    await step('back.deletePrefix', 'front.deletePrefix')
    expect(deleting.value).toBe(1)
    await finish()
    expect(writing.state).toBe('fulfilled')
    const after = read('db/k')
    await flush()
    expect(after.value).toBeUndefined()
  })

  /**
   * fill:  back.get acts (old) ──────────────────────────────────── answers ── front.set
   * all:                        deletePrefix('') fails, nobody knows
   */
  it('trusts no value that was on its way into the front when the whole front fell in doubt', async () => {
    const { backend, back, step, act, finish, read, fail } = await made({})
    await back.set('k', storedAt(Date.now(), 'old'), {})
    const filling = read('k')
    await step('front.get')
    await act('back.get')
    fail('back.deletePrefix')
    const deleting = settlement(Promise.resolve(backend.deletePrefix('')))
    await step('back.deletePrefix')
    expect(deleting.state).toBe('rejected')
    fail('')
    await finish()
    expect(filling.value).toBe('old')
    const after = read('k')
    await flush()
    expect(after.value).toBeUndefined()
  })

  /**
   * write: back.set acts (old) ──────────────────────────────────── answers ── front.set
   * all:                        deletePrefix('') fails, nobody knows
   */
  it('trusts no write that was on its way into the front when the whole front fell in doubt', async () => {
    const { backend, step, act, finish, read, put, fail } = await made({})
    const writing = put('k', 'old')
    await act('back.set')
    fail('back.deletePrefix')
    const deleting = settlement(Promise.resolve(backend.deletePrefix('')))
    await step('back.deletePrefix')
    expect(deleting.state).toBe('rejected')
    fail('')
    await finish()
    expect(writing.state).toBe('fulfilled')
    const after = read('k')
    await flush()
    expect(after.value).toBeUndefined()
  })

  /**
   * first:  front.get ── back.get (old) ───────────────────────────────────── front.set
   * write:                                back.set fails, it acted
   * second:                                                         front.get ─────────── back.get ── front.set (refused)
   */
  it('stays in doubt about a key while an older answer of the back is what the front has', async () => {
    const { back, step, finish, read, put, fail } = await made({})
    await back.set('k', storedAt(Date.now(), 'old'), {})
    const first = read('k')
    await step('front.get', 'back.get')
    fail('back.set')
    const writing = put('k', 'new')
    await step('back.set')
    expect(writing.state).toBe('rejected')
    fail('')
    const second = read('k')
    await step('front.get', 'front.set', 'back.get', 'front.set')
    expect([first.value, second.value]).toEqual(['old', 'new'])
    const after = read('k')
    await finish()
    expect(after.value).toBe('new')
  })
})
