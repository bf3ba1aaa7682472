/** What is needed of an OpenTelemetry meter, as shapes: nothing is imported, and any meter of that shape will do. */

export type Attributes = Readonly<Record<string, string>>

export interface InstrumentOptions {
  unit?: string
  description?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

/** What an observable instrument hands to its callbacks when it is collected. */
export interface Observing {
  observe(value: number, attributes?: Record<string, string>): void
}

export interface ObservableLike {
  addCallback(callback: (result: Observing) => void): void
  /** Without it the callbacks stay, and observe nothing. */
  removeCallback?(callback: (result: Observing) => void): void
}

/** A `Meter` of `@opentelemetry/api`, or what looks like one. What it lacks of the optional is a gauge instead. */
export interface MeterLike {
  createCounter(
    name: string,
    options?: InstrumentOptions,
  ): { add(value: number, attributes?: Record<string, string>): void }
  createHistogram(
    name: string,
    options?: InstrumentOptions,
  ): { record(value: number, attributes?: Record<string, string>): void }
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableLike
  createObservableCounter?(name: string, options?: InstrumentOptions): ObservableLike
  createObservableUpDownCounter?(name: string, options?: InstrumentOptions): ObservableLike
}

/** Seconds, as the conventions have them for HTTP, and further up to a minute: the default of fetchTimeout is 30 s. */
const explicitBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 30, 60]

export type Instruments = ReturnType<typeof createInstruments>

/** Every instrument there is: docs/observability.md has them as a table. */
export function createInstruments(meter: MeterLike) {
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(`evercurrent.${name}`, { unit, description })
  const observable = (
    kind: 'createObservableCounter' | 'createObservableUpDownCounter' | 'createObservableGauge',
    name: string,
    unit: string,
    description: string,
  ) => {
    const how = meter[kind] ? kind : 'createObservableGauge'
    return (meter as Required<MeterLike>)[how](`evercurrent.${name}`, { unit, description })
  }
  return {
    fetches: counter('fetches', '{fetch}', 'Fetches that were started.'),
    failures: counter('fetch.failures', '{failure}', 'Fetches that failed.'),
    discards: counter('fetch.discards', '{fetch}', 'Fetches whose result changes nothing.'),
    overdue: counter('fetch.slower_than_ttl', '{fetch}', 'Fetches that took longer than what they brought may live.'),
    duration: meter.createHistogram('evercurrent.fetch.duration', {
      unit: 's',
      description: 'How long fetches took.',
      advice: { explicitBucketBoundaries },
    }),
    stale: counter('stale_reads', '{read}', 'Reads answered with a stale value because fetches fail.'),
    evictions: counter('evictions', '{eviction}', 'Values that made room for others.'),
    listenerFailures: counter('listener.failures', '{failure}', 'Listeners and callbacks that threw or rejected.'),
    backendFailures: counter('backend.failures', '{failure}', 'Calls of a storage tier that failed.'),
    rejected: counter('backend.rejected_values', '{value}', 'Stored values that were treated as a miss.'),
    reads: observable('createObservableCounter', 'reads', '{read}', 'Reads, by what answered them.'),
    entries: observable('createObservableUpDownCounter', 'entry.count', '{entry}', 'Values held in memory.'),
    memory: observable('createObservableUpDownCounter', 'memory.usage', 'By', 'What they take, where it is counted.'),
    suspended: observable(
      'createObservableUpDownCounter',
      'backend.suspended',
      '{backend}',
      'Storage tiers that are left alone for a while: 0 or 1 for each source.',
    ),
    age: observable('createObservableGauge', 'value.age.max', 's', 'Age of the oldest held value.'),
  }
}
