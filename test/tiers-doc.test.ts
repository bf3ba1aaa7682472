/** The timeline of docs/tiers.md is what happens, and its tables name every reason, defect and event that there is. */
import { readFileSync } from 'node:fs'
import { type BackendError, type CacheBackend, type CacheEvent, CacheRegistry, type KeyedCache } from 'evercurrent'
import * as browser from 'evercurrent/backend/browser'
import * as memory from 'evercurrent/backend/memory'
import { memoryBackend } from 'evercurrent/backend/memory'
import * as redis from 'evercurrent/backend/redis'
import * as sqlite from 'evercurrent/backend/sqlite'
import { jsonCodec } from 'evercurrent/codec'
import { manualClock } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'

const guide = readFileSync(new URL('../docs/tiers.md', import.meta.url), 'utf8')

/** The cells of the table with this heading, without its head. */
const table = (heading: string): string[][] => {
  const rows = guide.split(`\n| ${heading} |`)[1]?.split('\n\n')[0]?.trim().split('\n').slice(2) ?? []
  return rows.map((row) => row.split('|').slice(1, -1))
}
const codes = (cell = ''): string[] => [...cell.matchAll(/`([\w-]+)/g)].map(([, name = '']) => name)
const named = (heading: string): string[] =>
  table(heading)
    .flatMap(([cell]) => codes(cell))
    .sort()

describe('docs/tiers.md', () => {
  it.each([0, 0.25, 0.5, 0.75, 0.999])(
    'tells what a restart and an outage are like, whatever is drawn: %d',
    async (drawn) => {
      const [, from = Number.NaN, to = Number.NaN] =
        /is down from t = (\d+) s to t = (\d+) s/.exec(guide)?.map(Number) ?? []
      const line = /^t = +(\d+) s +process (\d) +get\(\) +(waits 200 ms|v\d at once(?:, stale)?)(?= {2}|$)/gm
      const told = [...guide.matchAll(line)]
      expect(told).toHaveLength(9)

      const clock = manualClock()
      const backend = memoryBackend()
      let version = 0
      const fetch = async (_key: string) => {
        const second = clock.now() / 1000
        await new Promise<void>((resolve) => clock.after(200, resolve))
        if (second >= from && second < to) throw new Error('down')
        return `v${++version}`
      }
      const policy = { ttl: '30s', refreshWindow: '5s', staleIfError: '10m' } as const
      const registries = new Map<string, CacheRegistry>()
      const programs = new Map<string, KeyedCache<string, string>>()
      for (const [, at, which = '', outcome] of told) {
        await clock.advance(Number(at) * 1000 - clock.now())
        if (which === '2') await registries.get('1')?.dispose()
        const registry = registries.get(which) ?? new CacheRegistry({ backend, clock, random: () => drawn })
        const program =
          programs.get(which) ?? registry.define({ ...policy, type: 'schema', codec: jsonCodec<string>(), fetch })
        registries.set(which, registry)
        programs.set(which, program)
        const began = clock.now()
        let got = ''
        const read = program.read('orders').then(({ value, stale }) => {
          got = clock.now() > began ? `waits ${clock.now() - began} ms` : `${value} at once${stale ? ', stale' : ''}`
        })
        await clock.advance(0)
        while (!got) await clock.advance(10)
        await read
        expect(`${at} s: ${got}`).toBe(`${at} s: ${outcome}`)
      }
      expect(version).toBe(2)
      expect(programs.get('3')?.peek('orders')).toBe('v2')
      const { fetches, fetchFailures } = registries.get('3')?.stats() ?? {}
      expect(fetches).toBeGreaterThan(0)
      expect(fetchFailures).toBe(fetches)
    },
  )

  it('shows a key as it is in the tier', async () => {
    const keys: string[] = []
    const plain = memoryBackend()
    const backend: CacheBackend = {
      ...plain,
      set(key, stored, options) {
        keys.push(key)
        return plain.set(key, stored, options)
      },
    }
    const registry = new CacheRegistry({ backend, namespace: 'acme' })
    await registry.define<string>({ type: 'schema', ttl: '1m', codec: jsonCodec() }).set('orders', 'id')
    expect(keys).toEqual([/`(n4:[^`]+)`/.exec(guide)?.[1]])
  })

  it('has every reason of a BackendError, and no other', () => {
    const reasons: Record<BackendError['reason'], true> = { full: true, unreachable: true, refused: true, failed: true }
    expect(named('`reason`')).toEqual(Object.keys(reasons).sort())
  })

  it('has every defect of stored bytes, and no other', () => {
    const defects: Record<Extract<CacheEvent, { kind: 'stored-value-rejected' }>['because'], true> = {
      foreign: true,
      truncated: true,
      flipped: true,
      'other-key': true,
      'other-type': true,
      'newer-version': true,
      future: true,
      schema: true,
    }
    expect(named('`because`')).toEqual(Object.keys(defects).sort())
  })

  it('has every event of a tier, and no other', () => {
    const kinds: Record<Extract<CacheEvent['kind'], `backend-${string}` | `stored-${string}`>, true> = {
      'backend-failed': true,
      'backend-suspended': true,
      'backend-resumed': true,
      'stored-value-rejected': true,
    }
    expect(named('`kind`')).toEqual(Object.keys(kinds).sort())
  })

  it('has every backend there is', () => {
    const made = [memory, sqlite, redis, browser].flatMap(Object.keys).filter((name) => name.endsWith('Backend'))
    expect(named('backend')).toEqual(made.sort())
  })

  it('says of every call of a type and of a registry what it means, but of those that give another view', () => {
    const registry = new CacheRegistry()
    const calls = [registry, registry.define({ type: 'a', ttl: 1, fetch: () => 1 })].flatMap((made) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(made)),
    )
    const views = ['constructor', 'define', 'disposed', 'entry', 'inspect', 'namespace', 'on', 'stats', 'weak']
    const expected = [...new Set(calls)].filter((name) => !views.includes(name))
    expect(named('call')).toEqual(expected.sort())
  })
})
