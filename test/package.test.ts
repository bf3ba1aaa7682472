/** What is published: the packed tarball, installed in a folder of its own, imported, required, mixed and compiled. */
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const execute = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const peers = Object.keys(manifest.peerDependencies)
const specifiers = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => subpath.replace('.', manifest.name))

/** Every file an `exports` entry leads to, at any depth of conditions. */
const leaves = (entry: unknown): string[] =>
  typeof entry === 'string' ? [entry] : Object.values(entry as object).flatMap(leaves)

/** A consumer with its optional peers, one without any, and what was unpacked in both. */
let consumer: string
let bare: string
let files: string[]
let installed: string

const install = async (tarball: string, name: string, links: readonly string[]): Promise<string> => {
  const folder = join(dirname(tarball), name)
  const target = join(folder, 'node_modules', manifest.name)
  mkdirSync(target, { recursive: true })
  await execute('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  for (const link of links) {
    mkdirSync(join(folder, 'node_modules', dirname(link)), { recursive: true })
    symlinkSync(join(root, 'node_modules', link), join(folder, 'node_modules', link), 'dir')
  }
  return folder
}

beforeAll(async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evercurrent-package-')))
  await execute('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const tarball = join(folder, readdirSync(folder)[0] ?? '')
  consumer = await install(tarball, 'consumer', peers)
  bare = await install(tarball, 'bare', [])
  installed = join(consumer, 'node_modules', manifest.name)
  files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath, entry.name).slice(installed.length + 1))
    .sort()
})

afterAll(() => rmSync(dirname(consumer), { recursive: true, force: true }))

