/** What is written into docs/comparison.md: nothing that differs from one run to the next. */

import type { Finding, Findings } from './examine.ts'
import { type InFlight, type Operation, operations, paths } from './in-flight.ts'
import { introduction } from './introduction.ts'
import { type Outage, reads, type State, states } from './outage.ts'
import { verdict } from './verdict.ts'

/** The version of each package. */
export type Versions = (name: string) => string

const row = (...cells: readonly (string | number | undefined)[]) =>
  `| ${cells.map((cell) => String(cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`
const head = (...titles: readonly string[]) => [row(...titles), row(...titles.map(() => '---'))]
const keys = <K extends string>(record: Record<K, unknown>) => Object.keys(record) as K[]
const command = (...args: readonly string[]) => `\`npm run compare -- ${args.join(' ')}\``

/** One line for every case that went wrong. */
export const wrongs = ({ contender, findings }: Findings): string[] =>
  findings
    .filter(({ isRight, unhandled }) => !isRight || unhandled.length)
    .map((finding) => `${caseOf(contender.name, finding).join(' ')}: ${verdict(finding)}`)

const caseOf = (name: string, finding: Finding): readonly string[] =>
  finding.experiment === 'outage' ? [name, `outage-${finding.state}`] : [name, finding.operation, finding.path]

const inFlightOf = ({ findings }: Findings) =>
  findings.filter((each): each is Finding & InFlight => each.experiment === 'in-flight')
const outagesOf = ({ findings }: Findings) =>
  findings.filter((each): each is Finding & Outage => each.experiment === 'outage')

const gotten = ({ values, errors, unanswered, error }: Outage) =>
  [
    values && `the value: ${values}`,
    errors && `${error ?? 'an error'}: ${errors}`,
    unanswered && `no answer yet: ${unanswered}`,
  ]
    .filter(Boolean)
    .join(', ')

const inFlightRow = (name: string, seen: Finding & InFlight) =>
  row(
    seen.operation,
    paths[seen.path],
    seen.waited,
    seen.asked ?? '–',
    seen.held ?? '–',
    seen.next,
    seen.later,
    seen.loads,
    verdict(seen),
    command(...caseOf(name, seen)),
  )

const outageRow = (name: string, seen: Finding & Outage) =>
  row(seen.state, seen.callsInTenReads, seen.calls, gotten(seen), verdict(seen), command(...caseOf(name, seen)))

function notOffered(all: Findings): string {
  const missing = [
    ...keys(operations).filter((operation) => !inFlightOf(all).some((seen) => seen.operation === operation)),
    ...keys(paths)
      .filter((path) => !inFlightOf(all).some((seen) => seen.path === path))
      .map((path) => `${paths[path]} in the air`),
    ...keys(states)
      .filter((state) => !outagesOf(all).some((seen) => seen.state === state))
      .map((state) => `outage-${state}`),
  ]
  return missing.length ? `Not offered, and so not judged: ${missing.join(', ')}.\n` : ''
}

/** Everything about one contender. */
export function section(all: Findings, versionOf: Versions): string {
  const { name, packages, configuration, promises } = all.contender
  const outages = outagesOf(all)
  return [
    `### ${name}\n`,
    `${packages.map((each) => `${each} ${versionOf(each)}`).join(', ')}. ${configuration}.\n`,
    `${promises}\n`,
    ...head(
      'meanwhile',
      'in the air',
      'who waited got',
      'who asked meanwhile got',
      'held afterwards',
      'next reader',
      'later readers',
      'loads',
      '',
      'reproduce',
    ),
    ...inFlightOf(all).map((seen) => inFlightRow(name, seen)),
    '',
    ...(outages.length
      ? [
          ...head('held', 'calls in 10 reads', `calls in ${reads} reads`, 'readers got', '', 'reproduce'),
          ...outages.map((seen) => outageRow(name, seen)),
          '',
        ]
      : []),
    notOffered(all),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
}

/** `2 of 3` where something is wrong. */
function tally(seen: readonly InFlight[]): string {
  if (!seen.length) return '–'
  const right = seen.filter(({ isRight }) => isRight).length
  return right === seen.length ? `right ${right}/${seen.length}` : `**wrong ${seen.length - right}/${seen.length}**`
}

const inFlightSummary = (all: Findings) => {
  const seen = inFlightOf(all)
  const of = (operation: Operation) => tally(seen.filter((each) => each.operation === operation))
  const { name } = all.contender
  return row(`[${name}](#${name})`, ...keys(operations).map(of), tally(seen), command(name, 'in-flight'))
}

const outageSummary = (all: Findings) => {
  const outages = outagesOf(all)
  const of = (state: State) => {
    const seen = outages.find((each) => each.state === state)
    if (!seen) return ['–', '–']
    const { callsInTenReads, calls, values, unhandled, isRight } = seen
    const got = values === reads ? 'the value' : values ? `the value: ${values}` : 'an error'
    const mark = isRight || state === 'expired' ? '' : '**wrong** '
    return [`${mark}${callsInTenReads} / ${calls}`, got + (unhandled.length ? '; **then an unhandled rejection**' : '')]
  }
  const { name } = all.contender
  return row(`[${name}](#${name})`, ...of('due'), ...of('stale'), of('expired')[0], command(name, 'outage'))
}

/** The whole file. */
export function report(all: readonly Findings[], versionOf: Versions, node: string): string {
  const packages = [...new Set(all.flatMap(({ contender }) => contender.packages))]
  return `${[
    introduction,
    `Run with Node ${node}, ${packages.map((name) => `${name} ${versionOf(name)}`).join(', ')}.`,
    '',
    '## Experiment 1: while a load is in the air',
    '',
    'How many of the paths a cache has end well, for each operation it offers. The rows of each are below.',
    '',
    ...head('', ...keys(operations), 'all', 'reproduce'),
    ...all.map(inFlightSummary),
    '',
    '## Experiment 2: the source is down',
    '',
    `Calls of the source in 10 reads / in ${reads} reads (5 s), and what the readers got.`,
    '',
    ...head('', 'due', 'readers got', 'stale', 'readers got', 'expired', 'reproduce'),
    ...all.map(outageSummary),
    '',
    '## Each of them',
    '',
    all.map((each) => section(each, versionOf)).join('\n\n'),
  ].join('\n')}\n`
}
