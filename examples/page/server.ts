/** The page and its small JSON API over HTTP, for this machine alone. */

import { once } from 'node:events'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { type Backstage, type Condition, conditions } from './backstage.ts'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** What a request asks of the backstage; what it gives is the answer, as JSON. */
type Route = (ask: {
  readonly backstage: Backstage
  readonly name: string
  readonly request: IncomingMessage
  readonly signal: AbortSignal
}) => unknown

const routes: Readonly<Record<string, Route>> = {
  'GET state': ({ backstage }) => backstage.state,
  'GET tables': ({ backstage, name, signal }) => backstage.describe(name, signal),
  'POST tables': async ({ backstage, name }) => ({ column: await backstage.alter(name) }),
  'GET token': ({ backstage, signal }) => backstage.token(signal),
  'POST key': async ({ backstage }) => {
    await backstage.rotateKey()
    return {}
  },
  'GET config': ({ backstage, signal }) => backstage.config(signal),
  'PUT config': async ({ backstage, request }) => backstage.write(String((await bodyOf(request))['greeting'])),
  'GET orders': async ({ backstage, request }) => ({
    status: await backstage.callApi(request.headers.authorization ?? ''),
  }),
  'PUT condition': async ({ backstage, request }) => {
    const { condition } = await bodyOf(request)
    if (!conditions.includes(condition as Condition)) throw new RangeError(`no such condition: ${condition}`)
    await backstage.setCondition(condition as Condition)
    return backstage.state
  },
}

/** Listens on the port, or on any other if that one is taken. Files are served once they are built. */
export async function serve(backstage: Backstage, built: Promise<string>, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const [, first, route = '', name = ''] = new URL(request.url ?? '/', 'http://page').pathname.split('/')
    if (first === 'api') void answer(backstage, `${request.method} ${route}`, name, request, response)
    else
      built.then(
        (directory) => sendFile(directory, request, response),
        () => response.writeHead(500).end(),
      )
  })
  for (const candidate of [port, 0]) {
    server.listen(candidate, '127.0.0.1')
    const taken = await Promise.race([
      once(server, 'listening').then(() => undefined),
      once(server, 'error').then(([error]) => error as NodeJS.ErrnoException),
    ]).catch((error: NodeJS.ErrnoException) => error)
    if (!taken) break
    if (taken.code !== 'EADDRINUSE' || candidate === 0) throw taken
  }
  return server
}

export const addressOf = (server: Server) => `http://localhost:${(server.address() as AddressInfo).port}/`

async function answer(
  backstage: Backstage,
  asked: string,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const [status, body] = await answerTo(backstage, asked, name, request, gone.signal)
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

async function answerTo(
  backstage: Backstage,
  asked: string,
  name: string,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<[status: number, body: unknown]> {
  // Another site that is open in the same browser could send these requests too.
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return [403, { error: 'only for the page itself' }]
  const route = routes[asked]
  if (!route) return [404, { error: `no such request: ${asked}` }]
  try {
    return [200, await route({ backstage, name, request, signal })]
  } catch (error) {
    // Not as a status: a browser reports those in its console, and that is for errors of the page itself.
    return [200, { error: error instanceof Error ? error.message : String(error) }]
  }
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) {
    text += part
    if (text.length > 10_000) throw new RangeError('the body is too long')
  }
  return JSON.parse(text)
}

function sendFile(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://page')
  const path = join(directory, normalize(pathname === '/' ? '/index.html' : pathname))
  const found = path.startsWith(directory) && existsSync(path) && statSync(path).isFile()
  if (!found || request.method !== 'GET') {
    response.writeHead(found ? 405 : 404).end()
    return
  }
  response.writeHead(200, {
    'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    // Isolated from other sites, the page is given a clock that tells microseconds apart.
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  })
  createReadStream(path).pipe(response)
}
