/** tieredBackend between processes: what others announce leaves its front. */
import type { Announcement } from 'evercurrent'
import { memoryBackend, memoryCoordinator, tieredBackend } from 'evercurrent/backend/memory'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { storedAt, textOf } from '../support/tier.ts'

describe('tieredBackend joined with others', () => {
  const publish = (message: Partial<Announcement>) => ({ key: 'k', generation: 'g', origin: 'other', ...message })

  /** Two processes: a front each, one back, one coordinator. */
  const two = async () => {
    const shared = { ...memoryBackend(), coordinator: memoryCoordinator() }
    const [one, other] = [tieredBackend(memoryBackend(), shared), tieredBackend(memoryBackend(), shared)]
    const heard: unknown[] = []
    await one.coordinator?.subscribe((message) => heard.push(message))
    const read = async (key: string) => textOf(await one.get(key))
    return { shared, one, other, heard, read }
  }

  it('serves what others wrote as soon as it is told, and before any listener is', async () => {
    const { one, other, read } = await two()
    for (const key of ['k', 'db/k', 'kept']) await one.set(key, storedAt(Date.now(), 'old'), {})
    for (const key of ['k', 'db/k', 'kept']) await other.set(key, storedAt(Date.now(), 'new'), {})
    const atOnce = new Map<string, string | undefined>()
    await one.coordinator?.subscribe(async (message) => {
      const { key } = message as Announcement
      atOnce.set(key, await read(key === 'k' ? 'k' : 'db/k'))
    })
    await other.coordinator?.publish(publish({ key: 'k' }))
    await other.coordinator?.publish(publish({ key: 'db/', prefix: true }))
    await flush()
    expect([atOnce.get('k'), atOnce.get('db/')]).toEqual(['new', 'new'])
    expect([await read('k'), await read('db/k'), await read('kept')]).toEqual(['new', 'new', 'old'])
  })

  it('keeps what it wrote itself when it hears of that', async () => {
    const { one, heard, shared, read } = await two()
    await one.set('k', storedAt(Date.now(), 'v'), {})
    await one.coordinator?.publish(publish({ origin: 'one' }))
    await flush()
    expect(heard).toEqual([publish({ origin: 'one' })])
    await shared.close()
    expect(await read('k')).toBe('v')
  })

  it('trusts nothing when messages were lost', async () => {
    let tell: ((message: 'lost-messages') => void) | undefined
    const coordinator = {
      ...memoryCoordinator(),
      subscribe(listener: typeof tell) {
        tell = listener
        return () => {}
      },
    }
    const shared = { ...memoryBackend(), coordinator }
    const backend = tieredBackend(memoryBackend(), shared)
    await backend.coordinator?.subscribe(() => {})
    await backend.set('k', storedAt(Date.now(), 'old'), {})
    await shared.set('k', storedAt(Date.now(), 'new'), {})
    expect(textOf(await backend.get('k'))).toBe('old')
    tell?.('lost-messages')
    expect(textOf(await backend.get('k'))).toBe('new')
  })

  it('trusts no write that was on its way into the front when messages were lost', async () => {
    const inner = memoryBackend()
    let tell: ((message: 'lost-messages') => void) | undefined
    const backend = tieredBackend(memoryBackend(), {
      ...inner,
      coordinator: {
        ...memoryCoordinator(),
        subscribe(listener) {
          tell = listener
          return () => {}
        },
      },
      async set(...args) {
        const generation = await inner.set(...args)
        await inner.set('k', storedAt(Date.now(), 'of another process'), {})
        tell?.('lost-messages')
        return generation
      },
    })
    await backend.coordinator?.subscribe(() => {})
    await backend.set('k', storedAt(Date.now(), 'own'), {})
    expect(textOf(await backend.get('k'))).toBe('of another process')
  })

  it('leases what the back’s coordinator leases, and has none without it', async () => {
    const { one, other } = await two()
    const { signal } = new AbortController()
    const lease = await one.coordinator?.lease('k', signal)
    const waiting = other.coordinator?.lease('k', signal)
    await lease?.release()
    expect(await waiting).toBeUndefined()
    expect(tieredBackend(memoryBackend(), memoryBackend()).coordinator).toBeUndefined()
  })
})
