/** The page's files, built from its sources and from those of the package, into a folder that goes with this program. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Gives the folder. */
export async function buildPage(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'evercurrent-page-'))
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }))
  const { compilerOptions } = JSON.parse(readFileSync(here('../../tsconfig.json'), 'utf8'))
  const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths
  await build({
    configFile: false,
    root: here('./app'),
    logLevel: 'warn',
    resolve: {
      alias: Object.entries(paths).map(([name, [file]]) => ({
        find: new RegExp(`^${name}$`),
        replacement: here(`../../${file}`),
      })),
    },
    build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
  })
  return outDir
}
