/** Time that stands still unless an experiment moves it, for every package that asks the globals. */

import FakeTimers from '@sinonjs/fake-timers'

export interface Time {
  /** milliseconds since the experiment began */
  now(): number
  /** Lets everything follow that can follow without time passing. */
  settle(): Promise<void>
  pass(ms: number): Promise<void>
}

const { setImmediate } = globalThis

/**
 * Replaces the clocks and timers of this process until `uninstall`. `setImmediate` and `nextTick` stay real: they need
 * no time. Neither clock starts at 0, which some packages take for "never". `turns`: how many turns of the event loop
 * what follows may take.
 */
export function installFakeTime(turns = 20): {
  readonly startTime: () => Promise<Time>
  readonly uninstall: () => void
} {
  const clock = FakeTimers.install({
    now: Date.UTC(2026, 0, 1),
    toFake: ['Date', 'performance', 'hrtime', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
  const settle = async () => {
    for (let turn = 0; turn < turns; turn++) {
      clock.tick(0)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  const pass = async (ms: number) => {
    // Short steps, of which an outage takes thousands, cannot skip a timer between two others.
    if (ms <= 5) clock.tick(ms)
    else await clock.tickAsync(ms)
    await settle()
  }
  const startTime = async (): Promise<Time> => {
    await pass(10_000)
    const began = clock.now
    return { now: () => clock.now - began, settle, pass }
  }
  return { startTime, uninstall: () => clock.uninstall() }
}
