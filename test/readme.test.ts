/** README.md, docs/ and the doc comments are executed: what they show compiles, runs, and does what it says. */
import * as diagnosticsChannel from 'node:diagnostics_channel'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as opentelemetry from '@opentelemetry/api'
import * as evercurrent from 'evercurrent'
import { BackgroundCache, type CacheEvent, type Reading } from 'evercurrent'
import * as evercurrentBackendBrowser from 'evercurrent/backend/browser'
import * as evercurrentBackendMemory from 'evercurrent/backend/memory'
import * as evercurrentBackendRedis from 'evercurrent/backend/redis'
import * as evercurrentBackendSqlite from 'evercurrent/backend/sqlite'
import * as evercurrentCodec from 'evercurrent/codec'
import * as evercurrentDevtools from 'evercurrent/devtools'
import * as evercurrentOauth from 'evercurrent/oauth'
import * as evercurrentOtel from 'evercurrent/otel'
import * as evercurrentReact from 'evercurrent/react'
import * as evercurrentRxjs from 'evercurrent/rxjs'
import * as evercurrentTesting from 'evercurrent/testing'
import { manualClock } from 'evercurrent/testing'
import * as evercurrentZod from 'evercurrent/zod'
import Libsql from 'libsql'
import * as react from 'react'
import * as jsxRuntime from 'react/jsx-runtime'
import * as reactServer from 'react-dom/server'
import * as rxjs from 'rxjs'
import * as svelteStore from 'svelte/store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as vue from 'vue'
import { z } from 'zod'
import { snippetWorld, tokenWorld } from './support/snippet-world.ts'
import { execute, type Modules, snippetsOfDocComments, snippetsOfMarkdown, typeErrors } from './support/snippets.ts'

const packaged: Modules = {
  evercurrent,
  'evercurrent/backend/browser': evercurrentBackendBrowser,
  'evercurrent/backend/memory': evercurrentBackendMemory,
  'evercurrent/backend/redis': evercurrentBackendRedis,
  'evercurrent/codec': evercurrentCodec,
  'evercurrent/backend/sqlite': evercurrentBackendSqlite,
  'evercurrent/devtools': evercurrentDevtools,
  'evercurrent/oauth': evercurrentOauth,
  'evercurrent/otel': evercurrentOtel,
  'evercurrent/react': evercurrentReact,
  'evercurrent/rxjs': evercurrentRxjs,
  'evercurrent/testing': evercurrentTesting,
  'evercurrent/zod': evercurrentZod,
}
/** Whatever file a snippet names, it writes none. */
class Database extends Libsql {
  constructor(_path: string) {
    super(':memory:')
  }
}
/** A client whose server is away: a snippet works all the same. */
function offlineRedis() {
  const away = async () => {
    throw new Error('Connection is closed.')
  }
  return { on: () => {}, connect: away, sendCommand: away, callBuffer: away, subscribe: away, unsubscribe: away }
}
/** The cases of a contract, which a snippet gives to a test runner: they run before the snippet is over. */
const cases: Promise<void>[] = []
const runner = {
  describe: (_name: string, suite: () => void) => suite(),
  it: (_name: string, run: () => Promise<void>) => cases.push(run()),
}
const reactModules = {
  react,
  'react/jsx-runtime': jsxRuntime,
  'react-dom/server': reactServer,
  vue,
  'svelte/store': svelteStore,
}
const modules: Modules = {
  ...packaged,
  vitest: runner,
  'node:test': runner,
  rxjs,
  ...reactModules,
  libsql: Database,
  redis: { createClient: offlineRedis, createCluster: offlineRedis },
  ioredis: { Redis: offlineRedis, Cluster: offlineRedis },
  zod: { z },
  '@opentelemetry/api': opentelemetry,
  'node:diagnostics_channel': diagnosticsChannel,
}

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const text = (path: string) => readFileSync(file(path), 'utf8')
const readme = text('README.md')
const laws = text('docs/laws.md')
const manifest = JSON.parse(text('package.json'))

