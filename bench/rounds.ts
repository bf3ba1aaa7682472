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

/** The program of one process, ready to be asked. */
async function start(program: string, args: readonly string[], flags: readonly string[] = []) {
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = fork(program, args, { execArgv: [...flags], env })
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${args.join(': ')} ended with ${code ?? signal}`)
  })
  gone.catch(() => {})
  const answer = async () => (await Promise.race([once(child, 'message'), gone]))[0] as number
  await answer()
  return {
    round(budgetMs: number) {
      child.send(budgetMs)
      return answer()
    },
    stop: () => child.kill(),
  }
}

/** Figures by contender. */
export async function measure(program: string, name: string, { contenders, flags }: Scenario, effort: Effort) {
  const figures = new Map(Object.keys(contenders).map((contender) => [contender, [] as number[]]))
  for (let cast = 0; cast < effort.casts; cast++) {
    const actors: (readonly [number[], Awaited<ReturnType<typeof start>>])[] = []
    try {
      for (const [contender, measured] of figures) {
        const actor = await start(program, [name, contender], flags)
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
  return figures
}
