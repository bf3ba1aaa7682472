/** What a scenario is: contenders that do the same work, one of them the floor, and the bars the others must meet. */

/** Asserts that the contender does its work, then measures it for about that long. Throws if it is wrong. */
export type Round = (budgetMs: number) => Promise<number>

/** Makes one contender ready, in a process of its own. */
export type Contender = () => Round | Promise<Round>

export interface Scenario {
  readonly title: string
  readonly unit: 'ns' | 'ms' | 'B'
  /** in the order they are measured; the first one is the floor */
  readonly contenders: Readonly<Record<string, Contender>>
  /** other packages that do the same; left out where bench/node_modules is not installed */
  readonly rivals?: Readonly<Record<string, Contender>>
  /** a second floor among them, with a clock that was looked up once: no cache that fake timers can drive does that */
  readonly capturedFloor?: string
  /** the most a contender may be: times the floor, or so much above it */
  readonly bars?: Readonly<Record<string, { readonly times: number } | { readonly above: number }>>
  /** what Node is started with */
  readonly flags?: readonly string[]
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