const snippets = [
  ...snippetsOfMarkdown('README.md'),
  ...snippetsOfMarkdown('docs/laws.md'),
  ...snippetsOfMarkdown('docs/credentials.md'),
  ...snippetsOfMarkdown('docs/registry.md'),
  ...snippetsOfMarkdown('docs/observability.md'),
  ...snippetsOfMarkdown('docs/tiers.md'),
  ...snippetsOfMarkdown('docs/devtools.md'),
  ...snippetsOfMarkdown('docs/ui.md'),
  ...snippetsOfDocComments('src', {
    ...packaged,
    rxjs: { combineLatest: rxjs.combineLatest },
    zod: { z },
    react: { Suspense: react.Suspense },
    'react-dom/server': { renderToString: reactServer.renderToString },
    '@opentelemetry/api': { metrics: opentelemetry.metrics },
  }),
]
const world = './support/snippet-world.ts'
/** What the platform has already needs no declaration. */
const names = Object.keys(snippetWorld()).filter((name) => !(name in globalThis))

it('every snippet compiles, and one that does not is found', { timeout: 60_000 }, () => {
  const code = "import { BackgroundCache } from 'evercurrent'\nnew BackgroundCache({ ttl: '30s', fetch: 1 })\n"
  const planted = { at: 'planted.md:10', code }
  expect(typeErrors([...snippets, planted], world, names)).toEqual([
    expect.stringMatching(/^planted\.md:11: .*not assignable/s),
  ])
})

describe('a snippet', () => {
  /** How many calls of WebCrypto are under way: it works on threads of its own, in no time of this world. */
  let encrypting = 0

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    for (const name of ['importKey', 'encrypt', 'decrypt', 'digest'] as const) {
      const call = crypto.subtle[name].bind(crypto.subtle) as (...given: unknown[]) => Promise<unknown>
      const counted = (...given: unknown[]) => {
        encrypting++
        return call(...given).finally(() => encrypting--)
      }
      vi.spyOn(crypto.subtle, name).mockImplementation(counted as never)
    }
    // For what the package sends itself: the issuer and the API of the snippets answer, and nothing else is asked.
    vi.stubGlobal('fetch', tokenWorld(globalThis.fetch))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it.each(snippets)('$at runs, and its comments are true', async (snippet) => {
    const console = { log() {}, warn() {} }
    let ended = false
    const running = async () => {
      const executed = await execute(snippet, { ...snippetWorld(), console }, modules)
      await Promise.all(cases.splice(0))
      return executed
    }
    const execution = running().finally(() => {
      ended = true
    })
    execution.catch(() => {})
    // What waits for time gets it, up to an hour; what waits for the machine gets that first.
    for (let turn = 0; !ended && turn < 200; turn++) await new Promise(setImmediate)
    for (let second = 0; !ended && second < 3600; second++) {
      for (let turn = 0; turn < 20 || encrypting > 0; turn++)
        await new Promise<void>((resolve) => setImmediate(resolve))
      if (!ended) await vi.advanceTimersByTimeAsync(1000)
    }
    expect(ended).toBe(true)
    expect((await execution).wrong).toEqual([])
  })
})

describe('the check of snippets', () => {
  it('finds a comment that is not true, and says where', async () => {
    const code = 'const a = [1]\na.length // 2: planted\nconsole.log(a) // [1]\na.at(0) // prose\n'
    const { checked, wrong } = await execute({ at: 'x.md:10', code }, { console: { log() {} } }, {})
    expect({ checked, wrong }).toEqual({ checked: 2, wrong: ['x.md:11: 1, not 2'] })
  })

  it('has something to check in every place', async () => {
    const places = new Set(snippets.map(({ at }) => at.split(':')[0]))
    expect([...places]).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/registry.md',
        'src/cache/background-cache.ts',
        'src/registry/keyed.ts',
      ]),
    )
    const code = snippets.map((snippet) => snippet.code).join('')
    expect(code.match(/ \/\/ ('|true|undefined|\d|\[)/g)?.length).toBeGreaterThan(10)
  })
})

