/** `npm run compare`, run for real on what needs no other package: evercurrent, and a cache that is wrong on purpose. */

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Contender } from '../bench/compare/contender.ts'
import { files } from '../bench/compare/contenders.ts'
import { examine } from '../bench/compare/examine.ts'
import { operations, paths } from '../bench/compare/in-flight.ts'
import { states } from '../bench/compare/outage.ts'
import { report, section, wrongs } from '../bench/compare/report.ts'
import { contenders } from '../bench/peers/evercurrent.ts'
import { lateWriter } from './support/late-writer.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const text = (path: string) => readFileSync(`${root}/${path}`, 'utf8')
const tsx = createRequire(import.meta.url).resolve('tsx/cli')
const document = text('docs/comparison.md')
const versionOf = () => JSON.parse(text('package.json')).version

const own = await examine(async () => contenders)
const [ownFindings] = own
const allCases = Object.keys(operations).length * Object.keys(paths).length + Object.keys(states).length

describe('evercurrent in the comparison', () => {
  it('offers every operation on every path and every state of an outage', () => {
    expect(ownFindings?.findings).toHaveLength(allCases)
  })

  it('gives no later reader the result of an old load (L6, L7, L8)', () => {
    for (const finding of ownFindings?.findings ?? [])
      if (finding.experiment === 'in-flight') {
        expect(finding, `${finding.operation} ${finding.path}`).toMatchObject({ isRight: true, unhandled: [] })
        expect([finding.asked, finding.held, finding.next, finding.later]).not.toContain('OLD')
      }
  })

  it('calls a source that is down at most twice in ten reads, whatever is held (L12)', () => {
    const outages = ownFindings?.findings.flatMap((each) => (each.experiment === 'outage' ? [each] : [])) ?? []
    expect(outages.map(({ state }) => state)).toEqual(Object.keys(states))
    for (const { callsInTenReads, calls, values, state, unhandled } of outages) {
      expect(unhandled).toEqual([])
      expect(callsInTenReads).toBeGreaterThan(0)
      expect(callsInTenReads).toBeLessThanOrEqual(2)
      expect(calls).toBeLessThanOrEqual(6)
      expect(values).toBe(state === 'expired' ? 0 : 1000)
    }
  })

  it('has the rows in docs/comparison.md that this run sees', () => {
    const rows = ownFindings ? section(ownFindings, versionOf) : 'none'
    expect(document).toContain(rows)
    const summary = report(own, versionOf, '')
      .split('\n')
      .filter((line) => line.startsWith('| [evercurrent]'))
    expect(summary).toHaveLength(2)
    for (const line of summary) expect(document).toContain(line)
  })

  it('is examined by the command alone, which tells its steps and needs no other package', async () => {
    const command = [tsx, 'bench/compare/run.ts', 'evercurrent', 'invalidate', 'first-load']
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root })
    expect(stdout).toMatch(/load 1 answers OLD\n.*next reader: no answer; 1 load started\n.*\n +right\n/s)
  })
})

describe('a cache that is wrong', () => {
  it('is found on every path it is wrong on, and marked in its rows', async () => {
    const [findings] = await examine(async () => [lateWriter])
    if (!findings) throw new Error('no findings')
    const found = wrongs(findings).map((line) => line.split(':')[0])
    for (const path of Object.keys(paths))
      for (const operation of ['invalidate', 'read-after-invalidate', 'set', 'expire', 'refresh'])
        expect(found).toContain(`late-writer ${operation} ${path}`)

    const rows = section(findings, versionOf).split('\n')
    const rowOf = (words: string) => rows.find((row) => row.includes(`-- late-writer ${words}\``))
    expect(rowOf('set by-read')).toContain('| OLD | OLD | OLD | 1 | **wrong** |')
    expect(rowOf('outage-due')).toContain(
      '| due | 10 | 1000 | the value: 1000 | **wrong**: every read calls; **then an unhandled rejection**: Error: source down |',
    )
    expect(rowOf('outage-expired')).toContain('| expired | 10 | 1000 | Error: source down: 1000 | every read calls |')
  })

  it('that gives readers an error while a value may be served is marked for that', async () => {
    const refusing = {
      ...lateWriter,
      async start(load: () => Promise<string>) {
        const subject = await lateWriter.start(load)
        return { ...subject, read: () => (subject.peek?.() === undefined ? subject.read() : subject.refresh?.()) }
      },
    }
    const [findings] = await examine(async () => [refusing], ['outage-due'])
    expect(findings && wrongs(findings)).toEqual([
      'late-writer outage-due: **wrong**: every read calls; a value that may be served is refused',
    ])
  })

  it('that keeps what comes first is found by letting the old load answer first', async () => {
    const firstWins: Contender = {
      ...lateWriter,
      start(load) {
        let held: string | undefined
        const read = async () => {
          if (held !== undefined) return held
          const value = await load()
          held ??= value
          return value
        }
        return {
          read,
          invalidate() {
            held = undefined
          },
        }
      },
    }
    const [findings] = await examine(async () => [firstWins], ['read-after-invalidate', 'first-load'])
    expect(findings && wrongs(findings)).toEqual([
      'late-writer read-after-invalidate first-load: **wrong**: when the old load answers first',
    ])
  })

  it('that never loads is an error, and no row', async () => {
    const idle = { ...lateWriter, start: () => ({ read: () => 'made up' }) }
    await expect(examine(async () => [idle], ['outage-due'])).rejects.toThrow('the reader got made up, 0 loads')
  })
})

describe('docs/comparison.md', () => {
  it('has a section and two summary rows for every contender, and a file stands behind each', () => {
    const modules = readdirSync(`${root}/bench/peers`).filter((name) => name.endsWith('.ts'))
    expect(modules.map((name) => name.replace('.ts', '')).sort()).toEqual(Object.keys(files).sort())
    for (const name of Object.values(files).flat()) {
      expect(document).toContain(`\n### ${name}\n`)
      expect(document.split('\n').filter((line) => line.startsWith(`| [${name}](`))).toHaveLength(2)
    }
  })

  it('names beside every row the command that reproduces it', () => {
    const rows = document.split('\n').filter((line) => /^\| (?!---|meanwhile|held|\s)/.test(line))
    const described = rows.filter((line) => /^\| (\[|\S+ \| .*\| (\*\*wrong|right|calm|every))/.test(line))
    expect(described.length).toBeGreaterThan(150)
    for (const row of described) expect(row).toMatch(/`npm run compare -- [a-z-]+ [a-z- ]+` \|$/)
  })
})
