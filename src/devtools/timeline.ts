/** One value's last minute as a picture: its age against window and expiry, its fetches, and how readers were answered. */

import * as Plot from '@observablehq/plot'
import type { Call, Life, Served, Track } from './chronicle.ts'

export interface TimelineOptions {
  /** CSS pixels. */
  readonly width: number
  /** How far back it goes, in milliseconds. Default 60,000. */
  readonly span?: number | undefined
  /** What the right edge is, in epoch milliseconds. Default: now. */
  readonly now?: number | undefined
}

const phases = ['fresh', 'aging', 'expired'] as const
const outcomes = ['succeeded', 'failed', 'discarded', 'in the air'] as const
const ways: readonly Served[] = ['fresh', 'aging', 'stale', 'waited', 'failed']

const colour = (name: string) => `var(--ec-${name})`
const phaseColours = { domain: [...phases], range: [colour('fresh'), colour('aging'), colour('stale')] }
const readColours = {
  domain: [...ways],
  range: [colour('fresh'), colour('aging'), colour('stale'), colour('waited'), colour('failed')],
}
// Not by colour alone.
const readSymbols = { domain: [...ways], range: ['circle', 'triangle', 'square', 'diamond', 'times'] as never }

/** Draws it, as an element to be put where the former one was. Colours come from the `--ec-…` properties around it. */
export function drawTimeline(track: Track, { width, span = 60_000, now = Date.now() }: TimelineOptions): HTMLElement {
  const from = now - span
  const x = (at: number) => (Math.min(Math.max(at, from), now) - now) / 1000
  const axis = { domain: [-span / 1000, 0], label: null, ticks: width < 480 ? 3 : 6, tickFormat: ago }
  const frame = { width, marginLeft: 44, marginRight: 14, marginTop: 6, marginBottom: 4, className: 'ec-plot' }

  const parts = [ages(), calls()]
  if (track.reads.length > 0) parts.push(reads())
  // The words are for the whole: inside, Plot labels groups that may have no label.
  for (const part of parts) part.setAttribute('aria-hidden', 'true')
  const drawing = document.createElement('div')
  drawing.setAttribute('role', 'img')
  drawing.setAttribute('aria-label', inWords(track, now))
  drawing.append(...parts)
  return drawing

  function ages() {
    const lines = track.lives.flatMap((life) => linesOf(life, now).map((line) => ({ ...line, ...placed(line) })))
    const latest = track.lives.at(-1)
    const ttl = latest && seconds(latest.expiresAt - latest.fetchedAt)
    const windowAt = latest && seconds(latest.refreshAt - latest.fetchedAt)
    const oldest = Math.max(0, ...lines.map(({ y2 }) => y2))
    const top = Math.max(oldest, ttl !== undefined && Number.isFinite(ttl) ? ttl : 0, 1) * 1.12
    const limits = ttl !== undefined && Number.isFinite(ttl) ? [ttl] : []
    return Plot.plot({
      ...frame,
      height: 96,
      x: { ...axis, axis: null },
      y: { domain: [0, top], label: null, ticks: 3, tickFormat: (age: number) => `${age} s`, grid: false },
      color: phaseColours,
      marks: [
        Plot.rect(limits, {
          x1: -span / 1000,
          x2: 0,
          y1: () => windowAt,
          y2: (limit) => limit,
          fill: colour('aging'),
          fillOpacity: 0.14,
        }),
        Plot.ruleY(limits, { stroke: colour('stale'), strokeDasharray: '4 3' }),
        Plot.ruleX(track.changes, {
          x: ({ at }) => x(at),
          stroke: colour('ink'),
          strokeDasharray: '1 3',
        }),
        Plot.link(lines, { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', stroke: 'phase', strokeWidth: 2.25 }),
        Plot.text(track.changes, {
          x: ({ at }) => x(at),
          y: top,
          text: ({ kind }) => kind.replace('value-', ''),
          fill: colour('ink'),
          textAnchor: 'end',
          lineAnchor: 'top',
          dx: -3,
        }),
        Plot.ruleY([0], { stroke: colour('line') }),
      ],
    })
  }

  function calls() {
    const bars = track.calls.map((call) => ({ call, lane: 'fetch', outcome: outcomeOf(call), ...placedCall(call) }))
    const pauses = track.coolDowns.map(({ from: began, until }) => ({ lane: 'pause', x1: x(began), x2: x(until) }))
    const failed = bars.filter(({ outcome }) => outcome === 'failed')
    return Plot.plot({
      ...frame,
      height: track.reads.length > 0 ? 50 : 68,
      marginBottom: track.reads.length > 0 ? 4 : 22,
      x: { ...axis, axis: track.reads.length > 0 ? null : 'bottom' },
      y: { domain: ['fetch', 'pause'], label: null, tickSize: 0, padding: 0.3 },
      color: {
        domain: [...outcomes],
        range: [colour('fetch'), colour('failed'), 'transparent', colour('waited')],
      },
      marks: [
        Plot.barX(pauses, { x1: 'x1', x2: 'x2', y: 'lane', fill: colour('pause'), rx: 2 }),
        Plot.barX(bars, {
          x1: 'x1',
          x2: 'x2',
          y: 'lane',
          fill: 'outcome',
          stroke: ({ outcome }) => (outcome === 'discarded' ? colour('ink') : colourOf(outcome)),
          strokeWidth: 1.5,
          rx: 2,
        }),
        Plot.dot(failed, { x: 'x2', y: 'lane', symbol: 'times', stroke: colour('ink'), strokeWidth: 1.5, r: 4 }),
      ],
    })
  }

  function reads() {
    return Plot.plot({
      ...frame,
      height: 96,
      marginBottom: 22,
      x: axis,
      y: { type: 'log', domain: [0.005, 3000], clamp: true, label: null, ticks: [0.01, 1, 100], tickFormat: latency },
      color: readColours,
      symbol: readSymbols,
      marks: [
        Plot.dot(track.reads, {
          filter: ({ at }) => at > from,
          x: ({ at }) => x(at),
          y: ({ tookMs }) => Math.max(tookMs, 0.006),
          stroke: 'served',
          fill: 'served',
          symbol: 'served',
          r: 2.2,
        }),
      ],
    })
  }

  function placed({ at, to, phase, fetchedAt }: Line) {
    return { phase, x1: x(at), x2: x(to), y1: seconds(Math.max(at, from) - fetchedAt), y2: seconds(to - fetchedAt) }
  }

  function placedCall({ startedAt, endedAt = now }: Call) {
    return { x1: x(startedAt), x2: x(endedAt) }
  }
}

interface Line {
  readonly phase: (typeof phases)[number]
  readonly fetchedAt: number
  readonly at: number
  readonly to: number
}

/** A life in its phases, each a straight line. */
function linesOf({ fetchedAt, since, refreshAt, expiresAt, until }: Life, now: number): Line[] {
  const end = until ?? now
  const turns = [since, refreshAt, expiresAt, Infinity]
  return phases.flatMap((phase, index) => {
    const at = Math.max(since, turns[index] ?? since)
    const to = Math.min(end, turns[index + 1] ?? end)
    return at < to ? [{ phase, fetchedAt, at, to }] : []
  })
}

const outcomeOf = ({ outcome }: Call) => outcome ?? 'in the air'
const colourOf = (outcome: string) =>
  colour(outcome === 'failed' ? 'failed' : outcome === 'in the air' ? 'waited' : 'fetch')
const seconds = (ms: number) => ms / 1000
const ago = (at: number) => (at === 0 ? 'now' : `${-at} s ago`)
const latency = (ms: number) => (ms < 1 ? `${ms * 1000} µs` : `${ms} ms`)

/** What the picture shows, for who does not see it. */
function inWords({ title, lives, calls, reads }: Track, now: number): string {
  const life = lives.at(-1)
  const held = life && life.until === undefined
  const age = held ? `its value is ${((now - life.fetchedAt) / 1000).toFixed(0)} s old` : 'it holds no value'
  const count = (outcome: Call['outcome']) => calls.filter((call) => call.outcome === outcome).length
  const fetches = `${calls.length} fetches, ${count('failed')} failed, ${count('discarded')} discarded`
  const errors = reads.filter(({ served }) => served === 'failed').length
  const answered = reads.length > 0 ? `, ${reads.length} reads, ${errors} errors` : ''
  return `Timeline of ${title}: ${age}, ${fetches}${answered}`
}
