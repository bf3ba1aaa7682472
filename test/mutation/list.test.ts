/** The list of equivalent mutants fits the source, and a mutation run is judged by it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type EquivalentMutant, equivalentMutants } from './equivalent.ts'
import { judge, placesOf, type Report } from './judge.ts'

describe('an equivalent mutant', () => {
  it.each(equivalentMutants)('has its place in src and an argument: $file $line', (mutant) => {
    const source = readFileSync(new URL(`../../src/${mutant.file}`, import.meta.url), 'utf8')
    expect(placesOf(mutant, source)).toBeGreaterThanOrEqual(mutant.nth ?? 1)
    expect(mutant.replacement).not.toBe(mutant.original)
    expect(mutant.because.length).toBeGreaterThan(30)
  })

  it('is listed once', () => {
    const names = equivalentMutants.map(({ because, ...name }) => JSON.stringify(name))
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('judge', () => {
  const source = 'export const a = (n) => n + 1\nexport const b = (n) => {\n  return n + 1\n}\n'
  const mutant = (status: string, replacement: string, from: [number, number], to: [number, number]) => {
    const place = ([line, column]: [number, number]) => ({ line, column })
    return { status, replacement, location: { start: place(from), end: place(to) } }
  }
  const report = (...mutants: Report['files'][string]['mutants']): Report => ({
    files: { 'src/a.ts': { source, mutants } },
  })
  const minus = (status: string) => mutant(status, 'n - 1', [1, 25], [1, 30])
  const empty = (status: string) => mutant(status, '{}', [2, 25], [4, 2])
  const entry = (some: Partial<EquivalentMutant> = {}): EquivalentMutant => ({
    file: 'a.ts',
    line: 'export const a = (n) => n + 1',
    original: 'n + 1',
    replacement: 'n - 1',
    because: 'of a reason',
    ...some,
  })

  it('takes a mutant that ran for ever for a killed one', () => {
    const { rows, survivors } = judge(report(minus('Killed'), empty('Timeout')), [])
    expect(rows).toEqual([{ file: 'src/a.ts', mutants: 2, killed: 2, timeouts: 1, equivalent: 0, survived: 0 }])
    expect(survivors).toEqual([])
  })

  it.each(['Survived', 'NoCoverage', 'RuntimeError'])('names a survivor as the list does: %s', (status) => {
    const { survivors } = judge(report(empty(status), minus(status)), [])
    expect(survivors).toEqual([
      { file: 'a.ts', line: entry().line, original: 'n + 1', replacement: 'n - 1', nth: 1, status, at: 1 },
      {
        file: 'a.ts',
        line: 'export const b = (n) => {',
        original: '{ return n + 1 }',
        replacement: '{}',
        nth: 1,
        status,
        at: 2,
      },
    ])
  })

  it('lets a listed mutant survive, and calls an entry stale that no survivor answers to', () => {
    const survived = report(minus('Survived'), empty('Killed'))
    expect(judge(survived, [entry()])).toMatchObject({ rows: [{ killed: 1, equivalent: 1 }], survivors: [], stale: [] })
    for (const wrong of [entry({ line: 'n + 1' }), entry({ replacement: 'n' }), entry({ nth: 2 })]) {
      expect(judge(survived, [wrong])).toMatchObject({ rows: [{ survived: 1 }], stale: [wrong] })
    }
    expect(judge(report(minus('Killed')), [entry()]).stale).toEqual([entry()])
    expect(judge(survived, [entry(), entry({ file: 'not-run.ts' })]).stale).toEqual([])
  })

  it('tells mutants apart that are alike', () => {
    const twice = report(minus('Killed'), minus('Survived'))
    expect(judge(twice, [entry()]).stale).toHaveLength(1)
    expect(judge(twice, [entry({ nth: 2 })])).toMatchObject({ survivors: [], stale: [] })
  })

  it('finds the place of an entry by its text', () => {
    expect(placesOf(entry(), source)).toBe(1)
    expect(placesOf(entry(), `\n\n  ${source}`)).toBe(1)
    expect(placesOf(entry(), source + source)).toBe(2)
    expect(placesOf(entry({ line: 'export const b = (n) => {', original: '{ return n + 1 }' }), source)).toBe(1)
    expect(placesOf(entry({ line: 'export const b = (n) => {' }), source)).toBe(0)
    expect(placesOf(entry(), source.replace('n + 1', 'n + 2'))).toBe(0)
  })
})
