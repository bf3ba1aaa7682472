/** Writes docs/benchmarks.md and its charts from what one run has measured. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Chart, draw } from './charts.ts'
import { type Bar, column, section } from './measured.ts'
import { type Played, sceneSection } from './played.ts'
import type { Measured } from './rounds.ts'
import { median } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { type Size, sizeSection } from './sizes.ts'
import { table } from './table.ts'

export interface Results {
  /** machine, versions, effort */
  readonly circumstances: readonly string[]
  readonly played: Played
  readonly measured: ReadonlyMap<string, ReadonlyMap<string, Measured>>
  readonly sizes: readonly Size[]
  readonly bars: readonly Bar[]
}

export const barTable = (bars: readonly Bar[]): string =>
  table({
    head: ['', 'bar', 'measured', ''],
    rows: bars.map(({ what, bar, measured, isMet }) => [what, bar, measured, isMet ? 'met' : 'NOT MET']),
  })

const introduction = `# Benchmarks

Written by \`npm run bench\`, which takes about ten minutes on two cores, measures all of this anew on the machine it runs
on, and rewrites this file and its charts; \`npm ci --prefix bench\` installs the other packages. \`-- --quick\` is a look
in under a minute and writes nothing. How it is measured, and what to believe: [bench/README.md](../bench/README.md).

Each package is set up in one short file, \`bench/peers/<file>.ts\`, with the options that help it most. Whose result
counts when something is invalidated or set during a load is the subject of [comparison.md](comparison.md): how much of
what is asked there goes right is a row of its first table.

- **Scenes** are played in fake time: their figures are the same in every run and on every machine.
- **Speed** is measured in real time, one process per contender, their rounds interleaved; a contender is asserted correct
  before anything is timed. Compare within one table only.
- \`evercurrent\` refreshes when a read finds that a value is due; \`evercurrent-kept-fresh\` calls \`keepFresh()\`.
- \`tanstack\` is read by \`ensureQueryData({ revalidateIfStale })\`, \`tanstack-fetch\` by \`fetchQuery()\`;
  \`tanstack-observer\` loads on a timer, and its reads ask no clock: what is there is given, however old. lru-cache keeps
  the time in a field for a millisecond, so in these loops its reads ask no clock either.
`

/** Charts are made of what the tables say. */
function chartsOf({ played, measured }: Results): Readonly<Record<string, Chart>> {
  const medians = (name: string, index = 0, own = '') =>
    [...column(measured.get(name) ?? new Map(), index)]
      .filter(([contender]) => !contender.startsWith('floor') && (contender === own || !contender.includes('(')))
      .map(([contender, rounds]) => [contender === own ? 'evercurrent' : contender, median(rounds)] as const)
      .sort(([, a], [, b]) => a - b)
  const floorOf = (name: string) => {
    const [[, rounds] = ['', []]] = column(measured.get(name) ?? new Map(), 0)
    return median(rounds)
  }
  const seen = (
    name: string,
    pick: (each: { loads: number; pastTtl: number; blocked: number; errors: number }) => number,
  ) =>
    [...(played.get(name) ?? [])]
      .map(([contender, each]) => [contender, pick(each)] as const)
      .sort(([, a], [, b]) => a - b)
  return {
    warm: {
      title: 'Warm awaited read (dashed: the floor)',
      unit: 'ns, logarithmic',
      bars: medians('get', 0, 'await cache.get()'),
      isLogarithmic: true,
      floor: floorOf('get'),
    },
    stampede: {
      title: 'Stampede of 10,000 cold reads (dashed: one bare promise)',
      unit: 'ms, logarithmic',
      bars: medians('stampede', 0, 'await cache.get()'),
      isLogarithmic: true,
      floor: floorOf('stampede'),
    },
    memory: {
      title: 'Memory of an entry among a million, beyond its key',
      unit: 'bytes',
      bars: medians('keyed-1e6', 2, 'await tables.get(key)'),
    },
    storm: {
      title: 'Calls of a failing source in 5,000 reads',
      unit: 'calls, logarithmic',
      bars: seen('storm', ({ loads }) => loads),
      isLogarithmic: true,
    },
    sparse: {
      title: 'Sparse reads: those that waited or got a value past its TTL',
      unit: 'reads of 234',
      bars: seen('sparse', ({ blocked, pastTtl, errors }) => blocked + pastTtl + errors),
    },
  }
}

export async function writeDocument(folder: string, results: Results): Promise<void> {
  const charts = chartsOf(results)
  mkdirSync(join(folder, 'charts'), { recursive: true })
  for (const [name, chart] of Object.entries(charts)) {
    if (chart.bars.length) writeFileSync(join(folder, `charts/${name}.svg`), await draw(chart))
  }
  const picture = (name: string) =>
    charts[name]?.bars.length ? `\n![${charts[name].title}](charts/${name}.svg)\n` : ''
  const shown: Readonly<Record<string, string>> = { get: 'warm', stampede: 'stampede', 'keyed-1e6': 'memory' }
  const parts = [
    introduction,
    results.circumstances.join('  \n'),
    '## Bars\n\nWhat evercurrent sets itself. One that is not met is listed as such.',
    barTable(results.bars),
    '## Scenes',
    ...[...results.played].map(([name, seen]) => sceneSection(name, seen) + picture(name)),
    '## Speed',
    ...[...results.measured].map(([name, figures]) => {
      const scenario = scenarios[name]
      return scenario ? section(scenario, figures) + picture(shown[name] ?? '') : ''
    }),
    sizeSection(results.sizes),
  ]
  writeFileSync(join(folder, 'benchmarks.md'), `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`)
}
