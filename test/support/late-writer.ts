/** A cache that does what the comparison is there to find: the load that answers last wins, and every read calls the source. */

import type { Contender } from '../../bench/compare/contender.ts'

export const lateWriter: Contender = {
  name: 'late-writer',
  packages: [],
  configuration: 'none',
  promises: 'Nothing.',
  ages: { due: 45_000, stale: 61_000, expired: 120_000 },
  start(load) {
    let held: { readonly value: string; readonly at: number } | undefined
    const reload = async () => {
      const value = await load()
      held = { value, at: Date.now() }
      return value
    }
    return {
      read() {
        const age = held ? Date.now() - held.at : Infinity
        if (age < 30_000) return held?.value
        const loading = reload()
        if (!held || age > 100_000) return loading
        // Nobody takes care of how this ends: an unhandled rejection while the source is down.
        return held.value
      },
      peek: () => held?.value,
      invalidate() {
        held = undefined
      },
      set(value) {
        held = { value, at: Date.now() }
      },
      expire() {
        held = undefined
      },
      refresh: reload,
    }
  },
}
