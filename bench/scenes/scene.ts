/** What a scene is: a wish, when readers come, and how the source behaves. It is played in fake time. */

import type { Wish } from '../compare/contender.ts'

export interface Scene {
  readonly title: string
  /** what happens, and what good is */
  readonly story: string
  readonly wish: Wish
  /** who is put through it */
  readonly cast: readonly string[]
  /** when readers come, in milliseconds after the first value arrived */
  readonly reads: readonly number[]
  /** how the source takes a call that comes then */
  source(at: number): { readonly takes: number; readonly fails: boolean }
  /** when an outage ends: how long after that the first newer value is served */
  readonly recoversAt?: number
}

/** What was seen of one contender. Times in milliseconds. */
export interface Seen {
  readonly reads: number
  readonly loads: number
  readonly atOnce: number
  readonly blocked: number
  readonly longestWait: number
  readonly errors: number
  readonly pastTtl: number
  readonly medianAge: number
  readonly oldest: number
  readonly recovered: number | undefined
  /** rejections that were left to nobody */
  readonly unhandled: number
}
