/** The registries under which schedules of tiers are played. */
export interface TierRules {
  readonly name: string
  readonly registries: 2 | 3
  readonly maxEntries: number
  readonly staleIfError: number
  /** whether the backend has `getMany` */
  readonly batches: boolean
  /** whether the codec takes a few turns */
  readonly slowCodec: boolean
  readonly fetchTimeout: number
  /** whether the registries are joined by a coordinator */
  readonly joined: boolean
}

export const ttl = 10_000
export const refreshWindow = 4000
/** What a registry does by default. */
export const backendDeadline = 200

const plain: TierRules = {
  name: 'plain',
  registries: 2,
  maxEntries: Infinity,
  staleIfError: 0,
  batches: false,
  slowCodec: false,
  fetchTimeout: 30_000,
  joined: false,
}

export const tierRules: readonly TierRules[] = [
  plain,
  { ...plain, name: 'room for one', maxEntries: 1, batches: true },
  { ...plain, name: 'stale if error', staleIfError: 5000, batches: true, fetchTimeout: 4000 },
  { ...plain, name: 'a codec that takes its time', slowCodec: true },
  { ...plain, name: 'three registries, room for two', registries: 3, maxEntries: 2 },
  { ...plain, name: 'joined', joined: true },
  { ...plain, name: 'three joined, room for one', registries: 3, maxEntries: 1, joined: true, batches: true },
]
