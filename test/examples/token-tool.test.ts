/** The command of examples/13-token-between-runs.ts, where that does not go: a key that is no secret, and no issuer at all. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { endStartedExamples, startExample } from '../support/running-example.ts'

const deadline = 30_000
const folders: string[] = []

endStartedExamples()
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFiles(): { readonly database: string; readonly keyFile: string } {
  const folder = mkdtempSync(join(tmpdir(), 'evercurrent-tool-'))
  folders.push(folder)
  return { database: join(folder, 'tokens.db'), keyFile: join(folder, 'key') }
}

/** Nobody listens there. */
const start = ({ database, keyFile }: ReturnType<typeof newFiles>) =>
  startExample('examples/credentials/tool.ts', 'http://127.0.0.1:1/token', database, keyFile)

test.skipIf(process.platform === 'win32')(
  'a key file that others can read is refused, and not quoted',
  async () => {
    const files = newFiles()
    const secret = Buffer.alloc(32, 7).toString('base64')
    writeFileSync(files.keyFile, secret, { mode: 0o644 })
    const run = start(files)
    expect(await run.end).toBe(1)
    expect(run.output()).toContain('can be read by others')
    expect(run.output()).not.toContain(secret)
  },
  deadline,
)

test(
  'without an issuer the first run ends with its error, and leaves a key that only its owner can read',
  async () => {
    const files = newFiles()
    const run = start(files)
    expect(await run.end).toBe(1)
    expect(run.output()).toContain('fetch failed')
    expect(run.output()).not.toContain(readFileSync(files.keyFile, 'utf8'))
    if (process.platform !== 'win32') expect(statSync(files.keyFile).mode & 0o777).toBe(0o600)
    if (process.platform !== 'win32') expect(statSync(files.database).mode & 0o777).toBe(0o600)
  },
  deadline,
)
