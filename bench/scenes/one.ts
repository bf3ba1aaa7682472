/** Plays the scenes with the contenders of one file of bench/peers in this process, and hands what was seen to its parent. */

import { installFakeTime } from '../compare/fake-time.ts'
import { fileOf, named, type PeerFile } from '../contenders.ts'
import { scenes } from './index.ts'
import { play } from './play.ts'
import type { Seen } from './scene.ts'

const [file = '', ...chosen] = process.argv.slice(2)
let unhandled = 0
process.on('unhandledRejection', () => unhandled++)

const { startTime, uninstall } = installFakeTime(1)
const peer: PeerFile = await import(`../peers/${file}.ts`)
const all: (readonly [scene: string, contender: string, seen: Seen])[] = []
for (const [name, scene] of Object.entries(scenes)) {
  if (!chosen.includes(name)) continue
  for (const contender of scene.cast.filter((each) => fileOf[each] === file)) {
    unhandled = 0
    const seen = await play(named(peer, contender), scene, await startTime())
    all.push([name, contender, { ...seen, unhandled }])
  }
}
uninstall()
process.send?.(all, () => process.exit(0))
