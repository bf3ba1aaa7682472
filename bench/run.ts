/** `npm run bench [-- --quick] [scenario…]`: measures what README.md beside this file lists, and prints it as tables. */

import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleSize, install, installedRival } from './build.ts'
import { packageName } from './rivals/lru-cache.ts'
import { type Effort, measure } from './rounds.ts'
import { median, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'

const thorough: Effort = { casts: 3, rounds: 9, warmUpMs: 300, roundMs: 60 }
const quick: Effort = { casts: 1, rounds: 7, warmUpMs: 100, roundMs: 15 }
const sizeBar = 6000
const digits = { ns: 1, ms: 2, B: 0 }

const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })
const effort = values.quick ? quick : thorough
const known = [...Object.keys(scenarios), 'size']
for (const name of positionals) if (!known.includes(name)) throw new Error(`No scenario ${name}: ${known.join(', ')}`)
const isChosen = (name: string) => !positionals.length || positionals.includes(name)

const withRivals = (scenario: Scenario, isInstalled: boolean): Scenario =>
  isInstalled ? { ...scenario, contenders: { ...scenario.contenders, ...scenario.rivals } } : scenario

const verdict = (isMet: boolean) => (isMet ? 'met' : 'NOT MET')
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

function report({ title, unit, capturedFloor, bars }: Scenario, figures: ReadonlyMap<string, readonly number[]>) {
  const format = (figure: number) => figure.toFixed(digits[unit]).replace(/^-(?=[0.]+$)/, '')
  const middle = (contender: string) => median(figures.get(contender) ?? [])
  const [floor = ''] = figures.keys()
  const ratio = (value: number, to: string | undefined) =>
    to === undefined || middle(to) < 10 ** -digits[unit] ? '' : (value / middle(to)).toFixed(2)

  console.log(`\n## ${title}, ${unit}\n`)
  row('', 'median', 'min–max', '× floor', capturedFloor ? '× captured' : '', 'bar', '')
  row('---', '---:', '---:', '---:', '---:', '---', '---')
  for (const [contender, measured] of figures) {
    const value = middle(contender)
    const bar = bars?.[contender]
    row(
      contender,
      format(value),
      `${format(Math.min(...measured))}–${format(Math.max(...measured))}`,
      ratio(value, floor),
      ratio(value, capturedFloor),
      !bar ? '' : 'times' in bar ? `<= ${bar.times.toFixed(2)} × floor` : `<= floor + ${bar.above} ${unit}`,
      bar ? verdict(value <= ('times' in bar ? middle(floor) * bar.times : middle(floor) + bar.above)) : '',
    )
  }
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evercurrent-bench-')))
try {
  const { casts, rounds, roundMs } = effort
  const program = await install(folder)
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${new Date().toISOString()}`)
  console.log(
    `${casts * rounds} interleaved rounds of ${roundMs} ms, ${casts === 1 ? 'one process' : `${casts} processes`} per contender`,
  )

  const rival = installedRival()
  console.log(rival ?? `${packageName} is left out: npm ci --prefix bench installs it`)

  let asserted = 0
  for (const [name, scenario] of Object.entries(scenarios).filter(([name]) => isChosen(name))) {
    const figures = await measure(program, name, withRivals(scenario, rival !== undefined), effort)
    for (const measured of figures.values()) asserted += measured.length
    report(scenario, figures)
  }
  if (isChosen('size')) {
    const size = await bundleSize(folder, 'BackgroundCache', 'evercurrent')
    console.log('\n## Bundle of one import, B min+gzip\n')
    row('', 'size', 'bar', '')
    row('---', '---:', '---', '---')
    row('import { BackgroundCache }', String(size), `<= ${sizeBar}`, verdict(size <= sizeBar))
    if (rival)
      row(
        `import { LRUCache } from '${packageName}'`,
        String(await bundleSize(folder, 'LRUCache', packageName)),
        '',
        '',
      )
  }
  console.log(`\n${asserted} rounds, each asserted correct before it was timed.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
