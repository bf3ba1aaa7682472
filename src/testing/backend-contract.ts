/** What every storage tier has to do, as cases that run anywhere: the contract of `CacheBackend`, executed. */

import type { CacheBackend } from '../backend/backend.ts'
import type { Awaitable } from '../time/awaitable.ts'
import { byteCases } from './backend-bytes.ts'
import { fenceCases, lostCases } from './backend-fences.ts'
import { keyCases } from './backend-keys.ts'
import { lifeCases } from './backend-life.ts'
import { raceCases } from './backend-races.ts'
import type { ContractCase } from './contract-case.ts'
import { type Probe, probe } from './probe.ts'

export interface BackendContractOptions {
  /** Epoch milliseconds, if the backend does not live by `Date.now`. */
  readonly now?: (() => number) | undefined
  /**
   * Makes the backend lose all it knows about a key, by whatever it has: eviction, a flush. With it there are cases which
   * ask that a write compared with what was lost is refused.
   */
  readonly lose?: ((backend: CacheBackend, key: string) => Awaitable<void>) | undefined
}

/**
 * The contract of a storage tier as cases, to run with any test runner. What a backend need not have (`getMany`, `size`,
 * `close`) is asked only of one that has it.
 *
 * @param make called once by each case: a backend on an empty store, which the case may wipe, and closes at its end.
 * @returns cases that reject with an `Error` saying what was expected; they can run in any order, and side by side if the
 * stores of `make` are separate.
 * @example
 * ```ts
 * for (const { run } of backendContract(() => memoryBackend())) await run()
 * ```
 */
export function backendContract(
  make: () => Awaitable<CacheBackend>,
  options: BackendContractOptions = {},
): readonly ContractCase[] {
  const { now = () => Date.now(), lose } = options
  const all: Record<string, (probe: Probe) => Promise<void>> = {
    ...fenceCases,
    ...(lose && lostCases(lose)),
    ...keyCases,
    ...byteCases,
    ...raceCases,
    ...lifeCases,
  }
  return Object.entries(all).map(([name, body]) => ({
    name,
    async run() {
      const backend = await make()
      try {
        await body(probe(backend, now))
      } finally {
        await backend.close?.()
      }
    },
  }))
}
