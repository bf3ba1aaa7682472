/** Charts as SVG files that stand on their own and can be read on a light and on a dark page. */

import * as Plot from '@observablehq/plot'

/** Where the reader's system prefers a dark page, text and lines turn light; both fills stand out from either. */
const style = `<style>
    :root, svg { color: #1f2328; background: none; }
    @media (prefers-color-scheme: dark) { :root, svg { color: #e6edf3; } }
    text { font-family: system-ui, sans-serif; }
  </style>`

export interface Chart {
  readonly title: string
  readonly unit: string
  readonly bars: readonly (readonly [name: string, value: number])[]
  /** for figures that differ by more than a screen can show */
  readonly isLogarithmic?: boolean
  /** what nobody can go below */
  readonly floor?: number
}

const fills = { own: '#1f9d6b', other: '#8a94a6' }

const short = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)))

export async function draw({ title, unit, bars, isLogarithmic = false, floor }: Chart): Promise<string> {
  const specifier: string = 'linkedom'
  const { parseHTML } = await import(specifier)
  const { document } = parseHTML('<html><body></body></html>')
  const data = bars.map(([name, value]) => ({
    name,
    value,
    isOwn: name.startsWith('evercurrent') || name.includes('cache.get()'),
  }))
  const least = Math.min(...data.map(({ value }) => value), floor ?? Infinity)
  const origin = isLogarithmic ? 10 ** Math.floor(Math.log10(Math.max(least, 0.1)) - 0.01) : 0
  const svg = Plot.plot({
    document,
    width: 720,
    height: 60 + 22 * data.length,
    marginLeft: 170,
    marginRight: 60,
    marginTop: 34,
    x: { label: unit, type: isLogarithmic ? 'log' : 'linear', grid: true, nice: !isLogarithmic },
    y: { label: null, domain: data.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.barX(data, {
        x1: origin,
        x2: (each) => Math.max(each.value, origin),
        y: 'name',
        fill: (each) => (each.isOwn ? fills.own : fills.other),
        insetTop: 2,
        insetBottom: 2,
      }),
      Plot.text(data, {
        x: (each) => Math.max(each.value, origin),
        y: 'name',
        text: (each) => short(each.value),
        dx: 4,
        textAnchor: 'start',
      }),
      ...(floor === undefined ? [] : [Plot.ruleX([floor], { strokeDasharray: '4,3' })]),
      Plot.text([title], { frameAnchor: 'top-left', dx: -160, dy: -28, fontSize: 13, fontWeight: 'bold' }),
    ],
  })
  const text = svg.outerHTML.replace(
    /^<svg /,
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${title}" `,
  )
  return `${text.replace(/>/, `>${style}`)}\n`
}
