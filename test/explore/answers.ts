/** What callers can get from a cache, what observers can see of it, and what a fetch can bring. */
import type { Held } from './history.ts'
import type { Refusal } from './rules.ts'

/** What one caller has got. Errors of the package itself are told by their code. */
export type Answer =
  | { readonly state: 'pending' }
  | { readonly state: 'value'; readonly held: Held; readonly from: 'memory' | 'source'; readonly stale: boolean }
  | { readonly state: 'error'; readonly error: unknown }

export interface Caller {
  answer: Answer
  giveUpAt: number
  /** has a signal */
  readonly abortable: boolean
}

/** One call of the fetch. */
export interface Attempt {
  /** the number of the fetch that one call brought along; else it is the cache's own */
  readonly by: number | undefined
  readonly startedAt: number
  readonly previous: Held | undefined
  timesOutAt: number
  readers: Caller[]
  readonly refreshers: Caller[]
  lostTo?: 'set' | 'seeded' | 'invalidated' | 'expired'
  aborted: boolean
  timedOut: boolean
}

/** What an observer sees. */
export interface Seen {
  readonly status: 'empty' | 'current' | 'refreshing' | 'disposed'
  readonly held: Held | undefined
  readonly failure:
    | { readonly error: unknown; readonly at: number; readonly attempts: number; readonly until: number }
    | undefined
}

/** Whether no observer could tell the two apart. */
export function looksLike(a: Seen, b: Seen): boolean {
  const [f, g] = [a.failure, b.failure]
  const [h, i] = [a.held, b.held]
  const sameFailure = f === g || (f && g && f.error === g.error && f.at === g.at && f.attempts === g.attempts)
  const sameHeld =
    h === i || (h && i && h.value === i.value && h.fetchedAt === i.fetchedAt && h.expiresAt === i.expiresAt)
  return a.status === b.status && !!sameHeld && !!sameFailure
}

export type Result = 'new' | 'same' | 'equal' | 'older' | 'not modified' | 'undefined' | Refusal
