/** Caches for OpenTelemetry and for diagnostics channels: what is measured, what is traced, and nothing imported for it. */

export { type FetchTrace, traceChannels } from './channels.ts'
export { type InstrumentationOptions, instrument } from './instrument.ts'
export type { InstrumentOptions, MeterLike, ObservableLike, Observing } from './meter.ts'
