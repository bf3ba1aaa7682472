/** browserBackend where a page has no IndexedDB, no Web Locks or no BroadcastChannel, as in a process of Node. */
import { browserBackend } from 'evercurrent/backend/browser'
import { backendContract, coordinatorContract } from 'evercurrent/testing'
import { describe, it } from 'vitest'

describe('browserBackend without IndexedDB fulfils the contract of a tier:', () => {
  it.each(backendContract(() => browserBackend({ database: 'db' })))('$name', ({ run }) => run())
})

describe('its coordinator joins what shares it:', () => {
  const cases = coordinatorContract(async () => {
    const { coordinator } = browserBackend({ database: 'db' })
    // The first call tells that nothing is shared with other pages.
    await Promise.resolve(coordinator?.publish({ key: '', generation: '', origin: '' })).catch(() => {})
    return { connect: () => coordinator as never }
  })
  it.each(cases)('$name', ({ run }) => run())
})
