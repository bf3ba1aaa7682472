/** browserBackend in a page: the contracts of a tier and of a coordinator, and what is its own: its records. */
import { browserBackend } from 'evercurrent/backend/browser'
import { backendContract, coordinatorContract } from 'evercurrent/testing'
import { afterEach, describe, it, vi } from 'vitest'
import { storedAt } from '../support/tier.ts'

const day = 86_400_000
let count = 0
const open: ReturnType<typeof browserBackend>[] = []

function opened(database = `test-${++count}-${Math.random()}`) {
  const backend = browserBackend({ database })
  open.push(backend)
  return backend
}

afterEach(async () => {
  vi.useRealTimers()
  for (const backend of open.splice(0)) await backend.close?.()
})

describe('browserBackend fulfils the contract of a tier:', () => {
  const cases = backendContract(() => opened(), {
    // Past every record: what was known of the key is deleted by the writes that follow.
    async lose(backend) {
      const now = Date.now()
      vi.useFakeTimers({ now: now + 2 * day, toFake: ['Date'] })
      for (let write = 0; write < 3; write++) await backend.set('filler', storedAt(now), {})
      vi.setSystemTime(now)
    },
  })
  it.each(cases)('$name', ({ run }) => run())
})

describe('its coordinator fulfils the contract of one:', () => {
  const cases = coordinatorContract(() => {
    const database = `test-${++count}-${Math.random()}`
    return { connect: () => opened(database).coordinator as never }
  })
  it.each(cases)('$name', ({ run }) => run())
})
