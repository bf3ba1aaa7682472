/** Examines the contenders of one file of bench/peers in this process, and hands what was seen to the one that started it. */

import type { Contender } from './contender.ts'
import { examine } from './examine.ts'

const [file = '', name = '', ...chosen] = process.argv.slice(2)

const loadContenders = async () => {
  const { contenders }: { contenders: readonly Contender[] } = await import(`../peers/${file}.ts`)
  return contenders.filter((contender) => name === '*' || contender.name === name)
}

const findings = await examine(loadContenders, chosen, (line) => console.log(line))
// What a contender leaves running, a timer or a socket, is not waited for.
const leave = () => process.exit(0)
if (process.send) process.send(findings, leave)
else leave()
