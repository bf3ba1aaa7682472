/**
 * Plants each bug of a committed list in a copy of `src` and fails unless the explorers find it.
 * `--short`: a subset; any other argument: the bugs with that in their name.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PlantedBug, plantedBugs } from '../test/explore/planted-bugs.ts'

/** What scripts/explore.ts exits with when a law was broken. */
const BROKEN = 3
const LIMIT_MS = 180_000
/** Without a bug the hunt goes on to its end. */
const HEALTHY_LIMIT_MS = 5 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
const workshop = mkdtempSync(join(tmpdir(), 'evercurrent-planted-'))

interface Outcome {
  readonly code: number | null
  readonly output: string
  readonly seconds: number
}

/** A copy of what the explorers need, with one bug in it, or none. */
function makeCopy(name: string, bug?: PlantedBug): string {
  const folder = join(workshop, name)
  mkdirSync(folder)
  for (const path of ['src', 'test/explore', 'test/model', 'scripts/explore.ts', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  if (bug) {
    const file = join(folder, 'src', bug.file)
    const text = readFileSync(file, 'utf8')
    const places = text.split(bug.search).length - 1
    if (places !== 1) throw new Error(`Cannot plant '${bug.name}': ${bug.file} has its place ${places} times`)
    writeFileSync(
      file,
      text.replace(bug.search, () => bug.replacement),
    )
  }
  return folder
}

const grounds = ['--hunt', '--hunt-registry', '--hunt-tiers'] as const
type Ground = (typeof grounds)[number]
const groundOf = ({ severalKeys, severalRegistries }: PlantedBug): Ground =>
  severalRegistries ? '--hunt-tiers' : severalKeys ? '--hunt-registry' : '--hunt'

function hunt(folder: string, ground: Ground, limit = LIMIT_MS): Promise<Outcome> {
  const began = performance.now()
  const hunter = spawn(process.execPath, ['--import', 'tsx', 'scripts/explore.ts', ground], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [hunter.stdout, hunter.stderr]) stream.on('data', (text) => (output += text))
  return new Promise((resolve) => {
    hunter.on('close', (code) => resolve({ code, output, seconds: (performance.now() - began) / 1000 }))
  })
}

/** What became of one bug, in one line; `undefined` when it was found. */
function verdictOn({ code, output }: Outcome): string | undefined {
  if (code === BROKEN) return undefined
  if (code === 0) return 'SURVIVED: no law was seen broken'
  return `not found by a law: ${code === null ? 'it ran too long' : output.trim().split('\n').slice(0, 5).join(' ')}`
}

const [short, wanted] = [
  process.argv.includes('--short'),
  process.argv.slice(2).filter((name) => !name.startsWith('--')),
]
const bugs = plantedBugs.filter(
  (bug) => (!short || bug.short) && (wanted.length === 0 || wanted.some((name) => bug.name.includes(name))),
)
const complaints: string[] = []
try {
  const copies = bugs.map((bug, index) => [bug, makeCopy(String(index), bug)] as const)
  // Were a law broken without any bug, finding one would prove nothing. In the short form the tests have shown that.
  const copy = short || wanted.length > 0 ? undefined : makeCopy('healthy')
  const healthy = copy ? grounds.map((ground) => hunt(copy, ground, HEALTHY_LIMIT_MS)) : []
  const began = performance.now()
  const worker = async () => {
    for (let next = copies.shift(); next; next = copies.shift()) {
      const [bug, folder] = next
      const outcome = await hunt(folder, groundOf(bug))
      const complaint = verdictOn(outcome)
      if (complaint) complaints.push(`${bug.name} (${bug.law}: ${bug.harm}): ${complaint}`)
      const found = complaint ?? (outcome.output.split('\n')[0] as string).slice(0, 100)
      console.log(`${bug.law.padEnd(4)} ${bug.name.padEnd(44)} ${outcome.seconds.toFixed(1).padStart(5)} s  ${found}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker))
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(`\n${bugs.length - complaints.length} of ${bugs.length} planted bugs found in ${seconds} s`)
  for (const { code, output } of await Promise.all(healthy)) {
    if (code === null) complaints.push('a hunt without a bug ran too long')
    else if (code) complaints.push(`a law is broken without any bug:\n${output}`)
  }
} finally {
  rmSync(workshop, { recursive: true, force: true })
}
for (const complaint of complaints) console.log(complaint)
process.exitCode = complaints.length > 0 ? 1 : 0
