/** What a mutation run proves: its survivors held against the list of equivalent mutants. */
import type { EquivalentMutant } from './equivalent.ts'

/** A mutant as the list names it. */
export type Named = Omit<EquivalentMutant, 'because' | 'nth'> & { readonly nth: number }

interface Place {
  readonly line: number
  readonly column: number
}

/** What is read of Stryker's JSON report; its lines and columns count from 1. */
export interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string
        readonly mutants: readonly {
          readonly status: string
          readonly replacement: string
          readonly location: { readonly start: Place; readonly end: Place }
        }[]
      }
    >
  >
}

export interface Row {
  readonly file: string
  readonly mutants: number
  readonly killed: number
  /** those among the killed that never came to an end */
  readonly timeouts: number
  readonly equivalent: number
  readonly survived: number
}

export interface Judgement {
  readonly rows: readonly Row[]
  readonly survivors: readonly (Named & { readonly at: number; readonly status: string })[]
  /** entries of the files that ran which no survivor answers to */
  readonly stale: readonly EquivalentMutant[]
}

const KILLED = new Set(['Killed', 'Timeout'])

const squeezed = (text: string): string => text.trim().replaceAll(/\s+/g, ' ')

const keyOf = ({ file, line, original, replacement, nth = 1 }: Omit<EquivalentMutant, 'because'>): string =>
  JSON.stringify([file, line, squeezed(original), squeezed(replacement), nth])

/** The text between two places. */
function between(lines: readonly string[], start: Place, end: Place): string {
  const cut = lines.slice(start.line - 1, end.line)
  cut.push((cut.pop() ?? '').slice(0, end.column - 1))
  cut[0] = (cut[0] ?? '').slice(start.column - 1)
  return cut.join('\n')
}

/** Every mutant under the name the list knows it by, in the order of the source. */
function* namedMutants(path: string, { source, mutants }: Report['files'][string]) {
  const file = path.replace(/^src\//, '')
  const lines = source.split('\n')
  const seen = new Map<string, number>()
  const inOrder = [...mutants].sort(
    ({ location: a }, { location: b }) => a.start.line - b.start.line || a.start.column - b.start.column,
  )
  for (const { status, replacement, location } of inOrder) {
    const line = (lines[location.start.line - 1] ?? '').trim()
    const original = squeezed(between(lines, location.start, location.end))
    const first = { file, line, original, replacement: squeezed(replacement), nth: 1 }
    const nth = (seen.get(keyOf(first)) ?? 0) + 1
    seen.set(keyOf(first), nth)
    yield { ...first, nth, status, at: location.start.line }
  }
}

/** A mutant that was neither killed nor argued away survived, also one that no test reached or that could not be run. */
export function judge({ files }: Report, list: readonly EquivalentMutant[]): Judgement {
  const unmatched = new Map(list.map((entry) => [keyOf(entry), entry]))
  const survivors: Judgement['survivors'][number][] = []
  const rows = Object.entries(files).map(([file, content]) => {
    const count = { killed: 0, timeouts: 0, equivalent: 0, survived: 0 }
    for (const mutant of namedMutants(file, content)) {
      if (mutant.status === 'Timeout') count.timeouts += 1
      if (KILLED.has(mutant.status)) count.killed += 1
      else if (unmatched.delete(keyOf(mutant))) count.equivalent += 1
      else {
        count.survived += 1
        survivors.push(mutant)
      }
    }
    return { file, mutants: content.mutants.length, ...count }
  })
  const stale = [...unmatched.values()].filter(({ file }) => `src/${file}` in files)
  return { rows, survivors, stale }
}

/** How often an entry's code stands in a source text, on a line such as it names. */
export function placesOf({ line, original }: EquivalentMutant, source: string): number {
  const lines = source.split('\n')
  const wanted = squeezed(original)
  const inLine = (index: number): number => {
    const rest = squeezed(lines.slice(index).join('\n'))
    const end = squeezed(lines[index] ?? '').length
    let count = 0
    for (let at = rest.indexOf(wanted); at >= 0 && at < end; at = rest.indexOf(wanted, at + 1)) count += 1
    return count
  }
  return lines.reduce((sum, text, index) => sum + (text.trim() === line ? inLine(index) : 0), 0)
}
