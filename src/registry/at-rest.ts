/** What writes to a value that nobody works with: no one waits for it, and nothing is in the air. */

import type { Household } from '../cache/setting.ts'
import { createWriter, type Writer } from '../cache/writer.ts'
import type { Entry } from '../policy/lifetime.ts'
import type { Policy } from '../policy/policy.ts'
import type { State } from '../state/state.ts'
import type { Input } from '../state/transition.ts'

export function writerAtRest<V>(
  policy: Policy<V>,
  { timeline, draw }: Pick<Household, 'timeline' | 'draw'>,
  state: () => State<V, never>,
  apply: (input: Input<V>) => boolean,
): Writer<V> {
  const unasked = () => undefined as never
  const seed = (entry: Entry<V>, now: number) => apply({ type: 'seed', entry, now })
  // Nobody waits for a reading, and nothing is disposed.
  return createWriter<V>({ policy, timeline, draw }, { apply, state, seed, readingOf: unasked, disposedError: unasked })
}
