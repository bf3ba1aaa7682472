/** Which schedules there are: all of a length, or a seeded sample of longer ones; and what no schedule may leave behind. */
import { hold } from './violation.ts'

/** Picks the next of the steps that are open; `undefined` ends the schedule. */
export type Choose = (open: readonly string[]) => string | undefined

/** Plays one schedule; what came before `checkFrom` was checked in an earlier one. */
type Play = (choose: Choose, checkFrom: number) => Promise<void>

const turnEvery = 500

/** Rejections that nobody handled; Node tells of them when the turn ends. */
async function withoutUnhandled<T>(explore: (endTurn: () => Promise<void>) => Promise<T>): Promise<T> {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  const endTurn = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    hold(unhandled.length === 0, 'L11', () => `${unhandled.length} rejections were not handled, first ${unhandled[0]}`)
  }
  process.on('unhandledRejection', note)
  try {
    const result = await explore(endTurn)
    await endTurn()
    return result
  } finally {
    process.off('unhandledRejection', note)
  }
}

/** Plays every schedule of that many steps and returns how many there are. */
export function everySchedule(depth: number, play: Play): Promise<number> {
  return withoutUnhandled(async (endTurn) => {
    const path: number[] = []
    const widths: number[] = []
    let schedules = 0
    let changed = 0
    do {
      let step = 0
      const choose: Choose = (open) => {
        if (step === depth) return undefined
        widths[step] = open.length
        path[step] ??= 0
        return open[path[step++] as number]
      }
      await play(choose, changed)
      path.length = widths.length = step
      schedules++
      if (schedules % turnEvery === 0) await endTurn()
      // The next path in order: what comes before the step that changes was checked already.
      while (path.length > 0 && (path.at(-1) as number) + 1 >= (widths[path.length - 1] as number)) path.pop()
      changed = path.length - 1
      if (path.length > 0) path[changed] = (path[changed] as number) + 1
    } while (path.length > 0)
    return schedules
  })
}

/** A generator of numbers in [0, 1) that a seed determines (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Plays that many schedules drawn at random, of that many steps. `play` is given the number of the schedule, from 1. */
export function sampleSchedules(
  { depth, schedules, seed }: { readonly depth: number; readonly schedules: number; readonly seed: number },
  play: (choose: Choose, schedule: number, random: () => number) => Promise<void>,
): Promise<void> {
  return withoutUnhandled(async (endTurn) => {
    const random = randomFrom(seed)
    for (let schedule = 1; schedule <= schedules; schedule++) {
      let step = 0
      const choose: Choose = (open) => {
        if (step++ === depth) return undefined
        const chosen = open[Math.floor(random() * open.length)]
        // Disposing ends a schedule, so it is drawn seldom.
        return chosen === 'dispose' && random() < 0.8 ? 'get' : chosen
      }
      await play(choose, schedule, random)
      if (schedule % turnEvery === 0) await endTurn()
    }
  })
}
