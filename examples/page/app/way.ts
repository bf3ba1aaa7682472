/** What the page asks of a way to answer its readers, whichever it is. */

import type { Served, Source } from 'evercurrent/devtools'
import type { Config } from '../backstage.ts'
import type { Subject, Value } from './subjects.ts'

export interface Answer {
  readonly value: Value
  readonly served: Exclude<Served, 'failed'>
}

export interface Way {
  /** what the timelines are drawn from */
  readonly source: Source
  read(subject: Subject): Promise<Answer>
  invalidate(subject: Subject): Promise<unknown>
  /** The value was refused by who it is for. */
  reject(subject: Subject, value: Value): Promise<unknown>
  write(subject: Subject, value: Config): Promise<unknown>
  end(): void
}

/** Milliseconds: the same for all ways. */
export const fetchTimeout = 2_500

export const nameOf = ({ type, key }: Subject) => ({ type, key: [key] })
