/** What tells timers to rest. */

/** Says when `keepFresh()` is to rest: `hiddenOrOffline` of `evercurrent/backend/browser`, or one of your own. */
export interface Pause {
  /** Whether it is to rest now. */
  isPaused(): boolean
  /** Calls the listener whenever that may have changed, or time may have passed unnoticed. Returns what ends it. */
  subscribe(listener: () => void): () => void
}
