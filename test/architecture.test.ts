/** The import ladder and the other rules a folder listing can break, executed. The reasons are in CONTRIBUTING.md. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

interface File {
  readonly path: string
  readonly text: string
}

/** From the bottom up: a file may import its own folder and everything lower. */
const LADDER = [
  'errors.ts',
  'time',
  'events',
  'policy',
  'codec',
  'backend',
  'tier',
  'fetch',
  'state',
  'cache',
  'registry',
]

/** The top rung: each is a subpath of its own, no other file imports it, and only it knows its package, if it has one. */
const ADAPTERS: Readonly<Record<string, string | undefined>> = {
  rxjs: 'rxjs',
  react: 'react',
  zod: 'zod',
  otel: '@opentelemetry/api',
  devtools: '@observablehq/plot',
  oauth: undefined,
  testing: '@sinonjs/fake-timers',
}

/** Files below the top rung that know a package: what imports them is a subpath too. */
const PEERS: Readonly<Record<string, string>> = { 'backend/browser-store.ts': 'idb' }

const MAX_LINES = 250
const NO_NAME = /^(utils?|helpers?|common|types?|internals?|managers?|misc|shared)(\.|$)/
const NOT_IN_STATE =
  /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Promise|await|async|Date\.now|new Date|performance|Math\.random|process)\b/

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

