/** Puts a file's tests on fake globals, with a known start. */

import { afterEach, beforeEach, vi } from 'vitest'
import { flush } from './flush.ts'

export const START = Date.UTC(2026, 0, 1)

/** Puts every test of the file on fake globals that start at START. */
export function useFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: START })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

/** Moves both clocks, fires what is due, drains microtasks. */
export async function pass(ms: number): Promise<void> {
  await flush()
  await vi.advanceTimersByTimeAsync(ms)
  await flush()
}

/** Moves the wall clock alone, as sleep or somebody setting the time does. */
export function moveWall(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}
