/** What tests of code that uses a cache need: time that moves when told to, and fetches that settle when told to. */

export { type ControlledFetch, controlledFetch } from './controlled-fetch.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
