/** What of a cache is published to Node's diagnostics channels: its events, and each fetch from its start to its end. */

import type { CacheEvent, DiscardReason, ErrorClass, FetchReason } from '../events/cache-event.ts'
import { refuse } from '../policy/options.ts'
import { type Holds, holdOnce } from './once.ts'
import type { Source } from './source.ts'

/** One fetch: the same object in every message about it, for subscribers to keep a span by. Never has its value. */
export interface FetchTrace {
  /** the cache's `name` option */
  readonly name: string | undefined
  /** of a registry: which key is fetched */
  readonly type: string | undefined
  readonly namespace: readonly string[] | undefined
  readonly key: readonly string[] | undefined
  readonly reason: FetchReason
  /** epoch milliseconds */
  readonly startedAt: number
  /** epoch milliseconds; this and what follows is known once the fetch is over */
  endedAt?: number
  /** whether it brought another value than was held */
  changed?: boolean
  /** why its result changes nothing, and is not waited for here */
  discarded?: DiscardReason
  error?: unknown
  class?: ErrorClass
}

interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}
type Step = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error'
interface Host {
  readonly process?: { getBuiltinModule?(id: string): DiagnosticsChannel | undefined }
}
interface DiagnosticsChannel {
  channel(name: string): Channel
  tracingChannel(name: string): Readonly<Record<Step, Channel>> & { readonly hasSubscribers: boolean }
}

const traced: Holds<Source> = new WeakMap()
/** Said of a fetch that was over before: if one is in the air, it came after that one. */
const late: ReadonlySet<DiscardReason> = /* @__PURE__ */ new Set<DiscardReason>(['timed-out', 'refused'])

/**
 * Publishes what happens to a registry, or to a cache of one value, until the returned function is called:
 * every event to the channel `evercurrent:event`, and every fetch to the tracing channel `evercurrent:fetch`, as a
 * `FetchTrace`. Neither ever has a value. Without subscribers nothing is made and nothing is published.
 *
 * Does nothing where there are no diagnostics channels, as in a browser. The same source again is published once. Throws
 * `TypeError` for what is no source.
 *
 * @example
 * ```ts
 * const stop = traceChannels(registry)
 * await schemas.get('orders') // tracing:evercurrent:fetch:start, :end, :asyncStart, :asyncEnd
 * stop()
 * ```
 */
export function traceChannels(source: Source): () => void {
  if (typeof Object(source).on !== 'function') refuse('the source of traceChannels()', 'a registry or a cache', source)
  // Asked of the running process rather than imported: this has to load in browsers.
  const diagnostics = (globalThis as Host).process?.getBuiltinModule?.('node:diagnostics_channel')
  if (!diagnostics) return () => {}
  return holdOnce(traced, source, () => {
    const events = diagnostics.channel('evercurrent:event')
    const trace = tracer(diagnostics)
    return source.on((event) => {
      if (events.hasSubscribers) events.publish(event)
      trace(event)
    })
  })
}

function tracer(diagnostics: DiagnosticsChannel): (event: CacheEvent) => void {
  const channel = diagnostics.tracingChannel('evercurrent:fetch')
  const { start, end, asyncStart, asyncEnd, error } = channel
  /** at most one for each key: what loses its place to a later one is told as discarded before that starts */
  const inTheAir = new Map<string, FetchTrace>()

  const over = (event: CacheEvent, outcome: Partial<FetchTrace>) => {
    const id = idOf(event)
    const fetch = inTheAir.get(id)
    if (!fetch) return
    inTheAir.delete(id)
    Object.assign(fetch, outcome, { endedAt: event.at })
    if ('error' in outcome) error.publish(fetch)
    asyncStart.publish(fetch)
    asyncEnd.publish(fetch)
  }
  return (event) => {
    if (event.kind === 'fetch-started') {
      if (!channel.hasSubscribers) return
      const { name, type, namespace, key, reason, at: startedAt } = event
      const fetch = { name, type, namespace, key, reason, startedAt }
      inTheAir.set(idOf(event), fetch)
      start.publish(fetch)
      end.publish(fetch)
    } else if (inTheAir.size) {
      if (event.kind === 'fetch-succeeded') over(event, { changed: event.changed })
      if (event.kind === 'fetch-failed') over(event, { error: event.error, class: event.class })
      if (event.kind === 'fetch-discarded' && !late.has(event.because)) over(event, { discarded: event.because })
    }
  }
}

const idOf = ({ type, namespace, key }: CacheEvent): string => JSON.stringify([type, namespace, key])
