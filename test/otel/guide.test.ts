/** docs/observability.md has every metric that there is, as it is exported, under names that follow the conventions. */
import { readFileSync } from 'node:fs'
import { BackendError, CacheRegistry, type Fact } from 'evercurrent'
import { instrument, type MeterLike } from 'evercurrent/otel'
import { describe, expect, it } from 'vitest'
import { fakeSource, sdkMeter } from '../support/metrics.ts'

const guide = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')

const rows = (heading: string): string[][] => {
  const table = guide.split(`\n| ${heading} |`)[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? []
  return table.map((row) => row.split('|').slice(1, -1))
}
const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** Every instrument that is made of a meter: its kind, as the guide says it, and its unit. */
function instruments(): Map<string, { readonly kind: string; readonly unit: string | undefined }> {
  const made = new Map<string, { readonly kind: string; readonly unit: string | undefined }>()
  const create =
    (kind: string) =>
    (name: string, options: { unit?: string } = {}) => {
      made.set(name, { kind, unit: options.unit })
      return { add() {}, record() {}, addCallback() {} }
    }
  const meter: Required<MeterLike> = {
    createCounter: create('counter'),
    createHistogram: create('histogram'),
    createObservableCounter: create('observable counter'),
    createObservableUpDownCounter: create('observable up-down counter'),
    createObservableGauge: create('observable gauge'),
  }
  instrument(fakeSource().source, meter)()
  return made
}

const failure = new BackendError('down', { operation: 'get', reason: 'unreachable' })
const facts: readonly Fact[] = [
  { kind: 'fetch-started', reason: 'first' },
  { kind: 'fetch-succeeded', reason: 'first', tookMs: 1, changed: true },
  { kind: 'fetch-failed', reason: 'first', tookMs: 1, error: failure, class: 'retry', nextAttemptAt: 0 },
  { kind: 'fetch-discarded', because: 'set' },
  { kind: 'slower-than-ttl', tookMs: 2, ttlMs: 1 },
  { kind: 'served-stale', age: 1 },
  { kind: 'evicted' },
  { kind: 'backend-failed', operation: 'get', error: failure },
  { kind: 'stored-value-rejected', because: 'flipped' },
]

/** The attributes that each metric is exported with, when everything there is has happened. */
async function exported(): Promise<Map<string, string[]>> {
  const { meter, read } = sdkMeter()
  const registry = new CacheRegistry({ maxBytes: 1000 })
  instrument(registry, meter)
  await registry.define<number>({ type: 'a', ttl: '1m' }).set('k', 1)
  const { source, tell } = fakeSource()
  instrument(source, meter)
  for (const fact of facts) tell(fact, { type: 'a', key: ['k'] })
  tell({ kind: 'listener-failed', error: 1 })
  tell({ kind: 'backend-suspended', until: 1 })
  const all = [...(await read())].map(([name, { points }]) => {
    const attributes = points.flatMap(({ attributes }) => Object.keys(attributes))
    return [name, [...new Set(attributes)].sort()] as const
  })
  return new Map(all)
}

describe('docs/observability.md', () => {
  const table = rows('name | instrument | unit | attributes | counts')

  it('has every metric with its instrument and its unit, and no other', () => {
    const told = table.map(([name, kind = '', unit]) => [quoted(name)[0], { kind: kind.trim(), unit: quoted(unit)[0] }])
    expect(told).not.toEqual([])
    expect(told.sort()).toEqual([...instruments()].sort())
  })

  it('has the attributes that each metric is exported with, and no other', async () => {
    const told = table.map(([name, , , attributes]) => [quoted(name)[0], quoted(attributes).sort()])
    expect(told.sort()).toEqual([...(await exported())].sort())
  })

  it('explains every attribute', async () => {
    const known = [...new Set([...(await exported()).values()].flat()), 'evercurrent.namespace']
    expect(
      rows('attribute | is')
        .flatMap(([name]) => quoted(name))
        .sort(),
    ).toEqual(known.sort())
  })

  it('has alerts on metrics and attributes that exist', async () => {
    const rules = guide.split('```yaml')[1]?.split('```')[0] ?? ''
    const suffix = { counter: '_total', 'observable counter': '_total', histogram: '_seconds_bucket' }
    const underscored = (name: string) => name.replaceAll('.', '_')
    const names = [...instruments()].map(
      ([name, { kind }]) => underscored(name) + (suffix[kind as keyof typeof suffix] ?? ''),
    )
    const attributes = [...new Set([...(await exported()).values()].flat())].map(underscored)
    const used = rules.match(/\b(evercurrent|error)_\w+/g) ?? []
    expect(used.length).toBeGreaterThan(20)
    expect(used.filter((name) => !names.includes(name) && !attributes.includes(name))).toEqual([])
  })
})

describe('the names', () => {
  const metrics = [...instruments().keys()]

  it('are lower case, in dotted namespaces below evercurrent, and no name is the namespace of another', async () => {
    const attributes = [...new Set([...(await exported()).values()].flat())].filter((name) => name !== 'error.type')
    const names = [...metrics, ...attributes, 'evercurrent.namespace']
    expect(names.filter((name) => !/^evercurrent(\.[a-z]+(_[a-z]+)*)+$/.test(name))).toEqual([])
    expect(names.filter((name) => names.some((other) => other.startsWith(`${name}.`)))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  it('have units of UCUM, seconds and bytes without a prefix, and counts of one thing in braces', () => {
    const units = [...instruments().values()].map(({ unit = '' }) => unit)
    expect(units.filter((unit) => !/^(s|By|\{[a-z]+\})$/.test(unit))).toEqual([])
    expect(units.filter((unit) => /s\}$/.test(unit))).toEqual([])
  })

  it('do not repeat their unit, nor end in total', () => {
    expect(metrics.filter((name) => /_?(seconds|bytes|total|ms)$/.test(name))).toEqual([])
  })
})
