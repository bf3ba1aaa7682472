/** Builds the package as it is published and installs it beside the contenders, in a folder of their own. */

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsup'
import { fileOf } from './contenders.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const modules = here('./node_modules')

/** Whether the other packages are installed: the benchmark itself never does that. */
export const arePeersInstalled = (): boolean => existsSync(join(modules, '.package-lock.json'))

export function versionOf(name: string): string {
  const file = name === 'evercurrent' ? 'package.json' : join(modules, name, 'package.json')
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** Returns the program of one contender, plain JavaScript that imports every package by its name. */
export async function install(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/evercurrent')
  await build({ outDir: join(installed, 'dist'), format: 'esm', dts: false, silent: true })
  copyFileSync('package.json', join(installed, 'package.json'))
  if (arePeersInstalled()) {
    for (const name of readdirSync(modules)) {
      if (!name.startsWith('.')) symlinkSync(join(modules, name), join(folder, 'node_modules', name), 'junction')
    }
  }
  mkdirSync(join(folder, 'peers'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const peers = [...new Set(Object.values(fileOf))].map((file) => [`peers/${file}`, here(`./peers/${file}.ts`)])
  await build({
    ...bundle,
    entry: { contender: here('./contender.ts'), ...Object.fromEntries(peers) },
    outDir: folder,
    skipNodeModulesBundle: true,
  })
  return join(folder, 'contender.js')
}

/** Bytes of what a file is bundled to, minified and compressed. */
export async function bundleSize(folder: string, source: string): Promise<number> {
  const entry = join(folder, 'one-import.js')
  writeFileSync(entry, source)
  await build({
    ...bundle,
    entry: [entry],
    outDir: join(folder, 'bundle'),
    minify: true,
    noExternal: [/./],
    splitting: false,
  })
  return gzipSync(readFileSync(join(folder, 'bundle/one-import.js')), { level: 9 }).length
}

const bundle = { config: false, format: 'esm', target: 'es2022', silent: true } as const
