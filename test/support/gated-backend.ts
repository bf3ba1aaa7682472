/** A backend whose calls begin, act and answer when the test says so, and fail where it says so. */
import type { CacheBackend } from 'evercurrent'

/** `before`: it fails and did nothing. `after`: it fails although it acted. */
export type Outcome = 'done' | 'before' | 'after'

export interface Gate {
  /** Called before it acts, and again before it answers. */
  pass(operation: string): Promise<void>
  outcome(operation: string): Outcome
  readonly failure: (outcome: Outcome) => unknown
  /** told in the order of acting */
  acted?(operation: string, args: readonly unknown[], result: unknown): void
}

export function gatedBackend(inner: CacheBackend, gate: Gate): CacheBackend {
  const gated =
    <A extends readonly unknown[], T>(operation: string, call: (...args: A) => T) =>
    async (...args: A): Promise<Awaited<T>> => {
      await gate.pass(operation)
      const outcome = gate.outcome(operation)
      if (outcome === 'before') throw gate.failure(outcome)
      const result = await call(...args)
      gate.acted?.(operation, args, result)
      await gate.pass(operation)
      if (outcome === 'after') throw gate.failure(outcome)
      return result
    }
  return {
    name: `gated ${inner.name}`,
    get: gated('get', inner.get),
    set: gated('set', inner.set),
    delete: gated('delete', inner.delete),
    deletePrefix: gated('deletePrefix', inner.deletePrefix),
  }
}
