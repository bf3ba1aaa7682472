/** Which tests exist, what `evercurrent` means inside them, and how much of the core they have to execute. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}/index.ts`, import.meta.url))

/** Tests of what is published: they need `dist`, all others run on `src`. */
const packaged = ['test/package.test.ts', 'test/exit.test.ts']

export default defineConfig({
  resolve: {
    alias: [
      { find: /^evercurrent$/, replacement: source('.') },
      { find: /^evercurrent\/(rxjs|testing)$/, replacement: source('$1') },
    ],
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
