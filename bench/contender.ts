/** The program of one process: makes its contender ready, then measures a round whenever it is asked to. */

import { fileOf, named, type PeerFile } from './contenders.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'

const [scenario = '', contender = ''] = process.argv.slice(2)

async function prepare({ contenders, rival }: Scenario) {
  const own = contenders[contender]
  if (own) return own()
  const file: PeerFile = await import(new URL(`./peers/${fileOf[contender]}.js`, import.meta.url).href)
  return rival ? rival(named(file, contender)) : 'not measured'
}

const round = scenarios[scenario] ? await prepare(scenarios[scenario]) : `no scenario ${scenario}`
if (typeof round !== 'string') {
  process.on('message', async (budgetMs: number) => {
    process.send?.([await round(budgetMs)].flat())
  })
}
process.send?.(typeof round === 'string' ? round : 'ready')
