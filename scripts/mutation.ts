/**
 * Runs Stryker over the core and fails for every mutant that survives without an argument in test/mutation, for every
 * argument that no survivor needs any more, and for too many of them. Any argument: only those files or folders.
 * `--short`: how a read is decided and how long a cool-down lasts (`state/read-plan.ts`, `policy/backoff.ts`).
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { equivalentMutants } from '../test/mutation/equivalent.ts'
import { judge, type Report, type Row } from '../test/mutation/judge.ts'

/** Of all mutants, at most this share may be argued away. */
const MOST_EQUIVALENT = 0.02
const FOLDERS = ['src/state', 'src/policy', 'src/fetch', 'src/cache']
const SHORT = ['src/state/read-plan.ts', 'src/policy/backoff.ts']

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const reportFile = here('coverage/mutation.json')

/** Stryker's exit code once it has mutated these paths; its report is in `reportFile` then. */
function mutate(paths: readonly string[], reporters: readonly string[]): Promise<number | null> {
  const patterns = paths.map((path) => (statSync(here(path)).isDirectory() ? `${path}/**/*.ts` : path))
  const stryker = spawn(
    process.execPath,
    [
      here('node_modules/@stryker-mutator/core/bin/stryker.js'),
      'run',
      ...['--mutate', patterns.join(','), '--reporters', reporters.join(',')],
    ],
    { cwd: here(''), stdio: ['ignore', 'inherit', 'inherit'] },
  )
  return new Promise((resolve) => stryker.on('close', resolve))
}

function printTable(rows: readonly Row[]) {
  const columns = ['mutants', 'killed', 'timeouts', 'equivalent', 'survived'] as const
  console.log(`\n${'file'.padEnd(28)}${columns.map((name) => name.padStart(11)).join('')}`)
  for (const row of rows) {
    console.log(row.file.padEnd(28) + columns.map((name) => String(row[name]).padStart(11)).join(''))
  }
}

const short = process.argv.includes('--short')
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const unknown = wanted.find((path) => !existsSync(here(path)) || !FOLDERS.some((folder) => path.startsWith(folder)))
if (unknown) throw new Error(`Cannot mutate ${unknown}: expected files or folders of ${FOLDERS.join(', ')}`)
const everything = !short && wanted.length === 0

rmSync(reportFile, { force: true })
const began = performance.now()
const code = await mutate(
  everything ? FOLDERS : short ? SHORT : wanted,
  short ? ['json'] : ['json', 'progress-append-only'],
)
if (code !== 0 || !existsSync(reportFile)) throw new Error(`Stryker left no report (exit code ${code})`)
const { rows, survivors, stale } = judge(JSON.parse(readFileSync(reportFile, 'utf8')) as Report, equivalentMutants)

const sum = (column: keyof Omit<Row, 'file'>) => rows.reduce((total, row) => total + row[column], 0)
printTable(rows)
const complaints = [
  ...survivors.map(
    ({ at, status, nth, ...mutant }) => `${status} at src/${mutant.file}:${at}, in the form of the list:
  ${JSON.stringify({ ...mutant, ...(nth > 1 && { nth }), because: '' })}`,
  ),
  ...stale.map(({ because, ...mutant }) => `Stale in the list, no such mutant survived: ${JSON.stringify(mutant)}`),
]
if (sum('mutants') === 0) complaints.push('There was nothing to mutate')
const most = Math.floor(MOST_EQUIVALENT * sum('mutants'))
if (everything && sum('equivalent') > most) {
  complaints.push(`${sum('equivalent')} mutants are argued away, at most ${most} of ${sum('mutants')} may be`)
}
for (const complaint of complaints) console.log(`\n${complaint}`)
const minutes = ((performance.now() - began) / 60_000).toFixed(1)
console.log(`
${sum('killed')} killed, ${sum('equivalent')} equivalent, ${sum('survived')} survived of ${sum('mutants')} in ${minutes} min`)
process.exitCode = complaints.length > 0 ? 1 : 0
