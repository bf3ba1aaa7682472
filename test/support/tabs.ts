/** Tabs of a real browser before one source that counts, driven from outside: what they share is the browser's. */

import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium as driver, type Page } from 'playwright'
import { build } from 'vite'
import { chromium, chromiumArguments } from './chromium.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

async function bundle(): Promise<string> {
  const { compilerOptions } = JSON.parse(readFileSync(here('../../tsconfig.json'), 'utf8'))
  const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths
  const alias = Object.entries(paths).map(([name, [file]]) => ({
    find: new RegExp(`^${name}$`),
    replacement: here(`../../${file}`),
  }))
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { alias },
    build: { write: false, lib: { entry: here('tabs-page.ts'), formats: ['iife'], name: 'page' } },
  })
  const [{ output }] = built as unknown as readonly [{ readonly output: readonly [{ readonly code: string }] }]
  return output[0].code
}

/** What the tabs fetch: a number that grows by one with each request. */
export interface Source {
  /** how many requests there were for a key */
  requests(key: string): number
  /** when they came, in milliseconds */
  times(key: string): readonly number[]
  /** From now on requests of the key wait for `answer()`. */
  hold(key: string): void
  /** Answers all that wait, and from now on at once. */
  answer(key: string): void
  /** Those that wait never get an answer; the next ones do at once. */
  forget(key: string): void
  /** Resolves once there were so many requests of the key. */
  asked(key: string, times: number): Promise<void>
}

export interface Tabs {
  readonly source: Source
  readonly origin: string
  readonly browser: Browser
  /** A profile of its own, with nothing in it: as a private window. */
  profile(): Promise<BrowserContext>
  tab(profile: BrowserContext, options?: Readonly<Record<string, string>>, host?: string): Promise<Page>
  close(): Promise<void>
}

export async function openTabs(): Promise<Tabs> {
  const code = await bundle()
  const times = new Map<string, number[]>()
  const held = new Map<string, Set<() => void>>()
  const watchers = new Set<() => void>()
  const timesOf = (key: string) => times.get(key) ?? []
  const requests = (key: string) => timesOf(key).length

  const answerSource = (key: string, response: ServerResponse) => {
    times.set(key, [...timesOf(key), performance.now()])
    const count = requests(key)
    const answer = () => response.setHeader('content-type', 'application/json').end(String(count))
    const waiting = held.get(key)
    if (waiting) waiting.add(answer)
    else answer()
    for (const watch of watchers) watch()
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://source')
    if (pathname.startsWith('/source/')) answerSource(pathname.slice('/source/'.length), response)
    else if (pathname === '/page.js') response.setHeader('content-type', 'text/javascript').end(code)
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>tab</title><script src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const browser = await driver.launch({
    executablePath: chromium ?? '',
    args: [...chromiumArguments, '--host-resolver-rules=MAP plain.test 127.0.0.1'],
  })

  const source: Source = {
    requests,
    times: timesOf,
    hold: (key) => void held.set(key, new Set()),
    answer(key) {
      const waiting = held.get(key)
      held.delete(key)
      for (const answer of waiting ?? []) answer()
    },
    forget: (key) => void held.delete(key),
    asked: (key, times) =>
      new Promise((resolve) => {
        const watch = () => {
          if (requests(key) < times) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
  }
  return {
    source,
    browser,
    origin: `http://127.0.0.1:${port}`,
    profile: () => browser.newContext(),
    async tab(profile, options = {}, host = '127.0.0.1') {
      const page = await profile.newPage()
      await page.goto(`http://${host}:${port}/?${new URLSearchParams({ database: 'tabs', ...options })}`)
      return page
    },
    async close() {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