/** Runs a program in the consumer and returns what it printed, parsed. A program that fails fails the test. */
let programs = 0
const run = async (source: string, { kind = 'mjs', folder = consumer } = {}): Promise<unknown> => {
  programs += 1
  const file = join(folder, `program-${programs}.${kind}`)
  writeFileSync(file, source)
  const { stdout, stderr } = await execute(process.execPath, [file], { cwd: folder, timeout: 30_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

/** Both copies of every subpath in one process: `esm` and `cjs`, by specifier. */
const bothCopies = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const names = ${JSON.stringify(specifiers)}
const esm = {}, cjs = {}
for (const name of names) { esm[name] = await import(name); cjs[name] = require(name) }
const print = (value) => console.log(JSON.stringify(value))
`

describe('the tarball', () => {
  it('holds dist, the manifest and the papers, and nothing else', () => {
    expect(files.filter((file) => !/^dist\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'CHANGELOG.md', 'dist/index.js']))
    expect(
      files.filter((file) => /test|spec|\.tsx?$/.test(file) && !/\.d\.[cm]?ts$|^dist\/testing\./.test(file)),
    ).toEqual([])
  })

  it('holds every file its exports name', () => {
    expect(leaves(manifest.exports).filter((file) => !files.includes(posix.normalize(file)))).toEqual([])
  })

  it('holds in dist only what its exports lead to, with source maps', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      reached.add(`${file}.map`)
      for (const specifier of importsOf(file)) if (specifier.startsWith('.')) visit(resolved(file, specifier))
    }
    for (const leaf of leaves(manifest.exports)) visit(posix.normalize(leaf))
    expect(files.filter((file) => file.startsWith('dist/') && !reached.has(file))).toEqual([])
  })

  it.each(specifiers)('%s imports nothing at run time but the peers it declares', (specifier) => {
    const outside = new Set<string>()
    const seen = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      for (const found of importsOf(file)) found.startsWith('.') ? visit(resolved(file, found)) : outside.add(found)
    }
    const entry = manifest.exports[specifier.replace(manifest.name, '.')]
    for (const leaf of leaves(entry)) if (/\.c?js$/.test(leaf)) visit(posix.normalize(leaf))
    expect([...seen]).toEqual(expect.arrayContaining([expect.stringMatching(/\.js$/), expect.stringMatching(/\.cjs$/)]))
    expect([...outside].filter((found) => specifier === manifest.name || !peers.includes(found))).toEqual([])
  })

  it('comes from a lockfile that names no place of download', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"')
  })

  const importsOf = (file: string): string[] =>
    [
      ...readFileSync(join(installed, file), 'utf8').matchAll(
        /^(?:import|export)\b[^'"]*?['"](.+?)['"]|\b(?:require|import)\(['"](.+?)['"]\)/gm,
      ),
    ].map((match) => match[1] ?? match[2] ?? '')

  /** Declarations import `./chunk.js` and mean `./chunk.d.ts`. */
  const resolved = (file: string, specifier: string): string => {
    const target = posix.join(posix.dirname(file), specifier)
    return /\.d\.c?ts$/.test(file) ? target.replace(/\.(c?)js$/, '.d.$1ts') : target
  }
})

describe('every subpath', () => {
  it.each(specifiers)('%s exports the same names to import and to require', async (specifier) => {
    const imported = await run(
      `import * as all from '${specifier}'\nconsole.log(JSON.stringify(Object.keys(all).sort()))`,
    )
    const required = await run(`console.log(JSON.stringify(Object.keys(require('${specifier}')).sort()))`, {
      kind: 'cjs',
    })
    expect(required).toEqual(imported)
    expect(imported).not.toEqual([])
    expect(imported).not.toContain('default')
  })

  it('is one module of its own per module system when both are used in one process', async () => {
    const different = await run(`${bothCopies}
      const isShared = (one, other) => one === other && typeof one !== 'string'
      print(names.filter((name) => Object.keys(esm[name]).some((key) => isShared(esm[name][key], cjs[name][key]))))`)
    expect(different).toEqual([])
  })

  it('of the core runs where no peer is installed', async () => {
    expect(
      await run(
        `import { BackgroundCache } from 'evercurrent'
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      console.log(JSON.stringify(await cache.get()))`,
        { folder: bare },
      ),
    ).toBe(1)
  })

  it('of the core runs in a realm with no process, no unref() and nothing of Node, as in a browser', async () => {
    expect(
      await run(
        `const { readFileSync } = require('node:fs')
      const vm = require('node:vm')
      const page = vm.createContext({
        module: { exports: {} }, performance, AbortController, clearTimeout,
        print: (told) => console.log(JSON.stringify(told)),
        setTimeout: (task, ms) => Number(setTimeout(task, ms)),
      })
      vm.runInContext(readFileSync(require.resolve('evercurrent'), 'utf8'), page)
      vm.runInContext(\`(async () => {
        const { BackgroundCache, WaitTimeoutError } = module.exports
        const cache = new BackgroundCache({ ttl: '1h', freeze: true, fetch: () => ({ id: 1 }) })
        const letGo = cache.keepFresh()
        const { id } = await cache.get()
        letGo()
        const hung = new BackgroundCache({ ttl: '1h', fetch: () => new Promise(() => {}) })
        const error = await hung.get({ maxWait: 1 }).catch((error) => error)
        hung.dispose()
        print([typeof process, typeof require, id, error instanceof WaitTimeoutError])
      })()\`, page)`,
        { kind: 'cjs', folder: bare },
      ),
    ).toEqual(['undefined', 'undefined', 1, true])
  })
})

