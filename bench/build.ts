/** Builds the package as it is published and installs it beside the contenders, in a folder of their own. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsup'

const program = fileURLToPath(new URL('./contender.ts', import.meta.url))

/** Returns the program of one contender, plain JavaScript that imports `evercurrent` by its name. */
export async function install(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/evercurrent')
  await build({ outDir: join(installed, 'dist'), format: 'esm', dts: false, silent: true })
  copyFileSync('package.json', join(installed, 'package.json'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await build({ ...bundle, entry: [program], outDir: folder, external: ['evercurrent'] })
  return join(folder, 'contender.js')
}

/** Bytes of `import { BackgroundCache }`, minified and compressed. */
export async function bundleSize(folder: string): Promise<number> {
  const entry = join(folder, 'one-import.js')
  writeFileSync(entry, "export { BackgroundCache } from './node_modules/evercurrent/dist/index.js'\n")
  await build({ ...bundle, entry: [entry], outDir: join(folder, 'bundle'), minify: true })
  return gzipSync(readFileSync(join(folder, 'bundle/one-import.js')), { level: 9 }).length
}

const bundle = { config: false, format: 'esm', target: 'es2022', silent: true } as const
