/** Plays schedules of registries on one store, judges every answer by the laws, and shrinks what breaks one to a story. */

import { randomFrom } from '../explore/schedules.ts'
import { hold, Violation } from '../explore/violation.ts'
import { endOf } from './tiers-end.ts'
import { type TierRules, tierRules } from './tiers-rules.ts'
import { kinds, type Step, stepsFrom } from './tiers-steps.ts'
import { createWorld } from './tiers-world.ts'

const theEnd = '— the end —'

/** Plays steps; returns those that could be taken. */
export async function play(
  rules: TierRules,
  steps: Iterable<Step>,
  story?: string[],
): Promise<{ taken: Step[]; broken?: Violation }> {
  const taken: Step[] = []
  const world = await createWorld(rules, story)
  for (let at = 0; at < rules.registries; at++) world.begin('ABC'.charAt(at))
  try {
    for (const step of steps) {
      if ((await kinds[step.what]?.take(world, step)) === false) continue
      taken.push(step)
      if (!step.sudden) await world.settle()
    }
    world.say(theEnd)
    await endOf(world)
    return { taken }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return { taken, broken: error }
  }
}

/** Leaves out what is not needed to break the same law. */
async function shrink(rules: TierRules, steps: readonly Step[], law: string): Promise<readonly Step[]> {
  let best = steps
  const breaks = async (candidate: readonly Step[]) => (await play(rules, candidate)).broken?.law === law
  for (let size = Math.ceil(best.length / 2); size >= 1; ) {
    let isShorter = false
    for (let at = 0; at < best.length; ) {
      const candidate = best.toSpliced(at, size)
      if (await breaks(candidate)) {
        best = candidate
        isShorter = true
      } else at += size
    }
    if (!isShorter || size > 1) size = size === 1 ? 0 : Math.floor(size / 2)
  }
  const simpler: ((step: Step) => Step)[] = [
    (step) => ({ ...step, sudden: false }),
    (step) => ({ ...step, key: 0 }),
    (step) => ({ ...step, pick: 0 }),
    (step) => ({ ...step, who: step.who % rules.registries }),
    (step) => ({ ...step, who: 0 }),
  ]
  for (const simplify of simpler) {
    for (let at = 0; at < best.length; at++) {
      const candidate = best.with(at, simplify(best[at] as Step))
      if (await breaks(candidate)) best = candidate
    }
  }
  return best
}

/** Of the end, only what is about registries and keys that came up before it. */
function brief(story: readonly string[]): string[] {
  const end = story.findIndex((line) => line.endsWith(theEnd))
  const before = story.slice(0, end < 0 ? undefined : end)
  const named = new Set(before.flatMap((line) => line.match(/\b([A-C]|[xyz])\b/g) ?? []))
  const isKnown = (line: string) => (line.match(/\b([A-CN]|[xyz])\b/g) ?? []).every((name) => named.has(name))
  return [...before, ...story.slice(before.length).filter(isKnown)]
}

export interface Sample {
  readonly seed: number
  readonly schedules: number
  /** how many steps one has at most */
  readonly length: number
  readonly rules?: readonly TierRules[]
  /** is given the steps of what broke a rule */
  readonly found?: (rules: TierRules, steps: readonly Step[]) => void
}

/** Throws the first `Violation`, with the story that leads to it; returns how many steps were taken. */
export async function sampleTiers({ seed, schedules, length, rules = tierRules, found }: Sample): Promise<number> {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  let steps = 0
  try {
    for (let number = 0; number < schedules; number++) {
      const chosen = rules[number % rules.length] as TierRules
      const random = randomFrom(seed * 1_000_003 + number)
      const next = stepsFrom(random)
      const drawn = Array.from({ length: 4 + Math.floor(random() * (length - 3)) }, next)
      const { taken, broken } = await play(chosen, drawn)
      steps += taken.length
      if (broken) {
        const story: string[] = []
        const few = await shrink(chosen, drawn, broken.law)
        found?.(chosen, few)
        const { broken: shrunk = broken } = await play(chosen, few, story)
        throw new Violation(
          shrunk.law,
          `${shrunk.message.slice(shrunk.law.length + 2)}\n  rules: ${chosen.name}; seed ${seed}, schedule ${number}\n${brief(story).join('\n')}\n  steps: ${few.map(({ what, sudden }) => (sudden ? `${what}, at once` : what)).join(', ')}`,
        )
      }
      hold(
        unhandled.length === 0,
        'L11',
        () => `a rejection was not handled: ${unhandled[0]} (seed ${seed}, schedule ${number})`,
      )
    }
    return steps
  } finally {
    process.off('unhandledRejection', note)
  }
}

/** From short schedules to long ones: what a planted bug is hunted with. */
export async function huntInTiers(): Promise<void> {
  await sampleTiers({ seed: 1, schedules: 1500, length: 10 })
  await sampleTiers({ seed: 2, schedules: 6000, length: 24 })
}
