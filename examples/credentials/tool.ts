/** A command that prints an access token: between its runs it is kept in a SQLite file, encrypted with a key of its own. */

import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { CacheRegistry } from 'evercurrent'
import { sqliteBackend } from 'evercurrent/backend/sqlite'
import { encrypted, jsonCodec } from 'evercurrent/codec'
import { type AccessToken, clientCredentials } from 'evercurrent/oauth'
import Database from 'libsql'
import { client } from './issuing.ts'

const [tokenEndpoint, databasePath, keyPath] = process.argv.slice(2)
if (!(tokenEndpoint && databasePath && keyPath)) throw new Error('usage: tool <token endpoint> <database> <key file>')

/** 256 bits in base64: from the environment, or from a file that only its owner can read. The first run makes it. */
function readSecret(path: string): Uint8Array<ArrayBuffer> {
  const { TOKEN_KEY } = process.env
  if (TOKEN_KEY) return new Uint8Array(Buffer.from(TOKEN_KEY, 'base64'))
  try {
    writeFileSync(path, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  // Windows has no such modes.
  if (process.platform !== 'win32' && statSync(path).mode & 0o077) throw new Error(`${path} can be read by others`)
  return new Uint8Array(Buffer.from(readFileSync(path, 'utf8'), 'base64'))
}

// The file of the database, too, is for its owner alone: when a token was fetched, and for whom, is not encrypted.
process.umask(0o077)
const key = await crypto.subtle.importKey('raw', readSecret(keyPath), 'AES-GCM', false, ['encrypt', 'decrypt'])
const database = new Database(databasePath)
const registry = new CacheRegistry({ backend: sqliteBackend({ database }) })
registry.on((event) => {
  if (event.kind === 'fetch-succeeded') console.error('a new token from the issuer')
  if (event.kind === 'stored-value-rejected') console.error('what is stored cannot be read with this key')
  if (event.kind === 'backend-failed') console.error(event.error)
})

const { name: _host, fetch, ...policy } = clientCredentials({ tokenEndpoint, ...client })
const tokens = registry.define<AccessToken>({
  ...policy,
  type: 'token',
  refreshWindow: 0, // a run is over before a refresh behind it would be
  codec: encrypted(jsonCodec<AccessToken>(), key),
  fetch: (_clientId, context, previous) => fetch(context, previous),
})
const { accessToken } = await tokens.get(client.clientId)
if (registry.stats().backendHits > 0) console.error('the token of an earlier run')
console.log(accessToken)
await registry.dispose() // waits until it is stored
database.close()
