/** The table that compares the ways: a row for each, brought up to date in place. */

import { Tally } from './tally.ts'

export class Score {
  readonly #rows = new Map<string, { readonly tally: Tally; readonly row: HTMLTableRowElement }>()

  constructor(body: HTMLTableSectionElement, titles: Readonly<Record<string, string>>) {
    for (const [name, title] of Object.entries(titles)) {
      const row = body.insertRow()
      row.dataset['way'] = name
      const head = document.createElement('th')
      head.scope = 'row'
      head.textContent = title
      row.append(head)
      for (let cell = 0; cell < 7; cell += 1) row.insertCell()
      this.#rows.set(name, { tally: new Tally(), row })
    }
  }

  tallyOf(name: string): Tally {
    const known = this.#rows.get(name)
    if (!known) throw new RangeError(`Cannot count: there is no way ${name}`)
    return known.tally
  }

  show(active: string): void {
    for (const [name, { tally, row }] of this.#rows) {
      const { reads, errors, waited, stale, fetches } = tally
      const latencies = [0.5, 0.99].map((share) => latency(tally.percentile(share)))
      const cells = [reads, errors, waited, stale, ...latencies, fetches].map(String)
      for (const [index, text] of cells.entries()) {
        const cell = row.cells[index + 1]
        if (cell && cell.textContent !== text) cell.textContent = text
      }
      row.cells[2]?.toggleAttribute('data-bad', errors > 0)
      row.toggleAttribute('data-active', name === active)
    }
  }
}

function latency(ms: number | undefined): string {
  if (ms === undefined) return ''
  return ms < 1 ? `${Math.round(ms * 1000)} µs` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
