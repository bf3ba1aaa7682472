/** Runs the tests and ends with one line of counts, also when the runner crashes, hangs or finds nothing to run. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LIMIT_MS = 20 * 60_000

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { status: string }[] }[]
}

const read = (file: string): Report | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** A file that failed without a failing test in it: it could not be loaded, or one of its hooks threw. */
const brokenFiles = (report: Report): number =>
  report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length

const folder = mkdtempSync(join(tmpdir(), 'evercurrent-test-'))
const file = join(folder, 'report.json')
const filters = process.argv.slice(2)
const runner = spawn(
  process.execPath,
  [
    fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url)),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...(filters.length === 0 ? ['--coverage'] : filters),
  ],
  { stdio: ['ignore', 'inherit', 'inherit'], detached: true },
)

let complaint: string | undefined
const kill = (why: string) => {
  complaint = why
  if (runner.pid !== undefined) process.kill(-runner.pid, 'SIGKILL')
}
const limit = setTimeout(() => kill(`the tests did not end within ${LIMIT_MS / 60_000} minutes`), LIMIT_MS)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => kill(`stopped by ${signal}`))
runner.on('error', (error) => kill(`the test runner did not start: ${error.message}`))

runner.on('close', (code, signal) => {
  clearTimeout(limit)
  const report = read(file)
  rmSync(folder, { recursive: true, force: true })

  const passed = report?.numPassedTests ?? 0
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  let failed = report === undefined ? 0 : report.numFailedTests + brokenFiles(report)
  if (failed === 0) {
    if (report === undefined) complaint ??= `the test runner left no report (${signal ?? `exit code ${code}`})`
    else if (passed === 0) complaint ??= 'no test was executed'
    else if (code !== 0) complaint ??= 'every test passed, but the run failed: coverage, or an error outside a test'
  }
  if (complaint !== undefined) {
    failed += 1
    console.log(`\nCounted as a failure: ${complaint}`)
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  process.exitCode = failed > 0 ? 1 : 0
})
