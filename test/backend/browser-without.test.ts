/** browserBackend where a page has no IndexedDB, no Web Locks or no BroadcastChannel, as in a process of Node. */
import { CacheRegistry } from 'evercurrent'
import { browserBackend } from 'evercurrent/backend/browser'
import { jsonCodec } from 'evercurrent/codec'
import { backendContract, coordinatorContract } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'

describe('browserBackend without IndexedDB fulfils the contract of a tier:', () => {
  it.each(backendContract(() => browserBackend({ database: 'db' })))('$name', ({ run }) => run())
})

describe('its coordinator joins what shares it:', () => {
  const cases = coordinatorContract(async () => {
    const { coordinator } = browserBackend({ database: 'db' })
    // The first call tells that nothing is shared with other pages.
    await Promise.resolve(coordinator?.publish({ key: '', generation: '', origin: '' })).catch(() => {})
    return { connect: () => coordinator as never }
  })
  it.each(cases)('$name', ({ run }) => run())
})

describe('browserBackend without IndexedDB', () => {
  const program = (backend = browserBackend({ database: 'db' })) => {
    const registry = new CacheRegistry({ backend })
    let fetches = 0
    const fetch = async () => `v${++fetches}`
    const events: string[] = []
    registry.on((event) => void events.push('operation' in event ? `${event.kind} ${event.operation}` : event.kind))
    const texts = registry.define<string>({ type: 'text', ttl: '1m', codec: jsonCodec(), fetch })
    return { backend, registry, texts, events: () => events.filter((kind) => kind.startsWith('backend')) }
  }

  it('works in memory, and says so once', async () => {
    const { texts, registry, events } = program()
    expect(await texts.get('a')).toBe('v1')
    await texts.set('a', 'mine')
    expect(await texts.invalidate('a')).toBe(true)
    expect(await texts.find('a')).toBe(undefined)
    expect(await texts.get('b')).toBe('v2')
    await registry.flush()
    expect(events()).toEqual(['backend-failed lease'])
  })

  it('is shared by the registries of the page', async () => {
    const one = program()
    const other = program(one.backend)
    await one.texts.get('a')
    await one.registry.flush()
    expect(await other.texts.get('a')).toBe('v1')
    await one.texts.invalidate('a')
    expect(await other.texts.find('a')).toBe(undefined)
  })

  it.each([undefined, {}, { database: '' }, { database: 1 }, { database: 'db', version: 1 }])(
    'refuses %o as options, by name',
    (options) => {
      expect(() => browserBackend(options as never)).toThrow(/^Cannot use (database|version): expected/)
    },
  )
})
