/** How times, errors, events and values are put into words. */

import type { CacheEvent } from '../events/cache-event.ts'
import { titleOf } from './source.ts'

const longest = 200

export function seconds(ms: number): string {
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`
  return ms < 5_970_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

export function messageOf(error: unknown): string {
  return shortened(error instanceof Error ? error.message : String(error))
}

export function valueAsText(value: unknown): string {
  try {
    return shortened(JSON.stringify(value) ?? String(value))
  } catch {
    return '(cannot be shown as JSON)'
  }
}

export function eventInWords(event: CacheEvent): string {
  return `${titleOf(event)}: ${event.kind.replaceAll('-', ' ')}${detailOf(event)}`
}

function detailOf(event: CacheEvent): string {
  switch (event.kind) {
    case 'fetch-started':
      return ` (${event.reason})`
    case 'fetch-succeeded':
      return ` in ${Math.round(event.tookMs)} ms${event.changed ? ', changed' : ''}`
    case 'fetch-failed':
      return ` after ${Math.round(event.tookMs)} ms: ${messageOf(event.error)}`
    case 'fetch-discarded':
    case 'stored-value-rejected':
      return ` (${event.because})`
    case 'served-stale':
      return `, ${seconds(event.age)} old`
    case 'backend-failed':
      return ` (${event.operation}): ${messageOf(event.error)}`
    case 'listener-failed':
      return `: ${messageOf(event.error)}`
    default:
      return ''
  }
}

function shortened(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
