/** `npm run bench -- --quick`, run for real: every contender does its work, and the tables can be read. No timing is judged. */

import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsx = createRequire(import.meta.url).resolve('tsx/cli')

/** All but those that fill a million rows, which run the code of `keyed-1e3` for ten times as long. */
const stampedes = ['stampede', 'stampede-allocated', 'stampede-kept', 'keyed-stampede', 'keyed-stampede-allocated']
const growth = ['growth-keys', 'growth-subscribers']
const timed = ['get', 'sync', ...stampedes, 'keyed-1e3', ...growth, 'import', 'size']
const scenes = ['dense', 'sparse', 'storm', 'outage', 'slow', 'token']

const bench = async (...names: readonly string[]) => {
  const command = [tsx, 'bench/run.ts', '--quick', '--alone', ...names]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root })
  return stdout
}
const rowsOf = (text: string) => text.split('\n').filter((line) => /^\| (?!---)\S/.test(line))

describe('npm run bench', () => {
  it('asserts every contender correct and prints a figure for each', async () => {
    const stdout = await bench(...timed)
    const [tables = '', bars = ''] = stdout.split('## Bars')
    const rows = rowsOf(tables)
    const figure = (cell = '') => Number(cell.replaceAll(',', ''))
    for (const row of rows) {
      const [, cell, range] = row.split(' | ')
      const [least, most] = (range ?? '').split('–')
      if (most === undefined) continue
      expect(figure(least), row).toBeLessThanOrEqual(figure(cell))
      expect(figure(cell), row).toBeLessThanOrEqual(figure(most))
    }
    for (const call of [
      'cache.get()',
      'cache.get(fetch)',
      'cache.peek()',
      'cache.tryGet()',
      'tables.get(key)',
      '100,000 idle keys',
      '10,000 subscribers',
      "import('evercurrent')",
    ]) {
      expect(
        rows.some((row) => row.includes(`${call} |`)),
        call,
      ).toBe(true)
    }
    expect(rowsOf(bars)).toHaveLength(15)
    for (const bar of rowsOf(bars)) expect(bar).toMatch(/\| (met|NOT MET) \|$/)
    expect(stdout).toMatch(/\n\d+ rounds, each asserted correct before it was timed\.\n$/)
  }, 120_000)

  it('plays the scenes in fake time, and evercurrent meets each bar that is a count', async () => {
    const stdout = await bench(...scenes)
    const [tables = '', bars = ''] = stdout.split('## Bars')
    expect(rowsOf(tables).filter((row) => row.startsWith('| evercurrent |'))).toHaveLength(scenes.length)
    expect(rowsOf(bars)).toHaveLength(7)
    for (const bar of rowsOf(bars)) expect(bar).toMatch(/\| met \|$/)
  }, 60_000)
})
