/** How far the explorers go: in every test run, in a long one, and on the hunt for a planted bug. */
import { exploreKeyed, sampleKeyed } from './keyed.ts'
import { type KeyedRules, keyedRules, widerRules } from './keyed-rules.ts'
import { explorePure } from './pure.ts'
import { exploreReal, sampleReal } from './real.ts'
import { allRules, type Rules } from './rules.ts'

export interface Level {
  /** every schedule of that many moves of the pure machine, state by state */
  readonly pure: (rules: Rules) => number
  /** every schedule of that many steps of the real class */
  readonly real: (rules: Rules) => number
  /** every schedule of that many steps of the registry */
  readonly keyed: (rules: KeyedRules) => number
  /** schedules of the real class drawn at random, under each of the rules, and their length */
  readonly sample: number
  readonly sampleDepth: number
}

const number = (name: string): number | undefined => {
  const given = process.env[name]
  return given === undefined ? undefined : Number(given)
}

/** In every test run; any number of it can be set, as in `EXPLORE_REAL=5 npx vitest run test/explore/real.test.ts`. */
export const everyRun: Level = {
  pure: () => number('EXPLORE_PURE') ?? 7,
  real: () => number('EXPLORE_REAL') ?? 4,
  keyed: ({ held }) => number('EXPLORE_KEYED') ?? (held ? 3 : 4),
  sample: number('EXPLORE_SAMPLE') ?? 1000,
  sampleDepth: number('EXPLORE_SAMPLE_DEPTH') ?? 12,
}

/** `npm run test:explore`: some minutes. Where an outage meets a stale value, one step more is worth its time. */
export const long: Level = {
  pure: () => 8,
  real: ({ name }) => (name === 'stale-if-error' ? 5 : 4),
  keyed: () => 5,
  sample: 20_000,
  sampleDepth: 16,
}

/** From the cheapest to the dearest way to find a bug; the first that finds it ends the hunt. */
const hunt: readonly Level[] = [
  { pure: () => 3, real: () => 0, keyed: () => 1, sample: 0, sampleDepth: 0 },
  { pure: () => 5, real: () => 2, keyed: () => 2, sample: 100, sampleDepth: 12 },
  { pure: () => 6, real: () => 3, keyed: () => 3, sample: 1500, sampleDepth: 14 },
]

export interface Figures {
  states: number
  edges: number
  pureSchedules: number
  realSchedules: number
  sampled: number
}

export interface KeyedFigures {
  schedules: number
  sampled: number
}

/** Throws the first `Violation`. */
export async function explore({ pure, real, sample, sampleDepth }: Level, seed: number, say = (_: string) => {}) {
  const figures: Figures = { states: 0, edges: 0, pureSchedules: 0, realSchedules: 0, sampled: 0 }
  for (const rules of allRules) {
    const { states, edges, schedules } = explorePure(rules, pure(rules))
    figures.states += states
    figures.edges += edges
    figures.pureSchedules += schedules
    say(`pure, ${rules.name}: ${schedules} schedules of ${pure(rules)} moves through ${states} states`)
  }
  for (const rules of allRules) {
    if (real(rules) > 0) figures.realSchedules += await exploreReal(rules, real(rules))
    await sampleReal(rules, sampleDepth, sample, seed)
    figures.sampled += sample
    say(`real, ${rules.name}: every schedule of ${real(rules)} steps, ${sample} of ${sampleDepth}`)
  }
  return figures
}

/** The same for a registry of several keys. */
export async function exploreRegistry({ keyed, sample, sampleDepth }: Level, seed: number, say = (_: string) => {}) {
  const figures: KeyedFigures = { schedules: 0, sampled: 0 }
  for (const rules of keyedRules) {
    const schedules = await exploreKeyed(rules, keyed(rules))
    figures.schedules += schedules
    say(`registry, ${rules.name}: ${schedules} schedules of ${keyed(rules)} steps`)
  }
  for (const rules of [...keyedRules, ...widerRules]) {
    await sampleKeyed(rules, sampleDepth, sample, seed)
    figures.sampled += sample
    say(`registry, ${rules.name}: ${sample} schedules of ${sampleDepth} steps`)
  }
  return figures
}

/** `severalKeys`: among those of a registry. */
export async function huntForBug(severalKeys: boolean): Promise<void> {
  for (const level of hunt) await (severalKeys ? exploreRegistry : explore)(level, 1)
}