describe('copies in one process', () => {
  it('recognise one another’s errors by class, and tell the classes apart', async () => {
    const wrong = await run(`${bothCopies}
      const root = { esm: esm.evercurrent, cjs: cjs.evercurrent }
      const classes = Object.keys(root.esm).filter((name) => name.endsWith('Error') && name !== 'CacheError')
      const wrong = classes.length < 5 ? ['fewer than five error classes'] : []
      for (const maker of ['esm', 'cjs']) for (const made of classes) {
        const error = Reflect.construct(root[maker][made], ['broken', { operation: 'get', reason: 'failed' }])
        for (const checker of ['esm', 'cjs']) {
          if (!(error instanceof root[checker].CacheError)) wrong.push([maker, made, checker, 'CacheError'])
          for (const asked of classes)
            if (error instanceof root[checker][asked] !== (asked === made)) wrong.push([maker, made, checker, asked])
        }
      }
      for (const copy of Object.values(root)) for (const name of classes)
        for (const other of [new Error('plain'), { code: 'DISPOSED' }, undefined, null, 0, 'DISPOSED'])
          if (other instanceof copy[name] || other instanceof copy.CacheError) wrong.push([name, String(other)])
      print(wrong)`)
    expect(wrong).toEqual([])
  })

  it('recognise a TokenError of either copy of evercurrent/oauth', async () => {
    const recognised = await run(`${bothCopies}
      const seen = []
      for (const maker of [esm, cjs]) {
        const { clientCredentials } = maker['evercurrent/oauth']
        const fetch = async () => new Response('{"error":"invalid_client"}', { status: 401 })
        const issuer = { tokenEndpoint: 'https://issuer.example', clientId: 'id', clientSecret: 's', fetch }
        const cache = new maker.evercurrent.BackgroundCache(clientCredentials(issuer))
        const error = await cache.get().catch((error) => error)
        for (const checker of [esm, cjs]) {
          seen.push(error instanceof checker['evercurrent/oauth'].TokenError, error instanceof checker.evercurrent.CacheError)
          seen.push(error instanceof checker.evercurrent.WaitTimeoutError)
        }
      }
      print(seen)`)
    expect(recognised).toEqual(Array(4).fill([true, true, false]).flat())
  })

  it('recognise the error a cache of the other copy rejects with', async () => {
    const recognised = await run(`${bothCopies}
      const seen = []
      for (const [maker, checker] of [[esm, cjs], [cjs, esm]]) {
        const cache = new maker.evercurrent.BackgroundCache({ ttl: '1h', fetch: () => 1 })
        cache.dispose()
        const error = await cache.get().catch((error) => error)
        seen.push(error instanceof checker.evercurrent.CacheDisposedError)
      }
      print(seen)`)
    expect(recognised).toEqual([true, true])
  })

  it('recognise what a registry of the other copy rejects with, and what a fetch of the other copy says is gone', async () => {
    const seen = await run(`${bothCopies}
      const seen = []
      for (const [maker, other] of [[esm, cjs], [cjs, esm]]) {
        const { BatchError, CacheError, KeyGoneError } = other.evercurrent
        const registry = new maker.evercurrent.CacheRegistry()
        const fetch = (key) => {
          if (key === 'bad') throw new Error('bad')
          if (key === 'gone') throw new KeyGoneError('there is none')
          return key.length
        }
        const lengths = registry.define({ type: 'length', ttl: '1h', fetch })
        const error = await lengths.getMany(['good', 'bad', 'gone']).catch((error) => error)
        seen.push(error instanceof BatchError && error instanceof CacheError, [...error.errors.keys()], [...error.values])
        const none = registry.define({ type: 'none', ttl: '1h', fetchMany: () => [] })
        const leftOut = await none.get('a').catch((error) => error)
        seen.push(leftOut instanceof KeyGoneError && !(leftOut instanceof BatchError), (await none.getMany(['a'])).size)
      }
      print(seen)`)
    const expected = [true, ['bad'], [['good', 4]], true, 0]
    expect(seen).toEqual([...expected, ...expected])
  })

  it('follow the entries of one another’s registries', async () => {
    const heard = await run(`${bothCopies}
      const heard = []
      for (const [maker, watcher] of [[esm, cjs], [cjs, esm]]) {
        const clock = watcher['evercurrent/testing'].manualClock()
        const registry = new maker.evercurrent.CacheRegistry({ clock })
        let version = 0
        const fetch = (key, { notModified }, held) => (held?.value === 'a1' ? notModified() : key + ++version)
        const entry = registry.define({ type: 'version', ttl: '10s', refreshWindow: '2s', fetch }).entry('a')
        const values = []
        const subscription = watcher['evercurrent/rxjs'].values$(entry).subscribe((value) => values.push(value))
        await clock.advance(9_000)
        await entry.set('b')
        await clock.advance(9_000)
        subscription.unsubscribe()
        heard.push(values)
        await registry.dispose()
      }
      print(heard)`)
    expect(heard).toEqual([
      ['a1', 'b', 'a2'],
      ['a1', 'b', 'a2'],
    ])
  })

  it('understand one another’s notModified()', async () => {
    const kept = await run(`${bothCopies}
      const kept = []
      for (const [maker, taker] of [[esm, cjs], [cjs, esm]]) {
        const value = { columns: ['id'] }
        let sentinel
        const own = new maker.evercurrent.BackgroundCache({
          ttl: '1h', fetch: (context, previous) => previous ? (sentinel = context.notModified()) : value })
        kept.push(await own.get() === value, await own.refresh() === value, sentinel !== undefined)
        const other = new taker.evercurrent.BackgroundCache({ ttl: '1h', fetch: (_, previous) => previous ? sentinel : value })
        kept.push(await other.get() === value, await other.refresh() === value, other.peek() === value)
      }
      print(kept)`)
    expect(kept).toEqual(Array(12).fill(true))
  })

  it('observe one another’s caches with values$, and run them on one another’s manual clock', async () => {
    const heard = await run(`${bothCopies}
      const heard = []
      for (const [maker, watcher] of [[esm, cjs], [cjs, esm]]) {
        const clock = watcher['evercurrent/testing'].manualClock()
        let version = 0
        const cache = new maker.evercurrent.BackgroundCache({ ttl: '10s', refreshWindow: '2s', clock, fetch: () => (version += 1) })
        const values = []
        const subscription = watcher['evercurrent/rxjs'].values$(cache).subscribe((value) => values.push(value))
        await cache.get()
        cache.set(7)
        await clock.advance(9_000)
        subscription.unsubscribe()
        heard.push(values)
        cache.dispose()
      }
      print(heard)`)
    expect(heard).toEqual([
      [1, 7, 2],
      [1, 7, 2],
    ])
  })
})

