/** Measures the contenders of one scenario in turn, A B C A B C, one process each and one at a time. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Scenario } from './scenario.ts'

export interface Effort {
  /** how often all processes are started anew: where V8 put its code differs from one to the next */
  readonly casts: number
  readonly rounds: number
  readonly warmUpMs: number
  readonly roundMs: number
}

/** What each of its rounds gave, or why there were none. */
export type Measured = readonly (readonly number[])[] | string

/** The program of one process, ready to be asked, or why it does not take part. */
async function start(program: string, args: readonly string[], flags: readonly string[] = []) {
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = fork(program, args, { execArgv: [...flags], env })
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${args.join(': ')} ended with ${code ?? signal}`)
  })
  gone.catch(() => {})
  const answer = async () => (await Promise.race([once(child, 'message'), gone]))[0]
  const stop = () => child.kill()
  const first: string = await answer()
  if (first !== 'ready') {
    stop()
    return first
  }
  return {
    async round(budgetMs: number): Promise<readonly number[]> {
      child.send(budgetMs)
      return answer()
    },
    stop,
  }
}

type Actor = Exclude<Awaited<ReturnType<typeof start>>, string>

/** What was measured, by contender. */
export async function measure(
  program: string,
  name: string,
  { flags }: Scenario,
  contenders: readonly string[],
  effort: Effort,
): Promise<ReadonlyMap<string, Measured>> {
  const figures = new Map<string, (readonly number[])[]>()
  const absent = new Map<string, string>()
  for (let cast = 0; cast < effort.casts; cast++) {
    const actors: (readonly [(readonly number[])[], Actor])[] = []
    try {
      for (const contender of contenders) {
        if (absent.has(contender)) continue
        const actor = await start(program, [name, contender], flags)
        if (typeof actor === 'string') {
          absent.set(contender, actor)
          continue
        }
        const measured = figures.get(contender) ?? []
        figures.set(contender, measured)
        actors.push([measured, actor])
        await actor.round(effort.warmUpMs)
      }
      for (let round = 0; round < effort.rounds; round++) {
        for (const [measured, actor] of actors) measured.push(await actor.round(effort.roundMs))
      }
    } finally {
      for (const [, actor] of actors) actor.stop()
    }
  }
  return new Map(contenders.map((contender) => [contender, absent.get(contender) ?? figures.get(contender) ?? []]))
}
