/** Times reads one after the other, in nanoseconds each, and looks at the result of every one. */

import { median, type Round } from './scenario.ts'

type Awaitable<T> = T | Promise<T>

const batch = 1000

const wrong = () => new Error('A read did not give the value')

/** The median batch of a round: those in which other programs had the processor do not count. */
const perRead = (passed: readonly number[]) => (median(passed) * 1e6) / batch

export function timeReads<T>(read: () => T, expected: T): Round {
  const run = (times: number) => {
    for (let i = 0; i < times; i++) if (read() !== expected) throw wrong()
  }
  return async (budgetMs) => {
    run(1)
    const passed: number[] = []
    for (const end = performance.now() + budgetMs; performance.now() < end; ) {
      const began = performance.now()
      run(batch)
      passed.push(performance.now() - began)
    }
    return perRead(passed)
  }
}

export function timeAwaitedReads<T>(read: () => Awaitable<T>, expected: T): Round {
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) if ((await read()) !== expected) throw wrong()
  }
  return async (budgetMs) => {
    await run(1)
    const passed: number[] = []
    for (const end = performance.now() + budgetMs; performance.now() < end; ) {
      const began = performance.now()
      await run(batch)
      passed.push(performance.now() - began)
    }
    return perRead(passed)
  }
}
