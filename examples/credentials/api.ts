/** The API: a small HTTP server that answers who brings a valid token, and 401 to everybody else. */

import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BackgroundCache } from 'evercurrent'

export type Key = JsonWebKey & { readonly kid?: string }

export class Api {
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  /** The issuer's public keys are kept current too: the API goes on while the issuer is down. */
  readonly #keys: BackgroundCache<readonly Key[]>
  readonly #gate: Promise<void>
  /** Lets the requests for /slow be looked at, now and not when they arrived. */
  readonly openGate: () => void
  /** how many of those have arrived */
  slow = 0
  accepted = 0
  rejected = 0
  /** The day it no longer trusts the issuer. */
  refusesAll = false

  constructor(keySet: string) {
    let open = () => {}
    this.#gate = new Promise((resolve) => {
      open = resolve
    })
    this.openGate = open
    this.#keys = new BackgroundCache({
      name: 'keys',
      ttl: '10m',
      fetch: async ({ signal }): Promise<readonly Key[]> => {
        const response = await fetch(keySet, { signal })
        if (!response.ok) throw new Error(`HTTP ${response.status}`)
        return ((await response.json()) as { keys: Key[] }).keys
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    await this.#keys.get()
  }

  /** The operator's call after a key was revoked. */
  async reloadKeys(): Promise<void> {
    await this.#keys.refresh()
  }

  async stop(): Promise<void> {
    this.openGate()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
    this.#keys.dispose()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    if (request.url === '/slow') {
      this.slow += 1
      await this.#gate
    }
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const valid = !this.refusesAll && isValid(token, await this.#keys.get())
    if (valid) this.accepted += 1
    else this.rejected += 1
    response.writeHead(valid ? 200 : 401, valid ? {} : { 'www-authenticate': 'Bearer error="invalid_token"' })
    response.end(valid ? 'three orders' : undefined)
  }
}

/** Signature and expiry, which is what there is to know here; a real API would leave this to a library such as jose. */
export function isValid(token: string, keys: readonly Key[]): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.')
  try {
    const { kid, alg } = decoded(header)
    const { exp } = decoded(payload)
    const key = keys.find((known) => known.kid === kid)
    if (!key || alg !== 'ES256' || !(Number(exp) > Date.now() / 1000)) return false
    const publicKey = { key: createPublicKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
    return verify('sha256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}

function decoded(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
