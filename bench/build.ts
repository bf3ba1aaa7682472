/** Builds the package as it is published and installs it beside the contenders, in a folder of their own. */

import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsup'
import { packageName } from './rivals/lru-cache.ts'

const rival = fileURLToPath(new URL(`./node_modules/${packageName}`, import.meta.url))
const program = fileURLToPath(new URL('./contender.ts', import.meta.url))

/** Which version of the rival is installed, if any: the benchmark itself never installs it. */
export function installedRival(): string | undefined {
  const manifest = join(rival, 'package.json')
  return existsSync(manifest) ? `${packageName} ${JSON.parse(readFileSync(manifest, 'utf8')).version}` : undefined
}

/** Returns the program of one contender, plain JavaScript that imports `evercurrent` by its name. */
export async function install(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/evercurrent')
  await build({ outDir: join(installed, 'dist'), format: 'esm', dts: false, silent: true })
  copyFileSync('package.json', join(installed, 'package.json'))
  if (installedRival()) symlinkSync(rival, join(folder, 'node_modules', packageName), 'junction')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await build({ ...bundle, entry: [program], outDir: folder, external: ['evercurrent'] })
  return join(folder, 'contender.js')
}

/** Bytes of one import from a package, minified and compressed. */
export async function bundleSize(folder: string, imported: string, name: string): Promise<number> {
  const entry = join(folder, 'one-import.js')
  writeFileSync(entry, `export { ${imported} } from '${name}'\n`)
  await build({ ...bundle, entry: [entry], outDir: join(folder, 'bundle'), minify: true })
  return gzipSync(readFileSync(join(folder, 'bundle/one-import.js')), { level: 9 }).length
}

const bundle = { config: false, format: 'esm', target: 'es2022', silent: true } as const
