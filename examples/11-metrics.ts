/** What OpenTelemetry exports of a registry: hits, fetches, failures, latency and ages, by the type of the values. */

import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { CacheRegistry } from 'evercurrent'
import { instrument } from 'evercurrent/otel'
import { manualClock } from 'evercurrent/testing'

// In your program: an OTLP or a Prometheus exporter.
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] })

const clock = manualClock()
const registry = new CacheRegistry({ clock })
const stop = instrument(registry, provider.getMeter('evercurrent'))

let isDown = false
const load = async (name: string): Promise<string> => {
  await new Promise<void>((resolve) => clock.after(200, resolve))
  if (isDown) throw new Error('503')
  return name.toUpperCase()
}
const policy = { ttl: '30s', staleIfError: '5m' } as const
const schemas = registry.define({ type: 'schema', ...policy, fetch: load })
const flags = registry.define({ type: 'flag', ...policy, fetch: load })

/** Reads, and lets the time pass that it takes. */
const read = async (...reads: (() => Promise<string>)[]) => {
  const answers = reads.map((get) => get())
  await clock.advance(200)
  await Promise.all(answers)
}
await read(
  () => schemas.get('orders'),
  () => schemas.get('customers'),
  () => flags.get('beta'),
)
for (let count = 0; count < 20; count++) await schemas.get('orders')
await clock.advance(40_000)
isDown = true
await read(() => schemas.get('orders'))

await provider.forceFlush()
for (const { descriptor, dataPoints } of exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []) {
  for (const { attributes, value } of dataPoints) {
    const labels = Object.entries(attributes).map(([name, label]) => `${name.replace('evercurrent.', '')}=${label}`)
    const number = typeof value === 'number' ? `${value}` : `${value.count} took ${value.sum?.toFixed(1)}`
    console.log(`${descriptor.name} ${number} ${descriptor.unit} ${labels.join(' ')}`.trim())
  }
}
await provider.shutdown()
stop()