const imports = (text: string): string[] =>
  [...withoutComments(text).matchAll(/\b(?:from|import|require)\b\s*\(?\s*(['"`])(.+?)\1/g)].map(
    (match) => match[2] ?? '',
  )

/** The rung of a path below `src/`: its folder, or its name for the files of `src/` itself. */
const rungOf = (path: string): string => path.split('/')[0] ?? path

const heightOf = (rung: string): number => {
  if (rung === 'index.ts') return LADDER.length + 1
  return rung in ADAPTERS ? LADDER.length : LADDER.indexOf(rung)
}

function* wrongImports({ path, text }: File) {
  const rung = rungOf(path)
  for (const specifier of imports(text)) {
    const edge = `${path} -> ${specifier}`
    if (!specifier.startsWith('.')) {
      if (specifier !== ADAPTERS[rung] && specifier !== PEERS[path]) yield `${edge}: the core imports no package`
      continue
    }
    const target = rungOf(posix.join(posix.dirname(path), specifier))
    if (target === rung) continue
    if (target in ADAPTERS) yield `${edge}: an adapter is imported by nobody`
    else if (heightOf(target) < 0) yield `${edge}: ${target} is not on the ladder`
    else if (heightOf(target) >= heightOf(rung)) yield `${edge}: imports go only downward`
  }
}

/** Everything wrong with the files below `src/`, one line each. */
function* violations(files: readonly File[]) {
  for (const file of files) {
    const lines = file.text.trimEnd().split('\n').length
    if (heightOf(rungOf(file.path)) < 0) yield `${file.path}: ${rungOf(file.path)} is not on the ladder`
    const bucket = file.path.split('/').find((part) => NO_NAME.test(part))
    if (bucket !== undefined) yield `${file.path}: ${bucket} says nothing about what is inside`
    if (lines > MAX_LINES) yield `${file.path}: ${lines} lines, at most ${MAX_LINES}`
    yield* wrongImports(file)
    yield* wrongFile(file)
    const forbidden = rungOf(file.path) === 'state' ? NOT_IN_STATE.exec(withoutComments(file.text)) : null
    if (forbidden) yield `${file.path}: ${forbidden[1]} in the pure machine`
  }
}

/** What holds for every file, tests and examples included. */
function* wrongFile({ path, text }: File) {
  if (!/^(#!.*\n)?\/\*\*\s+(\*\s+)?[^\s*/]/.test(text)) yield `${path}: does not open with /** what it decides */`
  const title = /\(\s*(['"`])([^'"`\n]*\bshould\b[^'"`\n]*)\1,\s*(?:async\b|\()/.exec(text)
  if (title) yield `${path}: "${title[2]}" should be a law in the present tense`
}

const root = fileURLToPath(new URL('..', import.meta.url))
const below = (folder: string): File[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.[cm]?tsx?$/.test(path) && !/(^|[\\/])node_modules[\\/]/.test(path))
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, folder, path), 'utf8') }))

describe('architecture', () => {
  it('src keeps to the ladder, to 250 lines, and to a pure state machine', () => {
    expect([...violations(below('src'))]).toEqual([])
  })

  it.each(['test', 'examples', 'bench', 'scripts'].filter((folder) => existsSync(join(root, folder))))(
    '%s opens every file with a sentence and names tests by laws',
    (folder) => {
      expect(below(folder).flatMap((file) => [...wrongFile(file)])).toEqual([])
    },
  )

  const opened = (path: string, body: string): File => ({ path, text: `/** Decides something. */\n${body}\n` })

  it.each([
    ['policy/backoff.ts', "import { next } from '../state/transition.ts'", 'imports go only downward'],
    ['state/state.ts', "import type { Cache } from '../cache/background-cache.ts'", 'imports go only downward'],
    ['errors.ts', "export { now } from './time/clock.ts'", 'imports go only downward'],
    ['time/clock.ts', "const all = import('../index.ts')", 'imports go only downward'],
    ['react/index.ts', "import { values$ } from '../rxjs/index.ts'", 'an adapter is imported by nobody'],
    ['index.ts', "export { values$ } from './rxjs/index.ts'", 'an adapter is imported by nobody'],
    ['cache/values.ts', "import type { Observable } from 'rxjs'", 'the core imports no package'],
    ['fetch/flight.ts', "import { AsyncLocalStorage } from 'node:async_hooks'", 'the core imports no package'],
    ['rxjs/index.ts', "import { useState } from 'react'", 'the core imports no package'],
    ['backend/browser.ts', "import { openDB } from 'idb'", 'the core imports no package'],
    ['oauth/index.ts', "import { Issuer } from 'openid-client'", 'the core imports no package'],
    ['cache/token.ts', "import { TokenError } from '../oauth/index.ts'", 'an adapter is imported by nobody'],
    ['cache/entry.ts', "import { now } from '../clocks/now.ts'", 'clocks is not on the ladder'],
  ])('reports a wrong import planted in %s with its edge', (path, body, why) => {
    const specifier = imports(body)[0]
    expect([...violations([opened(path, body)])]).toEqual([`${path} -> ${specifier}: ${why}`])
  })

  it.each([
    ['cache/long.ts', 'const x = 1\n'.repeat(250), '251 lines, at most 250'],
    ['cache/utils.ts', '', 'utils.ts says nothing about what is inside'],
    ['cache/helpers/one.ts', '', 'helpers says nothing about what is inside'],
    ['clocks/now.ts', '', 'clocks is not on the ladder'],
    ['state/timer.ts', 'setTimeout(() => {}, 1)', 'setTimeout in the pure machine'],
    ['state/flight.ts', 'interface Flight { readonly promise: Promise<void> }', 'Promise in the pure machine'],
    ['state/clock.ts', 'const at = Date.now()', 'Date.now in the pure machine'],
    ['state/load.ts', 'export async function load() {}', 'async in the pure machine'],
  ])('reports what is planted in %s', (path, body, why) => {
    expect([...violations([opened(path, body)])]).toEqual([`${path}: ${why}`])
  })

  it('reports a file without an opening sentence and a test named by what it is to do', () => {
    const files = [
      { path: 'cache/a.ts', text: 'export const a = 1\n' },
      opened('cache/b.ts', `it('${['should', 'work'].join(' ')}', async () => {})`),
    ]
    expect([...violations(files)]).toEqual([
      'cache/a.ts: does not open with /** what it decides */',
      'cache/b.ts: "should work" should be a law in the present tense',
    ])
  })

  it('accepts downward imports, an own folder, an adapter’s own package and prose about promises', () => {
    const files = [
      opened('cache/a.ts', "import { b } from './b.ts'\nimport type { State } from '../state/state.ts'"),
      opened('rxjs/index.ts', "import { Observable } from 'rxjs'\nimport type { Cache } from '../cache/a.ts'"),
      opened('index.ts', "export { CacheError } from './errors.ts'"),
      opened('state/state.ts', '// Nothing here is awaited: no Promise, no setTimeout.\nexport const x = 1'),
    ]
    expect([...violations(files)]).toEqual([])
  })
})
