/** What every coordinator has to do, as cases that run anywhere: the contract of `Coordinator`, executed. */

import type { Coordinator } from '../backend/coordinator.ts'
import type { Awaitable } from '../time/awaitable.ts'
import type { ContractCase } from './contract-case.ts'
import { leaseCases } from './coordinator-leases.ts'
import { messageCases } from './coordinator-messages.ts'
import { type Meeting, meeting } from './meeting.ts'

/** A place where processes meet: one server, one browser profile. */
export interface CoordinatedProcesses {
  /** A coordinator as one more process has it, joined with all others of this object. */
  connect(): Awaitable<Coordinator>
  close?(): Awaitable<void>
}

export interface CoordinatorContractOptions {
  /** Milliseconds that a message or a lease may take before the case fails. Default: 5000. */
  readonly patience?: number | undefined
}

/**
 * The contract of a coordinator as cases, to run with any test runner. Fences have to be written in decimal digits.
 *
 * @param make called once by each case: coordinators joined with one another, and with nothing from another case.
 * @returns cases that reject with an `Error` saying what was expected. Nothing is waited for longer than `patience`.
 * @example
 * ```ts
 * const cases = coordinatorContract(() => {
 *   const coordinator = memoryCoordinator()
 *   return { connect: () => coordinator }
 * })
 * for (const { run } of cases) await run()
 * ```
 */
export function coordinatorContract(
  make: () => Awaitable<CoordinatedProcesses>,
  options: CoordinatorContractOptions = {},
): readonly ContractCase[] {
  const { patience = 5000 } = options
  const all: Record<string, (meeting: Meeting) => Promise<void>> = { ...leaseCases, ...messageCases }
  return Object.entries(all).map(([name, body]) => ({
    name,
    async run() {
      const processes = await make()
      try {
        const [one, two, three] = [await processes.connect(), await processes.connect(), await processes.connect()]
        await body(meeting([one, two, three], patience))
      } finally {
        await processes.close?.()
      }
    },
  }))
}
