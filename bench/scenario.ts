/** What a scenario is: contenders that do the same work, one of them the floor, and the bars the others must meet. */

import type { Contender as Peer } from './compare/contender.ts'

/** Asserts that the contender does its work, then measures it for about that long. Throws if it is wrong. */
export type Round = (budgetMs: number) => Promise<number | readonly number[]>

/** Makes one contender ready, in a process of its own. A text says why it cannot take part. */
export type Contender = () => Round | string | Promise<Round | string>

export type Unit = 'ns' | 'ms' | 'B'

export interface Scenario {
  readonly title: string
  readonly unit: Unit
  /** what a round gives, if it is more than one figure: title and unit of each; ratios and bars are about the first */
  readonly columns?: readonly (readonly [title: string, unit: Unit])[]
  /** in the order they are measured; the first one is the floor */
  readonly contenders: Readonly<Record<string, Contender>>
  /** how any other package does the same work */
  readonly rival?: (peer: Peer) => ReturnType<Contender>
  /** a second floor among them, with a clock that was looked up once: no cache that fake timers can drive does that */
  readonly capturedFloor?: string
  /** the most a contender may be: times the floor, or so much above it */
  readonly bars?: Readonly<Record<string, { readonly times: number } | { readonly above: number }>>
  /** what Node is started with */
  readonly flags?: readonly string[]
  /** so heavy that a quick run leaves the other packages out and nothing is started more than once */
  readonly isHeavy?: boolean
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number]
  return low + (high - low) * (at - Math.floor(at))
}
