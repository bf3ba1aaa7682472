/**
 * Runs the tests of a fleet on Redis at length, and prints what they measured: 100 rounds, 10,000 random schedules with
 * faults. `--schedules=N`, `--seed=N`: so many, and which.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { schedules: { type: 'string', default: '10000' }, seed: { type: 'string', default: '20261201' } },
})
const { status } = spawnSync(
  process.execPath,
  [
    fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url)),
    'run',
    '--project=source',
    '--no-file-parallelism',
    'test/chaos',
  ],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, FLEET_LONG: '1', FLEET_SCHEDULES: values.schedules, FLEET_SEED: values.seed },
  },
)
process.exitCode = status ?? 1
