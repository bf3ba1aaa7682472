/** Stands for LanceDB Cloud: the few endpoints that the client calls here, for who brings a valid token; 401 for others. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isValid, type Key } from '../credentials/api.ts'

const types: Readonly<Record<string, object>> = {
  id: { type: 'int64' },
  title: { type: 'string' },
  vector: { type: 'fixed_size_list', length: 3, fields: [{ name: 'item', type: { type: 'float' }, nullable: true }] },
}

export class RemoteApi {
  readonly #server = createServer((request, response) => this.#answer(request, response))
  readonly #keySet: string
  #keys: readonly Key[] = []
  #columns: readonly string[] = ['id', 'vector']
  accepted = 0
  rejected = 0
  /** requests for the schema of a table */
  describes = 0

  constructor(keySet: string) {
    this.#keySet = keySet
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    await this.reloadKeys()
  }

  /** After the issuer replaced its key: no token from before is valid any more. */
  async reloadKeys(): Promise<void> {
    const response = await fetch(this.#keySet)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    this.#keys = ((await response.json()) as { readonly keys: readonly Key[] }).keys
  }

  addColumn(name: string): void {
    this.#columns = [...this.#columns, name]
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (!isValid(token, this.#keys)) {
      this.rejected += 1
      response.writeHead(401).end('{"error":"invalid_token"}')
      return
    }
    this.accepted += 1
    const [, table, verb] = /^\/v1\/table\/([^/]+)\/(describe|count_rows)\/$/.exec(request.url ?? '') ?? []
    const body = verb === 'count_rows' ? 42 : verb === 'describe' ? this.#describe(table) : undefined
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { error: 'not found' }))
  }

  #describe(table: string | undefined): object {
    this.describes += 1
    const fields = this.#columns.map((name) => ({ name, type: types[name], nullable: true }))
    return { table, version: this.#columns.length, schema: { fields, metadata: {} } }
  }
}