/** The rows of the first table below a heading, as their cells. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n\n`)[1]?.split('\n## ')[0] ?? ''
  const rows =
    section
      .split('\n\n')
      .find((paragraph) => paragraph.startsWith('|'))
      ?.trim()
      .split('\n') ?? []
  return rows.slice(2).map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}
const codes = (cell = ''): string[] => [...cell.matchAll(/`([\w-]+)(?:\(\w*\))?`/g)].map(([, name = '']) => name)
const firstColumn = (heading: string): string[] =>
  table(heading)
    .flatMap(([cell]) => codes(cell))
    .sort()

describe('README.md', () => {
  it('begins with the first example', () => {
    expect(snippets[0]?.code).toBe(text('examples/01-single-value.ts'))
  })

  it('tells what the first example does over time', async () => {
    const told = [...readme.matchAll(/^t = +([\d.]+) s +get\(\) +(waits \d+ ms|v\d at once)(?: +(\d+) s old)?/gm)]
    expect(told).toHaveLength(5)
    const clock = manualClock()
    let version = 0
    const fetch = () => new Promise<string>((resolve) => clock.after(200, () => resolve(`v${++version}`)))
    const cache = new BackgroundCache({ ttl: '30s', refreshWindow: '5s', clock, fetch })
    for (const [, at, outcome, age] of told) {
      await clock.advance(Number(at) * 1000 - clock.now())
      const began = clock.now()
      let reading: Reading<string> | undefined
      const read = cache.read().then((got) => {
        reading = got
      })
      await clock.advance(0)
      const waited = reading === undefined
      for (; reading === undefined; ) await clock.advance(10)
      await read
      const { value, fetchedAt } = reading
      expect(waited ? `waits ${clock.now() - began} ms` : `${value} at once`).toBe(outcome)
      if (age !== undefined) expect((clock.now() - fetchedAt) / 1000).toBe(Number(age))
    }
    // The other lines: what brought v2, when it expired, and that v3 came.
    expect([version, cache.peek(), cache.stats().fetches]).toEqual([3, 'v3', 3])
    expect(readme).toMatch(/^t = 25\.2 s +the fetch brings v2/m)
    expect(readme).toContain('v2 expired at 55 s')
  })

  /** One read every second, told by what it gave, while the source is down as README.md says. */
  const outage = async (random: () => number, staleIfError: '5m' | 0) => {
    const told = /the source is down from t = (\d+) s to t = (\d+) s, with `staleIfError: '5m'`/.exec(readme)
    const [from = Number.NaN, to = Number.NaN] = told?.slice(1).map(Number) ?? []
    const clock = manualClock()
    const failedAt: number[] = []
    const got: string[] = []
    let version = 0
    const fetch = async () => {
      const second = clock.now() / 1000
      await new Promise<void>((resolve) => clock.after(200, resolve))
      if (second < from || second >= to) return `v${++version}`
      failedAt.push(second)
      throw new Error('down')
    }
    const options = { ttl: '30s', refreshWindow: '5s', staleIfError, clock, random, fetch } as const
    const cache = new BackgroundCache(options)
    for (let second = 0; second <= 70; second++) {
      let outcome = 'waited'
      const read = cache.read().then(
        ({ value, stale }) => (stale ? `${value}, stale` : value),
        (error: Error) => error.message,
      )
      void read.then((told) => {
        outcome = told
      })
      await clock.advance(0)
      got.push(outcome)
      await clock.advance(1000)
    }
    return { got, failedAt }
  }

  it.each([0, 0.25, 0.5, 0.75, 0.999])('tells what an outage costs, whatever is drawn: %d', async (drawn) => {
    const { got, failedAt } = await outage(() => drawn, '5m')
    const expected = ['waited', ...Array(29).fill('v1'), ...Array(21).fill('v1, stale')]
    expect(got.slice(0, 51)).toEqual(expected)
    expect(got.slice(51).filter((outcome) => !['v1, stale', 'v2', 'v3'].includes(outcome))).toEqual([])
    expect(got[56]).toBe('v2')
    expect(failedAt[0]).toBe(25)
    expect(failedAt.filter((second) => second > 25 && second < 30).length).toBeGreaterThan(0)
    expect([6, 7]).toContain(failedAt.length)
    const lines = ['t = 25 s ', 't = 26 … 29 s ', 't = 30 … 50 s ', 't = 56 s ', 'the outage cost 6 or 7 fetches']
    expect(lines.filter((line) => !readme.includes(line))).toEqual([])
  })

  it('tells what the same outage costs without staleIfError', async () => {
    const { got } = await outage(() => 0.5, 0)
    expect(got.slice(1, 30)).toEqual(Array(29).fill('v1'))
    expect(got.slice(30, 50).filter((outcome) => outcome !== 'down' && outcome !== 'waited')).toEqual([])
    expect(got.at(-1)).toMatch(/^v/)
  })

  it('has every option in its table, and no other', () => {
    let message = ''
    try {
      Reflect.construct(BackgroundCache, [{ unknown: 1 }])
    } catch (error) {
      message = (error as TypeError).message
    }
    const known = /one of ([\w, ]+)/.exec(message)?.[1]?.split(', ') ?? []
    expect(known).toContain('ttl')
    expect(firstColumn('Options')).toEqual([...known].sort())
  })

  it('has every method in its table, and no other', () => {
    const cache = new BackgroundCache({ ttl: 1, fetch: () => 1 })
    const names = [...Object.keys(cache), ...Object.getOwnPropertyNames(Object.getPrototypeOf(cache))]
    expect(firstColumn('Methods')).toEqual(names.filter((name) => /^(?!constructor)\w+$/.test(name)).sort())
  })

  it('has every error with its code in its table, and no other', () => {
    const classes = Object.entries(evercurrent).filter(([name]) => /.Error$/.test(name) && name !== 'CacheError')
    const expected = classes.map(([name, made]) => `${name} ${(made as unknown as { code: string }).code}`).sort()
    expect(
      table('Errors')
        .map(([name, code]) => `${codes(name)} ${codes(code)}`)
        .sort(),
    ).toEqual(expected)
  })

  it('has every event in its table that a cache of one value has', () => {
    type OfRegistry = 'evicted' | 'stored-value-rejected' | `backend-${string}`
    const kinds: Record<Exclude<CacheEvent['kind'], OfRegistry>, true> = {
      'fetch-started': true,
      'fetch-succeeded': true,
      'fetch-failed': true,
      'fetch-discarded': true,
      'value-set': true,
      'value-seeded': true,
      invalidated: true,
      expired: true,
      disposed: true,
      'slower-than-ttl': true,
      'served-stale': true,
      'listener-failed': true,
    }
    expect(firstColumn('Events, counts, state')).toEqual(Object.keys(kinds).sort())
  })

  it('names everything that inspect() and stats() count, but what waits for a registry', () => {
    const cache = new BackgroundCache({ ttl: 1, fetch: () => 1 })
    const later = ['backendHits', 'writeFailures', 'evictions']
    const shown = [...Object.keys(cache.inspect()), ...Object.keys(cache.stats())]
    expect(shown.filter((name) => !later.includes(name) && !readme.includes(`\`${name}\``))).toEqual([])
  })

  it('quotes the size budgets of package.json', () => {
    const budgets = manifest['size-limit'].map(
      ({ name, limit }: { name: string; limit: string }) => `${name}: ${limit}`,
    )
    expect(
      table('Where it runs, and what it weighs').map(([what = '', limit]) => `${what.replaceAll('`', '')}: ${limit}`),
    ).toEqual(budgets)
    expect(readme).toContain(`Node ${manifest.engines.node.replace('>=', '')} or newer`)
  })
})

