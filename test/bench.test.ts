/** `npm run bench -- --quick`, run for real: every contender does its work, and the tables can be read. No timing is judged. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const isRivalInstalled = existsSync(`${root}/bench/node_modules/lru-cache/package.json`)
const tsx = createRequire(import.meta.url).resolve('tsx/cli')

/** All but those that fill a million rows, which run the code of `keyed-1e3` for ten times as long. */
const stampedes = ['stampede', 'stampede-allocated', 'stampede-kept', 'keyed-stampede', 'keyed-stampede-allocated']
const chosen = ['get', 'sync', ...stampedes, 'keyed-1e3', 'import', 'size']

test('every benchmark asserts its contenders correct and prints a figure for each', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, 'bench/run.ts', '--quick', ...chosen], {
    cwd: root,
  })
  const rows = stdout.split('\n').filter((line) => /^\| (?!---)\S/.test(line))

  for (const row of rows) {
    const [name = '', ...cells] = row.split(' | ')
    if (name.startsWith('| import {')) continue
    const [median = NaN, min = NaN, max = NaN] = [cells[0], ...(cells[1]?.split('–') ?? [])].map(Number)
    expect(min, row).toBeLessThanOrEqual(median)
    expect(median, row).toBeLessThanOrEqual(max)
  }
  for (const call of [
    'cache.get()',
    'cache.get(fetch)',
    'cache.peek()',
    'cache.tryGet()',
    'tables.get(key)',
    "import('evercurrent')",
  ]) {
    expect(
      rows.some((row) => row.includes(`${call} |`)),
      call,
    ).toBe(true)
  }
  const ofRival = rows.filter((row) => row.includes('lru-cache'))
  const isLeftOut = stdout.includes('\nlru-cache is left out: npm ci --prefix bench installs it\n')
  // get, sync, five stampedes, keyed, import, size
  expect({ rows: ofRival.length, isLeftOut }, ofRival.join('\n')).toEqual(
    isRivalInstalled ? { rows: 10, isLeftOut: false } : { rows: 0, isLeftOut: true },
  )
  expect(rows.filter((row) => /\| (met|NOT MET) \|$/.test(row))).toHaveLength(8)
  expect(stdout).toMatch(/\n\d+ rounds, each asserted correct before it was timed\.\n$/)
}, 120_000)
