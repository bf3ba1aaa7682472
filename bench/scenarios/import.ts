/** What importing a package costs a new process, beyond one that imports a module in which there is nothing. */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Contender as Peer } from '../compare/contender.ts'
import { type Contender, median, type Scenario } from '../scenario.ts'

const file = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

/** In a new process: milliseconds from the first statement to the end of the import. */
const importing = (specifier: string): Contender => {
  return () => {
    const program = file(`importing-${specifier.replace(/[^\w-]+/g, '-')}`)
    writeFileSync(
      program,
      `const began = performance.now()
const module = await import(${JSON.stringify(specifier)})
const passed = performance.now() - began
if (${specifier !== emptyModule} && !Object.keys(module).length) throw new Error('Nothing was imported')
process.stdout.write(String(passed))
`,
    )
    const importOnce = () => {
      const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      return Number(stdout)
    }
    return async (budgetMs) => {
      const passed = [importOnce()]
      for (const end = performance.now() + budgetMs; performance.now() < end; ) passed.push(importOnce())
      return median(passed)
    }
  }
}

const emptyModule = 'data:text/javascript,'

/** What the file of a peer imports, where that is not its first package. */
const entries: Readonly<Record<string, string>> = {
  'layered-loader': 'layered-loader/core',
}

export const importCost: Scenario = {
  title: 'Import into a new process',
  unit: 'ms',
  contenders: {
    'floor: an empty module': importing(emptyModule),
    "import('evercurrent')": importing('evercurrent'),
  },
  rival: ({ name, packages: [first = name] }: Peer) => importing(entries[name] ?? first)(),
  isHeavy: true,
  bars: { "import('evercurrent')": { above: 2 } },
}
