/** The contracts find every bug of a list of broken backends and coordinators, each by the case that is about it. */
import { memoryBackend, memoryCoordinator } from 'evercurrent/backend/memory'
import { backendContract, type ContractCase, coordinatorContract } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { brokenCoordinators, soundCoordinators } from './broken-coordinators.ts'
import { brokenFences } from './broken-fences.ts'
import { brokenStores } from './broken-stores.ts'
import { lose, PlainBackend } from './plain-backend.ts'

/** The cases that fail, with what they say. */
async function failures(cases: readonly ContractCase[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const { name, run } of cases) {
    await run().catch((error: unknown) => {
      expect(error).toBeInstanceOf(Error)
      found.set(name, (error as Error).message)
    })
  }
  return found
}

const namesOf = (cases: readonly ContractCase[]) => cases.map(({ name }) => name)

describe('backendContract', () => {
  const all = namesOf(backendContract(memoryBackend, { lose }))

  it('is fulfilled by the simplest backend there is', async () => {
    expect([...(await failures(backendContract(() => new PlainBackend(), { lose })))]).toEqual([])
  })

  it.each([...brokenFences, ...brokenStores])('finds that $bug', async ({ make, caughtBy, lose = () => {} }) => {
    expect(all).toContain(caughtBy)
    const cases = backendContract(make, { lose }).filter(({ name }) => name === caughtBy)
    expect([...(await failures(cases)).keys()]).toEqual([caughtBy])
  })

  it('asks about lost records only when it can make the backend lose them', () => {
    const without = namesOf(backendContract(memoryBackend))
    expect(all.filter((name) => !without.includes(name))).toHaveLength(3)
    expect(new Set(all).size).toBe(all.length)
  })

  it('says what was expected, and of which key', async () => {
    const told = await failures(backendContract(brokenFences[0]?.make ?? memoryBackend))
    expect(told.get('a miss is outdated by a write of the key')).toBe(
      'set() with ifGeneration was accepted, although the key was written since the miss',
    )
  })

  it('closes every backend it was given, also when a case fails', async () => {
    let open = 0
    const make = () => {
      open++
      const backend = new PlainBackend()
      const close = async () => {
        if (!backend.closed) open--
        backend.closed = true
      }
      return Object.assign(backend, { close, isTimely: () => true })
    }
    expect((await failures(backendContract(make))).size).toBeGreaterThan(5)
    expect(open).toBe(0)
  })

  it('lives by the clock it is given', async () => {
    const now = () => 1000
    expect([...(await failures(backendContract(() => memoryBackend({ now }), { now })))]).toEqual([])
    expect((await failures(backendContract(() => memoryBackend({ now: () => 1e15 })))).size).toBeGreaterThan(0)
  })

  it('is fulfilled without what a backend need not have', async () => {
    const make = () => {
      const { getMany: _, size: __, close: ___, ...backend } = memoryBackend()
      return backend
    }
    expect([...(await failures(backendContract(make)))]).toEqual([])
  })
})

describe('coordinatorContract', () => {
  const all = namesOf(coordinatorContract(() => ({ connect: memoryCoordinator })))

  it.each(brokenCoordinators)('finds that $bug', async ({ make, caughtBy }) => {
    expect(all).toContain(caughtBy)
    // Only what hangs waits so long.
    const cases = coordinatorContract(
      () => {
        const coordinator = make()
        return { connect: () => coordinator }
      },
      { patience: 100 },
    )
    const found = await failures(cases.filter(({ name }) => name === caughtBy))
    expect([...found.keys()]).toEqual([caughtBy])
  })

  it.each(soundCoordinators)('finds nothing in what they are made of', async (make) => {
    const connecting = () => {
      const coordinator = make()
      return { connect: () => coordinator }
    }
    expect([...(await failures(coordinatorContract(connecting)))]).toEqual([])
  })

  it('finds that processes are not joined', async () => {
    const found = await failures(coordinatorContract(() => ({ connect: memoryCoordinator }), { patience: 20 }))
    expect([...found.keys()]).toContain('an announcement reaches every other process')
    expect([...found.keys()]).toContain('a held key is not leased to another process')
    expect(found.get('an announcement reaches every other process')).toBe(
      'Hearing the announcement of "k" did not happen within 20 ms',
    )
  })

  it('closes the place where the processes met', async () => {
    let open = 0
    const make = () => {
      open++
      const coordinator = memoryCoordinator()
      return { connect: () => coordinator, close: () => void open-- }
    }
    expect([...(await failures(coordinatorContract(make)))]).toEqual([])
    expect(open).toBe(0)
  })
})