const documents = [
  'README.md',
  'docs/laws.md',
  'docs/credentials.md',
  'docs/registry.md',
  'docs/observability.md',
  'docs/tiers.md',
  'docs/devtools.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
]
describe.each(documents)('%s', (path) => {
  it('links only to what exists, and names only commands and files that exist', () => {
    const prose = text(path)
    const links = [...prose.matchAll(/\]\((?!https:)([^)#]+)\)/g)].map(([, link = '']) => link)
    const linked = links.map((link) => join(dirname(path), link))
    const named = [...prose.matchAll(/`?(?:npx vitest(?: run)?|npx tsx) ([\w./-]+)/g)].map(([, name]) => name)
    expect([...linked, ...named].filter((name = '') => !existsSync(file(name)))).toEqual([])
    const scripts = [...prose.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name)
    const builtIn = ['ci', 'install', 'pack', 'run', 'registry']
    expect(scripts.filter((name) => !builtIn.includes(name) && !(name in manifest.scripts))).toEqual([])
  })
})

describe('docs/laws.md', () => {
  const numbers = Array.from({ length: 24 }, (_, index) => `L${index + 1}`)

  it('has the laws L1 to L24, and each has tests that carry its number', () => {
    expect([...laws.matchAll(/^\*\*(L\d+)[.’ ]/gm)].map(([, number]) => number)).toEqual(numbers)
    const tests = readdirSync(file('test/laws')).map((name) => text(`test/laws/${name}`))
    expect(numbers.filter((number) => !tests.some((test) => new RegExp(`['"\`]${number} `).test(test)))).toEqual([])
  })

  it('is cited by README.md and by src under numbers and headings that exist', () => {
    const cited = [...readme.matchAll(/\bL(\d+)\b/g)].map(([number]) => number)
    expect(cited.filter((number) => !numbers.includes(number))).toEqual([])
    expect(laws).toContain('\n## How a read is decided\n')
    expect(text('src/state/read-plan.ts')).toContain('"How a read is decided" in docs/laws.md')
  })
})
