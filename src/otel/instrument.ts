/** What of a cache is measured: its events as they happen, the rest whenever the meter is read. */

import { BackendError, CacheError } from '../errors.ts'
import type { CacheEvent } from '../events/cache-event.ts'
import { checkOptions, isA, type Rule, refuse } from '../policy/options.ts'
import { deskOf, type Watched, watch } from './desk.ts'
import type { Attributes, Instruments, MeterLike } from './meter.ts'
import { holdOnce } from './once.ts'
import { readsOf, type Source } from './source.ts'

export interface InstrumentationOptions {
  /**
   * Go with everything that is measured of this source, such as `{ 'evercurrent.type': 'settings' }` for a cache of one
   * value. Default: none.
   */
  readonly attributes?: Attributes | undefined
  /**
   * Adds `evercurrent.namespace` to what events tell: its parts, joined by `/`. Every namespace is a series of its own, so
   * only where there are few. Default: `false`.
   */
  readonly namespaces?: boolean | undefined
  /**
   * How many held values are looked at for their ages each time the meter is read. Of a registry that holds more, all are
   * looked at in several such times, and until then the age is that of the round before. Default: 1,000. With 0, none.
   */
  readonly maxInspected?: number | undefined
}

const attributes: Rule<Attributes> = (option, value) =>
  typeof value === 'object' && value && Object.values(value).every((each) => typeof each === 'string')
    ? (value as Attributes)
    : refuse(option, 'an object of strings', value)
const maxInspected: Rule<number> = (option, value) =>
  typeof value === 'number' && value >= 0 ? value : refuse(option, 'a number of at least 0', value)
const rules = { attributes, namespaces: isA<boolean>('boolean'), maxInspected }

/**
 * Measures a registry, or a cache of one value, with an OpenTelemetry meter, from now on and until the returned function is
 * called. The names, units and attributes are in docs/observability.md. No key and no value is ever among them.
 *
 * The same source and meter again are measured once, with the options given first, until all of them have ended. Sources
 * that no `attributes` tell apart are summed. The meter holds the source until it ends or is disposed.
 *
 * Throws `TypeError` for what is no source, no meter or no option, and whatever the meter throws here; nothing is measured
 * then. What the meter throws later reaches no reader: it becomes a `listener-failed` event of the cache.
 *
 * @example
 * ```ts
 * const meter = metrics.getMeter('evercurrent') // of @opentelemetry/api
 * const stop = instrument(registry, meter)
 * await schemas.get('orders') // evercurrent.fetches: 1, with evercurrent.type 'schema'
 * stop()
 * ```
 */
export function instrument(source: Source, meter: MeterLike, options: InstrumentationOptions = {}): () => void {
  if (typeof Object(source).on !== 'function') refuse('the source of instrument()', 'a registry or a cache', source)
  if (typeof Object(meter).createCounter !== 'function') refuse('the meter of instrument()', 'a Meter', meter)
  const { attributes = {}, namespaces, maxInspected = 1000 } = checkOptions('instrument()', options, rules)
  const desk = deskOf(meter)
  return holdOnce(desk.holds, source, () => {
    const watched: Watched = { source, attributes, maxInspected, counted: readsOf(source), ages: { known: new Map() } }
    const { leave, detach } = watch(desk, watched)
    const deafen = source.on((event) => {
      if (event.kind === 'disposed') leave()
      else if (event.kind === 'backend-suspended' || event.kind === 'backend-resumed') {
        watched.isSuspended = event.kind === 'backend-suspended'
      } else measure(event, desk.instruments, labelled(event, attributes, namespaces))
    })
    return () => {
      deafen()
      leave()
      detach()
    }
  })
}

function labelled({ type, namespace }: CacheEvent, attributes: Attributes, namespaces: boolean | undefined) {
  const own: Record<string, string> = { ...attributes }
  if (type !== undefined) own['evercurrent.type'] = type
  if (namespaces && namespace) own['evercurrent.namespace'] = namespace.join('/')
  return own
}

/** One of a closed set, as the conventions want it: what a source throws may be called anything. */
function errorType(error: unknown): string {
  if (error instanceof BackendError) return error.reason
  return error instanceof CacheError ? error.code : '_OTHER'
}

function measure(event: CacheEvent, to: Instruments, of: Record<string, string>): void {
  switch (event.kind) {
    case 'fetch-started':
      to.fetches.add(1, { ...of, 'evercurrent.fetch.reason': event.reason })
      break

    case 'fetch-succeeded':
      to.duration.record(event.tookMs / 1000, of)
      break

    case 'fetch-failed': {
      const failed = { ...of, 'error.type': errorType(event.error) }
      to.failures.add(1, { ...failed, 'evercurrent.failure.class': event.class })
      // A value that was rejected twice counts as a failure, but nothing was fetched.
      if (failed['error.type'] !== 'VALUE_REJECTED') to.duration.record(event.tookMs / 1000, failed)
      break
    }
    case 'fetch-discarded':
      to.discards.add(1, { ...of, 'evercurrent.discard.reason': event.because })
      break

    case 'slower-than-ttl':
      to.overdue.add(1, of)
      break

    case 'served-stale':
      to.stale.add(1, of)
      break

    case 'evicted':
      to.evictions.add(1, of)
      break

    case 'listener-failed':
      to.listenerFailures.add(1, of)
      break

    case 'backend-failed': {
      const { operation, error } = event
      const failed = { ...of, 'evercurrent.backend.operation': operation, 'error.type': errorType(error) }
      to.backendFailures.add(1, failed)
      break
    }
    case 'stored-value-rejected':
      to.rejected.add(1, { ...of, 'evercurrent.rejection.reason': event.because })
  }
}
