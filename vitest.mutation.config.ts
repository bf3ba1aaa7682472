/** Which tests judge a mutant: all that run in this process in a few seconds, so that a thousand mutants take minutes. */
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import base from './vitest.config.ts'

/** The first failed test ends a mutant: those of pure functions come first, those with hours of fake time last. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      if (/\/test\/(state|policy)\//.test(moduleId)) return 0
      if (/\/(aftermath|refusals|races|values-refused|regressions|patience|hot-path|interop)\./.test(moduleId)) return 1
      return /\/(cool-down|lifetime)\.|\/registry\//.test(moduleId) ? 3 : 2
    }
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1))
  }
}

export default defineConfig({
  ...base,
  test: {
    include: ['test/{laws,races,state,policy,testing,registry}/**/*.test.ts'],
    // A mutant does not reach processes of their own, and five hundred random schedules are slow to judge anything.
    exclude: [
      'test/laws/{lifetime-process,ownership-random}.test.ts',
      'test/registry/{twins,pressure,weak,lifetime}.test.ts',
    ],
    sequence: { sequencer: QuickFirst },
    testTimeout: 10_000,
  },
})
