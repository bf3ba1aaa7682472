/** `npm run compare [-- --check | <contender or case>…]`: runs everything and writes docs/comparison.md, or shows chosen cases. */

import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { files } from './contenders.ts'
import { type Findings, words } from './examine.ts'
import { report, wrongs } from './report.ts'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const document = at('docs/comparison.md')
const atOnce = 2

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const contenders = Object.values(files).flat()
const unknown = positionals.find((word) => ![...contenders, ...words].includes(word))
if (unknown !== undefined) {
  console.error(`No contender or case ${unknown}. Contenders: ${contenders.join(', ')}. Cases: ${words.join(', ')}.`)
  process.exit(1)
}
const named = positionals.filter((word) => contenders.includes(word))
const cases = positionals.filter((word) => words.includes(word))
const isWhole = !positionals.length
/** The file of each and, where only one of its contenders was asked for, that one. */
const chosen =
  isWhole || !named.length
    ? Object.keys(files).map((file) => [file, '*'] as const)
    : named.map((name) => [Object.keys(files).find((file) => files[file]?.includes(name)) ?? name, name] as const)

function installPeers(): void {
  if (existsSync(at('bench/node_modules/.package-lock.json'))) return
  console.log('Installing what is compared: npm ci --prefix bench')
  const { status } = spawnSync('npm ci --no-audit --no-fund --prefix bench', {
    cwd: at('.'),
    shell: true,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`npm ci --prefix bench ended with ${status}`)
}

/** In a process of its own: the clocks and timers are replaced there, and globals of one package do not meet another's. */
function examineFile(file: string, name: string): Promise<readonly Findings[]> {
  const child: ChildProcess = fork(at('bench/compare/one.ts'), [file, name, ...cases], {
    cwd: at('.'),
    execArgv: ['--import', 'tsx'],
    stdio: [isWhole ? 'ignore' : 'inherit', isWhole ? 'ignore' : 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    let findings: readonly Findings[] | undefined
    child.on('message', (message) => {
      findings = message as readonly Findings[]
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (findings && code === 0) resolve(findings)
      else reject(new Error(`${file} was not examined to the end: ${signal ?? `exit code ${code}`}`))
    })
  })
}

function versionOf(name: string): string {
  const file = at(name === 'evercurrent' ? 'package.json' : `bench/node_modules/${name}/package.json`)
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** In the order of `chosen`, a few at a time; what is shown on the console, one after the other. */
async function examineAll(): Promise<Findings[]> {
  const results: (readonly Findings[])[] = []
  const waiting = [...chosen.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, [file, name]] = next
      results[index] = await examineFile(file, name)
      if (isWhole) console.log(`${file}: examined`)
    }
  }
  await Promise.all(Array.from({ length: isWhole ? atOnce : 1 }, work))
  return results.flat()
}

if (chosen.some(([file]) => file !== 'evercurrent')) installPeers()
const all = await examineAll()

if (isWhole) {
  const [major = ''] = process.versions.node.split('.')
  const written = existsSync(document) ? readFileSync(document, 'utf8') : ''
  const text = report(all, versionOf, major)
  if (!values.check) {
    writeFileSync(document, text)
    console.log('docs/comparison.md is written.')
  } else if (written === text) console.log('docs/comparison.md is what this run would write.')
  else {
    const lines = written.split('\n')
    const index = text.split('\n').findIndex((line, number) => line !== lines[number])
    console.error(
      `docs/comparison.md is not what this run would write. Line ${index + 1} is\n${lines[index]}\nand would be\n${text.split('\n')[index]}`,
    )
    process.exitCode = 1
  }
}

const ownWrongs = all.filter(({ contender }) => contender.name === 'evercurrent').flatMap(wrongs)
for (const wrong of ownWrongs) console.error(`Wrong: ${wrong}`)
if (ownWrongs.length) process.exitCode = 1
