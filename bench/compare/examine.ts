/** Puts one contender through the chosen cases, each with a cache of its own, and collects what was seen. */

import type { Contender } from './contender.ts'
import { installFakeTime } from './fake-time.ts'
import { type InFlight, type Operation, operations, type Path, paths, runInFlight } from './in-flight.ts'
import { type Outage, runOutage, type State, states } from './outage.ts'
import type { Log } from './stage.ts'
import { verdict } from './verdict.ts'

/** `unhandled`: rejections that were left to nobody, which end a Node process. */
export type Finding = (InFlight | Outage) & { readonly unhandled: readonly string[] }

export interface Findings {
  readonly contender: Pick<Contender, 'name' | 'packages' | 'configuration' | 'promises'>
  readonly findings: readonly Finding[]
}

const keys = <K extends string>(record: Record<K, unknown>) => Object.keys(record) as K[]

/** The words a command may name a case by. */
export const words: readonly string[] = [
  ...keys(operations),
  ...keys(paths),
  ...keys(states).map((state) => `outage-${state}`),
  'in-flight',
  'outage',
]

/** Words of a kind choose among that kind; without any, all of it is run. An experiment is left out if only the other is named. */
function choice(chosen: readonly string[]) {
  const all = { operations: keys(operations), paths: keys(paths), states: keys(states) }
  const of = <K extends string>(kind: K[], prefix = '') => kind.filter((word) => chosen.includes(prefix + word))
  const named = { operations: of(all.operations), paths: of(all.paths), states: of(all.states, 'outage-') }
  const namesFirst = chosen.includes('in-flight') || named.operations.length + named.paths.length > 0
  const namesSecond = chosen.includes('outage') || named.states.length > 0
  const orAll = <K>(some: K[], every: K[]) => (some.length ? some : every)
  return {
    operations: namesFirst || !namesSecond ? orAll(named.operations, all.operations) : [],
    paths: orAll(named.paths, all.paths),
    states: namesSecond || !namesFirst ? orAll(named.states, all.states) : [],
  } satisfies { operations: Operation[]; paths: Path[]; states: State[] }
}

/** `loadContenders` runs with fake time in place: packages that take the clock when they are loaded take the fake one. */
export async function examine(
  loadContenders: () => Promise<readonly Contender[]>,
  chosen: readonly string[] = [],
  log: Log = () => {},
): Promise<Findings[]> {
  const { startTime, uninstall } = installFakeTime()
  const unhandled: string[] = []
  const note = (reason: unknown) => unhandled.push(String(reason))
  process.on('unhandledRejection', note)
  try {
    const all: Findings[] = []
    for (const contender of await loadContenders()) {
      const findings: Finding[] = []
      const run = async (title: string, work: () => Promise<InFlight | Outage | undefined>) => {
        log(`\n${contender.name}, ${title}`)
        const finding = await work()
        if (!finding) return log('        not offered')
        const complete: Finding = { ...finding, unhandled: unhandled.splice(0) }
        findings.push(complete)
        log(`        ${verdict(complete).replaceAll('**', '')}`)
      }
      const { operations: happening, paths: flying, states: held } = choice(chosen)
      for (const operation of happening)
        for (const path of flying)
          await run(`${operation}: in the air is ${paths[path]}; ${operations[operation]}`, async () =>
            runInFlight(contender, path, operation, startTime, log),
          )
      for (const state of held)
        await run(`outage-${state}: the source is down, held is ${states[state]}`, async () =>
          runOutage(contender, state, await startTime(), log),
        )
      const { name, packages, configuration, promises } = contender
      all.push({ contender: { name, packages, configuration, promises }, findings })
    }
    return all
  } finally {
    process.off('unhandledRejection', note)
    uninstall()
  }
}
