/** `npm run simulate [-- --check]`: simulates everything and writes docs/simulations.md, the same in every run. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from '../table.ts'
import { models, variants } from './models.ts'
import { hitRates, type Outcome, simulate } from './simulate.ts'
import { traffic } from './traces.ts'

const { values } = parseArgs({ options: { check: { type: 'boolean' } } })
const document = fileURLToPath(new URL('../../docs/simulations.md', import.meta.url))

const seconds = (ms: number) => (ms / 1000).toFixed(1)
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(2)} %`
const head = ['', 'calls', 'waited', 'errors', 'age p50, s', 'p99, s', 'oldest, s']
const row = (name: string, { reads, calls, waited, errors, medianAge, oldAge, oldest }: Outcome) => [
  name,
  String(calls),
  percent(waited, reads),
  percent(errors, reads),
  ...[medianAge, oldAge, oldest].map(seconds),
]

const parts = [
  `# Simulations

Written by \`npm run simulate\`; every number is the same in every run, and \`npm run simulate -- --check\` fails if this file
would change. Time is virtual and all chance is seeded. A value may be a minute old; a load takes 0.1 to 1 s. *Waited* is
the share of reads that were not answered at once, *age* is counted from when the source gave the value.

evercurrent is its real code. The others are models of a policy, not of a package; which packages have that policy:

${Object.entries(models)
  .map(([name, { what }]) => `- **${name}**: ${what}`)
  .join('\n')}`,
]
for (const [name, make] of Object.entries(traffic)) {
  const trace = make()
  const rows: string[][] = []
  for (const [model, { start }] of Object.entries(models)) rows.push(row(model, await simulate(start, trace)))
  parts.push(
    `## Traffic: ${name}\n\n${trace.what}; ${trace.reads.length.toLocaleString('en')} reads.\n\n${table({ head, rows })}`,
  )
}

parts.push(
  '## The window\n\nHow long before its expiry a value is due. A longer one asks the source more often; a shorter one makes more readers wait.',
)
for (const name of ['steady', 'seldom', 'diurnal']) {
  const trace = (traffic[name] as NonNullable<(typeof traffic)[string]>)()
  const rows: string[][] = []
  for (const [variant, start] of Object.entries(variants)) rows.push(row(variant, await simulate(start, trace)))
  parts.push(`### ${name}\n\n${table({ head, rows })}`)
}

const rates = [...hitRates()]
const policies = [...(rates[0]?.[1].keys() ?? [])]
parts.push(
  `## Eviction

Share of hits where 2,000 keys have room, in 300,000 reads of 20,000 keys (or of the loop). The registry evicts what was
not used for longest (LRU).

${table({ head: ['', ...policies], rows: rates.map(([trace, by]) => [trace, ...[...by.values()].map((rate) => `${rate.toFixed(1)} %`)]) })}`,
)

const text = `${parts.join('\n\n')}\n`
if (!values.check) {
  writeFileSync(document, text)
  console.log('docs/simulations.md is written.')
} else if (!existsSync(document) || readFileSync(document, 'utf8') !== text) {
  console.error('docs/simulations.md is not what this run would write: npm run simulate')
  process.exitCode = 1
}
