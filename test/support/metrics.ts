/** A meter of the real OpenTelemetry SDK that is read when the test says so, and a source that only tells events. */

import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import type { CacheEvent, Fact, Observed } from 'evercurrent'

class ManualReader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

export interface Point {
  readonly value: number | Histogram
  readonly attributes: Readonly<Record<string, unknown>>
}
export interface Measured {
  readonly unit: string
  readonly description: string
  readonly points: readonly Point[]
}

export function sdkMeter() {
  const reader = new ManualReader()
  const meter = new MeterProvider({ readers: [reader] }).getMeter('evercurrent')
  /** everything there is, by name */
  const read = async (): Promise<Map<string, Measured>> => {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length) throw new AggregateError(errors)
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(
      all.map(({ descriptor: { name, unit, description }, dataPoints }) => [
        name,
        { unit, description, points: dataPoints as DataPoint<number | Histogram>[] },
      ]),
    )
  }
  /** `fetches{evercurrent.type=schema}` and so on, as `{ 'evercurrent.type=schema': 1 }`; of histograms the count. */
  const points = async (name: string): Promise<Record<string, number>> => {
    const { points = [] } = (await read()).get(`evercurrent.${name}`) ?? {}
    const labelled = points.map(({ value, attributes }) => {
      const pairs = Object.entries(attributes).map(([key, of]) => `${key.replace('evercurrent.', '')}=${of}`)
      return [pairs.sort().join(' '), typeof value === 'number' ? value : value.count] as const
    })
    return Object.fromEntries(labelled.sort())
  }
  return { meter, read, points }
}

/** A source whose events the test makes up: what no cache in memory tells of. */
export function fakeSource() {
  const listeners = new Set<(event: CacheEvent) => void>()
  const source = {
    on(listener: (event: CacheEvent) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    inspect: () => ({ age: undefined }),
  }
  return {
    source: source as unknown as Observed<unknown>,
    listeners,
    tell(fact: Fact, of: Pick<CacheEvent, 'type' | 'namespace' | 'key'> = {}) {
      for (const listener of listeners) listener({ at: 0, name: undefined, ...of, ...fact })
    },
  }
}
