/** Which tests exist and how much of the core they have to execute. `evercurrent` means `src` in them, by tsconfig.json. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { chromium, chromiumArguments, howToInstall } from './test/support/chromium.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const { compilerOptions } = JSON.parse(readFileSync(here('tsconfig.json'), 'utf8'))
const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths

/** Tests of what is published: they need `dist`, all others run on `src`. */
const packaged = ['test/package.test.ts', 'test/exit.test.ts']

/** Tests that run inside a page. Those that drive several pages from outside are tests like any other. */
const paged = 'test/**/*.browser.test.{ts,tsx}'

const inBrowser: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'browser',
    include: [paged],
    testTimeout: 60_000,
    api: { host: '127.0.0.1' },
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath: chromium ?? '', args: chromiumArguments } }),
      instances: [{ browser: 'chromium' }],
    },
  },
}
if (!chromium) console.warn(`Tests in a browser are skipped: ${howToInstall}`)

export default defineConfig({
  resolve: {
    alias: Object.entries(paths).map(([name, [file]]) => ({ find: new RegExp(`^${name}$`), replacement: here(file) })),
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'source',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: [...packaged, paged],
          testTimeout: 60_000,
        },
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
      ...(chromium ? [inBrowser] : []),
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
