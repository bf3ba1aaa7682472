/** What a cache has to offer to be put through the experiments; bench/peers has one file per package. */

export interface Contender {
  /** what the command calls it; a package in two configurations is two contenders */
  readonly name: string
  /** the npm packages it is made of: their versions are reported */
  readonly packages: readonly string[]
  /** the options, each chosen to help it */
  readonly configuration: string
  /** what it promises and what it does not, so that nothing is held against it that it never offered */
  readonly promises: string
  readonly ages: Ages
  /** A cache that holds nothing yet. Both clocks are fake and stand still unless the experiment moves them. */
  start(load: () => Promise<string>): Subject | Promise<Subject>
}

/** How old a value is, in milliseconds, when … A missing age is a state this cache does not have. */
export interface Ages {
  /** … it has not expired, and a read starts its refresh */
  readonly due?: number
  /** … it has expired, and may still be served */
  readonly stale?: number
  /** … it has expired, and may not be served any more */
  readonly expired?: number
}

/** A missing operation is one this cache does not offer. */
export interface Subject {
  read(): unknown
  /** what is held, without a load */
  peek?(): unknown
  /** drops the value */
  invalidate?(): unknown
  /** puts a newer value in its place */
  set?(value: string): unknown
  /** keeps the value, and says that it is out of date */
  expire?(): unknown
  /** asks for a value that is loaded now; gives it */
  refresh?(): unknown
}
