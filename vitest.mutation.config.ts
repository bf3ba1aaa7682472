/** Which tests judge a mutant: all that run in this process in a few seconds, so that a thousand mutants take minutes. */
import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    include: ['test/{laws,races,state,policy,testing}/**/*.test.ts'],
    // A mutant does not reach processes of their own, and the random schedules would judge all of them by name of none.
    exclude: ['test/laws/lifetime-process.test.ts', 'test/laws/ownership-random.test.ts'],
    testTimeout: 10_000,
  },
})
