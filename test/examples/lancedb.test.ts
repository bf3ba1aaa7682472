/** `npm run start:lancedb`, run for real where LanceDB is installed: its client, its header provider, and a cache of tokens. */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { endStartedExamples, startExample } from '../support/running-example.ts'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const json = (path: string) => JSON.parse(readFileSync(at(path), 'utf8'))
const isInstalled = existsSync(at('examples/lancedb/node_modules/.package-lock.json'))
/** Where everything has to pass, what is missing is a failure. */
const isDemanded = Boolean(process.env['CI'])
const reason = isInstalled ? '' : ' (not installed: npm ci --prefix examples/lancedb)'
const deadline = 45_000

endStartedExamples()

describe(`examples/lancedb${reason}`, () => {
  it.skipIf(!isInstalled && !isDemanded)(
    'the story ends well: no call fails, a rejected token costs one request, and the program ends by itself',
    async () => {
      expect(isInstalled, reason).toBe(true)
      const run = startExample('examples/lancedb/main.ts')
      expect(await run.end, run.output()).toBe(0)

      const [, requests, failed, calls, rejected, errors] = figures.exec(run.output())?.map(Number) ?? []
      expect(errors).toBe(0)
      expect(calls).toBeGreaterThan(16)
      expect(rejected).toBeGreaterThanOrEqual(1)
      expect(rejected).toBeLessThanOrEqual(8)
      expect(failed).toBeGreaterThanOrEqual(1)
      // The first, the one after the key was revoked, the short-lived one, and its successor.
      expect(requests).toBe(4 + Number(failed))
      expect(run.output().match(/^ *[\d.]+ s {2}held /gm)?.length).toBe(7)
      expect(run.output()).not.toContain('BROKEN')
    },
    deadline,
  )

  it('is the only one that needs LanceDB, in one exact version', () => {
    const { version } = json('examples/lancedb/package-lock.json').packages['node_modules/@lancedb/lancedb']
    expect(json('examples/lancedb/package.json').dependencies).toEqual({ '@lancedb/lancedb': version })
    expect(readFileSync(at('package-lock.json'), 'utf8')).not.toContain('lancedb')
  })
})

const number = String.raw`(\d+)`
const figures = new RegExp(
  `^figures: ${number} token requests \\(${number} failed\\), ${number} calls, ${number} with 401, ${number} errors$`,
  'm',
)
