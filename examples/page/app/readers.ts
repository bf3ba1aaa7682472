/** The readers of the page: one for each value, which asks, is answered, and asks again a moment later. */

import type { Read } from 'evercurrent/devtools'
import { defer, merge, type Observable, repeat } from 'rxjs'
import { type Subject, subjects, type Value } from './subjects.ts'
import type { Way } from './way.ts'

/** milliseconds between an answer and the next question */
const pause = 200

export interface Reading {
  readonly subject: Subject
  readonly read: Read
  readonly value?: Value
  readonly error?: unknown
}

/** Never errors: a read that failed is a reading too. */
export function readings$(way: Way): Observable<Reading> {
  return merge(...subjects.map((subject) => defer(() => readOnce(way, subject)).pipe(repeat({ delay: pause }))))
}

async function readOnce(way: Way, subject: Subject): Promise<Reading> {
  const asked = performance.now()
  const took = () => ({ at: Date.now(), tookMs: performance.now() - asked })
  try {
    const { value, served } = await way.read(subject)
    return { subject, value, read: { ...took(), served } }
  } catch (error) {
    return { subject, error, read: { ...took(), served: 'failed' } }
  }
}
