/** A panel and a picture of what a registry or a cache does, for a page: `evercurrent/devtools`. */

export {
  type Call,
  type Change,
  Chronicle,
  type ChronicleOptions,
  type CoolDown,
  type Life,
  type Read,
  type Served,
  type Track,
} from './chronicle.ts'
export { type DevtoolsOptions, mountDevtools } from './mount.ts'
export type { Source, ValueName } from './source.ts'
export { timelineStyles } from './styles.ts'
export { drawTimeline, type TimelineOptions } from './timeline.ts'
