/** The program of one process: makes its contender ready, then measures a round whenever it is asked to. */

import { scenarios } from './scenarios/index.ts'

const [scenario = '', contender = ''] = process.argv.slice(2)
const prepare = scenarios[scenario]?.contenders[contender] ?? scenarios[scenario]?.rivals?.[contender]
if (!prepare) throw new Error(`No contender ${scenario}: ${contender}`)
const round = await prepare()

process.on('message', async (budgetMs: number) => {
  process.send?.(await round(budgetMs))
})
process.send?.('ready')
