/** Builds `dist` before the tests that need it, unless it is newer than everything it is made from. */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders count as well: deleting a file changes only the time of the folder it was in. */
const times = (folder: string): number[] => {
  const inside = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return [folder, ...inside.map((path) => join(folder, path))].map((path) => statSync(join(root, path)).mtimeMs)
}

const built = (): number => {
  try {
    return statSync(join(root, 'dist/testing.d.cts')).mtimeMs
  } catch {
    return 0
  }
}

export default function setup(): void {
  const sources = [
    ...times('src'),
    ...['package.json', 'tsconfig.json'].map((path) => statSync(join(root, path)).mtimeMs),
  ]
  if (built() > Math.max(...sources)) return
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  try {
    execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 })
  } catch {
    // Its complaint is on the screen. What it did not build is missing, so the tests of it fail, and only those.
  }
}
