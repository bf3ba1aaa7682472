/** Plays the scenes, a few processes at a time, and tells what was seen: figures that are the same in every run. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fileOf } from './contenders.ts'
import type { Bar } from './measured.ts'
import { scenes } from './scenes/index.ts'
import type { Scene, Seen } from './scenes/scene.ts'
import { table } from './table.ts'

export type Played = ReadonlyMap<string, ReadonlyMap<string, Seen>>

const program = fileURLToPath(new URL('./scenes/one.ts', import.meta.url))
const atOnce = 2

function playFile(file: string, chosen: readonly string[]): Promise<readonly [string, string, Seen][]> {
  const child = fork(program, [file, ...chosen], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    let seen: [string, string, Seen][] | undefined
    child.on('message', (message) => {
      seen = message as [string, string, Seen][]
    })
    child.on('close', (code, signal) =>
      seen && code === 0 ? resolve(seen) : reject(new Error(`${file} did not play to the end: ${signal ?? code}`)),
    )
  })
}

/** By scene and contender, in the order of the tables. */
export async function playAll(chosen: readonly string[], files: readonly string[]): Promise<Played> {
  const all: (readonly [string, string, Seen])[] = []
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) all.push(...(await playFile(file, chosen)))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return new Map(
    chosen.map((name) => {
      const seen = new Map(all.filter(([scene]) => scene === name).map(([, contender, each]) => [contender, each]))
      const order = Object.keys(fileOf).filter((contender) => seen.has(contender))
      return [name, new Map(order.map((contender) => [contender, seen.get(contender) as Seen]))]
    }),
  )
}

const seconds = (ms: number) => (Number.isFinite(ms) ? (ms / 1000).toFixed(ms < 10_000 ? 2 : 1) : '–')
const share = (part: number, whole: number) =>
  part ? `${part} (${((100 * part) / whole).toFixed(part / whole < 0.01 ? 1 : 0)} %)` : '0'

export function sceneSection(name: string, seen: ReadonlyMap<string, Seen>): string {
  const { title, story, recoversAt } = scenes[name] as Scene
  const head = ['', 'loads', 'at once', 'waited', 'longest wait, s', 'errors', 'past TTL', 'median age, s', 'oldest, s']
  const rows = [...seen].map(([contender, each]) => [
    contender,
    String(each.loads),
    String(each.atOnce),
    share(each.blocked, each.reads),
    seconds(each.longestWait),
    share(each.errors, each.reads),
    share(each.pastTtl, each.reads),
    seconds(each.medianAge),
    seconds(each.oldest),
    ...(recoversAt === undefined ? [] : [each.recovered === undefined ? 'never' : seconds(each.recovered)]),
  ])
  if (recoversAt !== undefined) head.push('recovery, s')
  const lost = [...seen]
    .filter(([, { unhandled }]) => unhandled)
    .map(([contender, { unhandled }]) => `${contender} ${unhandled}`)
  const rejections = lost.length
    ? `\n\nRejections that nobody handled, which end a Node process: ${lost.join(', ')}.`
    : ''
  return `### ${title}\n\n${story}\n\n${table({ head, rows })}${rejections}`
}

const is = (what: string, bar: string, measured: number, isMet: boolean): Bar => ({
  what,
  bar,
  measured: String(measured),
  isMet,
})

/** The bars that are counts. */
export function sceneBars(played: Played): Bar[] {
  const of = (scene: string, contender: string) => played.get(scene)?.get(contender)
  const bars: Bar[] = []
  const dense = of('dense', 'evercurrent')
  if (dense)
    bars.push(
      is('Dense expiry: reads that waited', '0', dense.blocked, dense.blocked === 0),
      is('Dense expiry: reads of a value older than TTL', '0', dense.pastTtl, dense.pastTtl === 0),
    )
  const sparse = of('sparse', 'evercurrent-kept-fresh')
  if (sparse) {
    const most = Math.ceil((20 * 60) / 8)
    bars.push(
      is('Sparse expiry, `keepFresh()`: reads that waited', '0', sparse.blocked, sparse.blocked === 0),
      is('Sparse expiry, `keepFresh()`: reads of a value older than TTL', '0', sparse.pastTtl, sparse.pastTtl === 0),
      is('Sparse expiry, `keepFresh()`: loads, one per TTL − window', `≤ ${most}`, sparse.loads, sparse.loads <= most),
    )
  }
  const storm = of('storm', 'evercurrent')
  if (storm)
    bars.push(
      is('Error storm: loads in 5,000 reads', '≤ 8', storm.loads, storm.loads <= 8),
      is('Error storm: readers with an error', '0', storm.errors, storm.errors === 0),
    )
  return bars
}
