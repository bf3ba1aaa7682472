/** `npm run bench [-- --quick] [name…]`: measures what README.md beside this file lists, prints it, and writes docs/benchmarks.md. */

import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { arePeersInstalled, install } from './build.ts'
import { fileOf, rivals } from './contenders.ts'
import { barTable, writeDocument } from './document.ts'
import { type Bar, barsOf, section } from './measured.ts'
import { playAll, sceneBars, sceneSection } from './played.ts'
import { type Effort, type Measured, measure } from './rounds.ts'
import { scenarios } from './scenarios/index.ts'
import { scenes } from './scenes/index.ts'
import { measureSizes, sizeBars, sizeSection, versions } from './sizes.ts'

const thorough: Effort = { casts: 2, rounds: 7, warmUpMs: 200, roundMs: 50 }
const quick: Effort = { casts: 1, rounds: 5, warmUpMs: 40, roundMs: 15 }
const quickScenes = ['sparse', 'storm']

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean' }, alone: { type: 'boolean' }, out: { type: 'string' } },
  allowPositionals: true,
})
const effort = values.quick ? quick : thorough
const known = [...Object.keys(scenes), ...Object.keys(scenarios), 'size']
for (const name of positionals) if (!known.includes(name)) throw new Error(`No scenario ${name}: ${known.join(', ')}`)
const isChosen = (name: string) => !positionals.length || positionals.includes(name)
const withPeers = arePeersInstalled() && !values.alone

const isWhole = !positionals.length && !values.quick && withPeers
const out = values.out ?? (isWhole ? fileURLToPath(new URL('../docs', import.meta.url)) : undefined)

const peerPackages = () =>
  Object.keys(JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).devDependencies)

const { casts, rounds, roundMs } = effort
const circumstances = [
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${new Date().toISOString().slice(0, 10)}.`,
  `${casts * rounds} interleaved rounds of ${roundMs} ms, ${casts === 1 ? 'one process' : `${casts} processes`} per contender.`,
  withPeers ? `${versions(peerPackages())}.` : 'Other packages are left out: npm ci --prefix bench installs them.',
]
console.log(circumstances.join('\n'))

const show = (text: string) => console.log(`\n${text}`)
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evercurrent-bench-')))
try {
  const program = await install(folder)
  const bars: Bar[] = []

  const chosenScenes = Object.keys(scenes).filter(
    (name) => isChosen(name) && (positionals.length || !values.quick || quickScenes.includes(name)),
  )
  const files = withPeers ? [...new Set(Object.values(fileOf))] : ['evercurrent']
  const played = await playAll(chosenScenes, chosenScenes.length ? files : [])
  for (const [name, seen] of played) show(sceneSection(name, seen))
  bars.push(...sceneBars(played))

  let asserted = 0
  const measured = new Map<string, ReadonlyMap<string, Measured>>()
  for (const [name, scenario] of Object.entries(scenarios).filter(([name]) => isChosen(name))) {
    const { isHeavy = false, rival, contenders } = scenario
    if (values.quick && isHeavy && !positionals.length && name.startsWith('keyed')) continue
    const others = rival && withPeers && !(values.quick && isHeavy) ? rivals : []
    const once = isHeavy ? { ...effort, casts: 1 } : effort
    const figures = await measure(program, name, scenario, [...Object.keys(contenders), ...others], once)
    for (const each of figures.values()) if (typeof each !== 'string') asserted += each.length
    measured.set(name, figures)
    bars.push(...barsOf(scenario, figures))
    show(section(scenario, figures))
  }

  const sizes = isChosen('size') ? await measureSizes(folder, withPeers) : []
  if (sizes.length) show(sizeSection(sizes))
  bars.push(...sizeBars(sizes))

  if (bars.length) show(`## Bars\n\n${barTable(bars)}`)
  show(`${asserted} rounds, each asserted correct before it was timed.`)
  if (out) {
    await writeDocument(out, { circumstances, played, measured, sizes, bars })
    show(`${join(out, 'benchmarks.md')} is written.`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
