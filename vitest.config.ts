/** Which tests exist and how much of the core they have to execute. `evercurrent` means `src` in them, by tsconfig.json. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const { compilerOptions } = JSON.parse(readFileSync(here('tsconfig.json'), 'utf8'))
const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths

/** Tests of what is published: they need `dist`, all others run on `src`. */
const packaged = ['test/package.test.ts', 'test/exit.test.ts']

export default defineConfig({
  resolve: {
    alias: Object.entries(paths).map(([name, [file]]) => ({ find: new RegExp(`^${name}$`), replacement: here(file) })),
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'source', include: ['test/**/*.test.ts'], exclude: packaged, testTimeout: 20_000 },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: packaged,
          globalSetup: 'test/support/fresh-build.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
      thresholds: {
        'src/state/**': { lines: 100, branches: 100 },
        'src/policy/**': { lines: 100, branches: 100 },
      },
    },
  },
})
