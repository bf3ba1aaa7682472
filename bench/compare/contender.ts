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
  /** A cache that holds nothing yet. In the experiments both clocks are fake and stand still unless they are moved. */
  start(load: () => Promise<string>, wish?: Wish): Subject | Promise<Subject>
  /** The same for many keys, with room for `max` of them. Missing: it holds one value. */
  startMany?(load: (key: string) => Promise<string>, wish: Wish, max: number): Keyed | Promise<Keyed>
}

/** What a user wants of a cache, in milliseconds of a value's age; each file gives it as nearly as its package can. */
export interface Wish {
  /** from here on it is loaded anew behind the readers */
  readonly due: number
  /** from here on it has expired */
  readonly ttl: number
  /** until here it may be served when there is no newer one; `ttl` if never after it expired */
  readonly stale: number
}

export const minute: Wish = { due: 40_000, ttl: 60_000, stale: 660_000 }

/**
 * For packages that load behind the readers only what has expired. If nothing older than `ttl` may be served, their own
 * expiry is `due`, and what they call stale is the rest until `ttl`.
 *
 * @public for the files of `peers/`, which are compiled apart
 */
export const expiringEarly = ({ due, ttl, stale }: Wish): { readonly fresh: number; readonly stale: number } =>
  stale > ttl ? { fresh: ttl, stale: stale - ttl } : { fresh: due, stale: ttl - due }

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

/** A cache of many keys. */
export interface Keyed {
  read(key: string): unknown
  /** what is held, at once and without a load */
  peek?(key: string): unknown
}
