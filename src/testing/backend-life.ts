/** The cases about a backend as a whole: what it says of itself, and how it ends. */

import { check, rejects, same } from './contract-case.ts'
import { bytesOf, type Probe } from './probe.ts'

export const lifeCases: Record<string, (probe: Probe) => Promise<void>> = {
  async 'it has a name'({ backend }) {
    check(typeof backend.name === 'string' && backend.name !== '', 'name has to be a string that is not empty')
  },

  async 'size(), if there is one and it knows, counts the values and their bytes'({ backend, put }) {
    const told = async () => await backend.size?.()
    const empty = await told()
    if (!empty) return
    same(empty.entries, 0, 'The entries of an empty store')
    await put('a', 'x'.repeat(100))
    await put('a', 'x'.repeat(1000))
    await put('b', 'x'.repeat(500))
    const full = await told()
    same(full?.entries, 2, 'The entries of two keys, one written twice')
    check((full?.bytes ?? 0) >= 1500, `The bytes of values of 1500 bytes: got ${full?.bytes}`)
    await backend.delete('a', {})
    same((await told())?.entries, 1, 'The entries after delete()')
    await backend.deletePrefix('b')
    same((await told())?.entries, 0, 'The entries after deletePrefix()')
  },

  async 'closing twice is closing once'({ backend }) {
    await backend.close?.()
    check(!(await rejects(async () => backend.close?.())), 'The second close() rejected')
    const [first, second] = [backend.close?.(), backend.close?.()]
    await Promise.all([first, second])
  },

  async 'after close() every call rejects'({ backend, stored, put }) {
    await put('k', 'a')
    if (!backend.close) return
    await backend.close()
    const calls = {
      get: () => backend.get('k'),
      set: () => backend.set('k', stored(bytesOf('a')), {}),
      'set with ifGeneration': () => backend.set('k', stored(bytesOf('a')), { ifGeneration: 'x' }),
      delete: () => backend.delete('k', {}),
      deletePrefix: () => backend.deletePrefix('k'),
      ...(backend.getMany && { getMany: () => backend.getMany?.(['k']) }),
      ...(backend.size && { size: () => backend.size?.() }),
    }
    for (const [name, call] of Object.entries(calls)) check(await rejects(call), `${name} after close() did not reject`)
  },
}