describe('declarations', () => {
  const compile = async (folder: string, programs: Readonly<Record<string, string>>): Promise<string> => {
    for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, name), text)
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'dom'],
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(programs) }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    return execute(process.execPath, [tsc, '-p', folder], { timeout: 110_000 }).then(
      () => 'compiles',
      (error: { stdout: string }) => error.stdout,
    )
  }

  const program = `
    import { BackgroundCache, CacheDisposedError, type CacheEvent, CacheRegistry } from 'evercurrent'
    const cache = new BackgroundCache({ ttl: '5m', fetch: async () => ({ columns: ['id'] }) })
    export const columns: Promise<string[]> = cache.get().then((table) => table.columns)
    export const code = (error: unknown): 'DISPOSED' | undefined => error instanceof CacheDisposedError ? error.code : undefined
    const schemas = new CacheRegistry().define({ type: 'schema', ttl: '5m', fetch: async (table: string) => [table] })
    export const found: Promise<Map<string, string[]>> = schemas.getMany(['orders'])
    export const kinds = (events: CacheEvent[]): string[] => events.map((event) => event.kind)
    // @ts-expect-error the declarations are not any
    export const wrong: Promise<number> = cache.get()
  `

  it('of the root compile in both module modes with every library check on, and need no peer', async () => {
    expect(await compile(bare, { 'root.mts': program, 'root.cts': program })).toBe('compiles')
  })

  it('of every subpath compile in both module modes, and mixed', async () => {
    const all = specifiers.map((specifier, at) => `export * as all${at} from '${specifier}'`).join('\n')
    const mixed = `
      import type { BackgroundCache } from 'evercurrent' with { 'resolution-mode': 'import' }
      import { values$ } from 'evercurrent/rxjs'
      export const first = (cache: BackgroundCache<{ id: number }>) => values$(cache).subscribe((value) => value.id.toFixed())
    `
    expect(await compile(consumer, { 'all.mts': all, 'all.cts': all, 'mixed.cts': mixed })).toBe('compiles')
  })

  it('compile with the programs of test/types in both module modes', { timeout: 120_000 }, async () => {
    const folder = join(root, 'test/types/samples')
    // There is no extension for JSX that says which module system it is of.
    const names = readdirSync(folder).filter((name) => name.endsWith('.ts'))
    const programs = names.flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      return [[name.replace('.ts', '.mts'), text] as const, [name.replace('.ts', '.cts'), text] as const]
    })
    expect(await compile(consumer, Object.fromEntries(programs))).toBe('compiles')
  })
})
