/**
 * Explores for longer than the tests do. `--hunt`, `--hunt-registry`, `--hunt-tiers`: only until a law is broken, as
 * scripts/planted-bugs.ts wants it.
 */
import { explore, exploreRegistry, huntForBug, long } from '../test/explore/levels.ts'
import { Violation } from '../test/explore/violation.ts'
import { huntInTiers, sampleTiers } from '../test/model/tiers.ts'

/** Exit codes: a law was broken; anything else went wrong. */
const BROKEN = 3
const CRASHED = 2

const seed = Date.now() % 1_000_003
try {
  if (process.argv.includes('--hunt')) await huntForBug(false)
  else if (process.argv.includes('--hunt-registry')) await huntForBug(true)
  else if (process.argv.includes('--hunt-tiers')) await huntInTiers()
  else {
    console.log(`seed of the samples: ${seed}`)
    console.log(await explore(long, seed, console.log))
    console.log(await exploreRegistry(long, seed, console.log))
    const steps = await sampleTiers({ seed, schedules: 8000, length: 40 })
    console.log(`registries on one store: 8000 schedules, ${steps} steps`)
  }
  process.exit(0)
} catch (error) {
  const isViolation = error instanceof Violation
  console.log(isViolation ? error.message : error)
  process.exit(isViolation ? BROKEN : CRASHED)
}
