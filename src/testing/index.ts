/** What tests of code around a cache need: time and fetches that do as they are told, and the contracts of its tiers. */

export { type BackendContractOptions, backendContract } from './backend-contract.ts'
export type { ContractCase } from './contract-case.ts'
export { type ControlledFetch, controlledFetch } from './controlled-fetch.ts'
export {
  type CoordinatedProcesses,
  type CoordinatorContractOptions,
  coordinatorContract,
} from './coordinator-contract.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
