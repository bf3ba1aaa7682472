/** What is said of a scenario that was measured: its table, who is absent and why, its bars. */

import type { Measured } from './rounds.ts'
import { median, type Scenario, type Unit } from './scenario.ts'
import { table } from './table.ts'

export interface Bar {
  readonly what: string
  readonly bar: string
  readonly measured: string
  readonly isMet: boolean
}

const digits: Readonly<Record<Unit, number>> = { ns: 1, ms: 2, B: 0 }

/** Three digits are more than such figures can bear out. */
function format(figure: number, unit: Unit): string {
  const text = Math.abs(figure) >= 1000 ? Math.round(figure).toLocaleString('en') : figure.toFixed(digits[unit])
  return text.replace(/^-(?=[0.]+$)/, '')
}

const columnsOf = ({ columns, unit }: Scenario) => columns ?? ([['median', unit]] as const)

/** What was measured in one column, by contender, for those who took part. */
export function column(figures: ReadonlyMap<string, Measured>, index: number): Map<string, readonly number[]> {
  const present = [...figures].flatMap(([name, rounds]) =>
    typeof rounds === 'string' ? [] : [[name, rounds.map((round) => round[index] ?? Number.NaN)] as const],
  )
  return new Map(present)
}

export function barsOf(scenario: Scenario, figures: ReadonlyMap<string, Measured>): Bar[] {
  const first = column(figures, 0)
  const [[, floor] = ['', []]] = first
  const [[, unit] = ['', scenario.unit]] = columnsOf(scenario)
  return Object.entries(scenario.bars ?? {}).map(([contender, bar]) => {
    const [value, least] = [median(first.get(contender) ?? []), median(floor)]
    const times = `${(value / least).toFixed(2)} ×`
    return 'times' in bar
      ? {
          what: `${scenario.title}: \`${contender}\``,
          bar: `≤ ${bar.times.toFixed(2)} × floor`,
          measured: times,
          isMet: value <= least * bar.times,
        }
      : {
          what: `${scenario.title}: \`${contender}\``,
          bar: `≤ floor + ${bar.above} ${unit}`,
          measured: `floor + ${format(value - least, unit)} ${unit}`,
          isMet: value <= least + bar.above,
        }
  })
}

const verdict = ({ bar, isMet }: Bar) => `${bar} ${isMet ? 'met' : 'NOT MET'}`

function rowsOf(scenario: Scenario, figures: ReadonlyMap<string, Measured>): string[][] {
  const [floor = ''] = figures.keys()
  const { capturedFloor } = scenario
  const bars = new Map(barsOf(scenario, figures).map((bar, index) => [Object.keys(scenario.bars ?? {})[index], bar]))
  const first = column(figures, 0)
  const ratio = (contender: string, to: string) => {
    const least = median(first.get(to) ?? [])
    const [[, unit] = ['', scenario.unit]] = columnsOf(scenario)
    return least < 10 ** -digits[unit] ? '' : (median(first.get(contender) ?? []) / least).toFixed(2)
  }
  const present = [...figures].filter(([, rounds]) => typeof rounds !== 'string')
  return present.map(([contender]) => {
    const bar = bars.get(contender)
    return [
      contender,
      ...columnsOf(scenario).flatMap(([, unit], index) => {
        const measured = column(figures, index).get(contender) ?? []
        const [least, most] = [Math.min(...measured), Math.max(...measured)].map((figure) => format(figure, unit))
        return [format(median(measured), unit), least === most ? '' : `${least}–${most}`]
      }),
      ratio(contender, floor),
      ...(capturedFloor ? [ratio(contender, capturedFloor)] : []),
      bar ? verdict(bar) : '',
    ]
  })
}

/** Contenders without figures, by the reason. */
function absences(figures: ReadonlyMap<string, Measured>): string {
  const reasons = new Map<string, string[]>()
  for (const [name, rounds] of figures) {
    if (typeof rounds === 'string') reasons.set(rounds, [...(reasons.get(rounds) ?? []), name])
  }
  return [...reasons].map(([reason, names]) => `\n– ${names.join(', ')}: ${reason}.`).join('\n')
}

export function section(scenario: Scenario, figures: ReadonlyMap<string, Measured>): string {
  const head = [
    '',
    ...columnsOf(scenario).flatMap(([title, unit]) => [`${title}, ${unit}`, 'min–max']),
    '× floor',
    ...(scenario.capturedFloor ? ['× captured'] : []),
    'bar',
  ]
  const heading = `${scenario.title}${scenario.columns ? '' : `, ${scenario.unit}`}`
  return `### ${heading}\n\n${table({ head, rows: rowsOf(scenario, figures) })}\n${absences(figures)}`.trimEnd()
}
