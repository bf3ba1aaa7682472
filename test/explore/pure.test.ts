/** The pure machine over every schedule: all interleavings of every call, outcome and lapse of time. */
import { afterAll, expect, it } from 'vitest'
import { everyRun } from './levels.ts'
import { type Explored, explorePure } from './pure.ts'
import { allRules } from './rules.ts'

const explored: Explored[] = []
const began = performance.now()

afterAll(() => {
  const sum = (key: keyof Explored) => explored.reduce((total, one) => total + one[key], 0)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(
    `explored the pure machine: ${sum('states')} states, ${sum('edges')} edges, ${sum('schedules')} schedules, ${seconds} s`,
  )
})

it.each(allRules)(
  'transition() and planRead() keep every law in every state they reach: $name',
  (rules) => {
    const depth = everyRun.pure(rules)
    const found = explorePure(rules, depth)
    explored.push(found)
    expect(found.schedules).toBeGreaterThan(10 ** (depth - 1))
  },
  10 * 60_000,
)
