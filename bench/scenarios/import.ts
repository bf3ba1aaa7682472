/** What importing the core costs a process that is already warm, over a module in which there is nothing. */

import { copyFileSync, cpSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { packageName } from '../rivals/lru-cache.ts'
import { type Contender, median, type Scenario } from '../scenario.ts'

const dist = dirname(fileURLToPath(import.meta.resolve('evercurrent')))
const seen = new Set<object>()

/** Imports a copy each time, so that all of its files are read, compiled and executed. */
async function importCopy(write: (folder: string) => void, exported: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(dist, '../copy-'))
  write(folder)
  const url = pathToFileURL(join(folder, 'index.js')).href
  const began = performance.now()
  const module = await import(url)
  const passed = performance.now() - began
  const isRight = exported.every((name) => typeof module[name] === 'function' && !seen.has(module[name]))
  for (const name of exported) seen.add(module[name])
  if (!isRight) throw new Error(`${url} is not a fresh instance of the module`)
  return passed
}

const importing = (write: (folder: string) => void, exported: readonly string[]): Contender => {
  return () => async (budgetMs) => {
    const passed = [await importCopy(write, exported)]
    for (const end = performance.now() + budgetMs; performance.now() < end; )
      passed.push(await importCopy(write, exported))
    return median(passed)
  }
}

const writeEmpty = (folder: string) => writeFileSync(join(folder, 'index.js'), 'export {}\n')
const writeCore = (folder: string) =>
  cpSync(dist, folder, { recursive: true, filter: (path) => !path.endsWith('.map') })
/** What `import 'lru-cache'` leads to in Node is one file, minified by its author. */
const writeLru = (folder: string) =>
  copyFileSync(fileURLToPath(import.meta.resolve(packageName)), join(folder, 'index.js'))

export const importCost: Scenario = {
  title: 'Import in a warm process',
  unit: 'ms',
  contenders: {
    'floor: an empty module': importing(writeEmpty, []),
    "import('evercurrent')": importing(writeCore, ['BackgroundCache']),
  },
  rivals: { "import('lru-cache')": importing(writeLru, ['LRUCache']) },
  bars: { "import('evercurrent')": { above: 2 } },
}
