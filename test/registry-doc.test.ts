/** The tables of docs/registry.md name every option and every call that there is, and no other. */
import { readFileSync } from 'node:fs'
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { describe, expect, it } from 'vitest'

const guide = readFileSync(new URL('../docs/registry.md', import.meta.url), 'utf8')

/** What the first column of the table with this heading names. */
const named = (heading: string): string[] => {
  const rows = guide.split(`\n| ${heading} |`)[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? []
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)/g)].map(([, name = '']) => name)).sort()
}
/** What an unknown option is told there is. */
const known = (attempt: () => unknown): string[] => {
  try {
    attempt()
  } catch (error) {
    return /one of ([\w, ]+)/.exec((error as TypeError).message)?.[1]?.split(', ') ?? []
  }
  return []
}
const callsOf = (made: object): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(made))
    .filter((name) => name !== 'constructor')
    .sort()

const registry = new CacheRegistry()
const ofRegistry = known(() => Reflect.construct(CacheRegistry, [{ unknown: 1 }]))
const ofType = known(() => registry.define({ type: 'a', ttl: 1, unknown: 1 } as never))
const ofCache = known(() => Reflect.construct(BackgroundCache, [{ unknown: 1 }]))

describe('docs/registry.md', () => {
  it('has every option of a registry, and no other', () => {
    expect(ofRegistry).toContain('maxEntries')
    expect(named('option of a registry')).toEqual([...ofRegistry].sort())
  })

  it('has every option of a type that a cache of one value has not, and no other', () => {
    expect(ofType).toContain('ttl')
    const own = ofType.filter((name) => !ofCache.includes(name) || name === 'fetch')
    expect(named('option of a type')).toEqual(own.sort())
  })

  it('says rightly that a type takes the policy options of a cache', () => {
    expect(ofCache.filter((name) => !ofType.includes(name) && !ofRegistry.includes(name))).toEqual([])
  })

  it('has every call of a type and of a registry, and no other', () => {
    expect(named('call of a type')).toEqual(callsOf(registry.define({ type: 'b', ttl: 1, fetch: () => 1 })))
    expect(named('call of a registry')).toEqual(callsOf(registry))
  })

  it('says of an entry that it has the calls of its type', () => {
    const users = registry.define({ type: 'c', ttl: 1, fetch: () => 1 })
    const ofMany = ['clear', 'entry', 'find', 'getMany', 'invalidatePrefix', 'keys', 'namespace', 'size', 'weak']
    const entry = callsOf(users.entry('a'))
    expect(callsOf(users).filter((name) => !entry.includes(name))).toEqual(ofMany)
  })
})
