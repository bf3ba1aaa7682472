/** The cases about generations: which writes of a tier are accepted, and which come too late. */

import type { CacheBackend } from '../backend/backend.ts'
import type { Awaitable } from '../time/awaitable.ts'
import { check, same, shown } from './contract-case.ts'
import type { Probe } from './probe.ts'

type Cases = Record<string, (probe: Probe) => Promise<void>>

/** A counter for many keys may move on without cause now and then; one for all of them would let nobody write. */
const KEYS = Array.from({ length: 20 }, (_, at) => `busy-${at}`)

export const fenceCases: Cases = {
  async 'a miss has a generation, and a write compared with it is accepted'({ generation, accepts, misses }) {
    await misses('k', 'In an empty store')
    await accepts('k', 'a', await generation('k'), 'nothing happened since the miss')
  },

  async 'set() without ifGeneration stores always, and each time the key moves on'({ put, holds, refuses }) {
    const first = await put('k', 'a')
    await holds('k', 'a', 'After set()')
    const second = await put('k', 'b')
    await holds('k', 'b', 'After a second set()')
    check(first !== second, `Two writes of a key have the same generation, ${shown(first)}`)
    await refuses('k', first, 'the key was written since')
  },

  async 'the generation set() returns is that of the next get(), and can be written with'(probe) {
    const stored = await probe.put('k', 'a')
    const { generation, stored: held } = await probe.backend.get('k')
    same(generation, stored, 'The generation of get() after set()')
    same(held?.generation, stored, 'The generation of what get() holds')
    const next = await probe.accepts('k', 'b', stored, 'it is the generation set() returned')
    same(await probe.generation('k'), next, 'The generation of get() after a conditional set()')
    await probe.accepts('k', 'c', next, 'it is the generation a conditional set() returned')
  },

  async 'a miss is outdated by a write of the key'({ generation, put, refuses }) {
    const miss = await generation('k')
    await put('k', 'a')
    await refuses('k', miss, 'the key was written since the miss')
  },

  async 'of two writers that saw the same miss, the second is refused'({ generation, accepts, refuses }) {
    const [first, second] = [await generation('k'), await generation('k')]
    await accepts('k', 'a', first, 'nothing happened since the miss')
    await refuses('k', second, 'another writer that saw the same miss was first')
  },

  async 'a generation never comes back, although the same bytes do'({ put, backend, refuses }) {
    const first = await put('k', 'a')
    await put('k', 'b')
    await put('k', 'a')
    await refuses('k', first, 'the key was written twice since')
    const again = await put('k', 'a')
    await backend.delete('k', {})
    await put('k', 'a')
    await refuses('k', again, 'the key was deleted and written since')
  },

  async 'delete() drops the value, says that there was one, and outdates what was read'({
    put,
    backend,
    misses,
    refuses,
  }) {
    const before = await put('k', 'a')
    const { existed } = await backend.delete('k', {})
    same(existed, true, 'existed of a key with a value')
    await misses('k', 'After delete()')
    await refuses('k', before, 'the key was deleted since')
  },

  async 'delete() of an absent key outdates a miss before it'({ generation, backend, misses, refuses }) {
    const before = await generation('k')
    const { existed } = await backend.delete('k', {})
    same(existed, false, 'existed of an absent key')
    await refuses('k', before, 'the key was deleted since the miss')
    await misses('k', 'After delete()')
  },

  async 'delete() leaves a tombstone: what was read before stays outdated over more deletes'(probe) {
    const { generation, backend, put, refuses } = probe
    const miss = await generation('k')
    const written = await put('k', 'a')
    const first = await backend.delete('k', {})
    const second = await backend.delete('k', {})
    same(second.existed, false, 'existed of a key deleted before')
    for (const before of [miss, written, first.generation]) await refuses('k', before, 'the key was deleted since')
    await probe.accepts('k', 'b', second.generation, 'it is the generation delete() returned')
  },

  async 'after delete() a look-up gives a generation that can be written with'({ put, backend, generation, accepts }) {
    await put('k', 'a')
    await backend.delete('k', {})
    await accepts('k', 'b', await generation('k'), 'nothing happened since the miss')
  },

  async 'delete() with the generation in force deletes'({ put, backend, misses, generation, refuses }) {
    const { existed, ...deleted } = await backend.delete('k', { ifGeneration: await put('k', 'a') })
    same(existed, true, 'existed of a key deleted at its generation')
    await misses('k', 'After delete() with the generation in force')
    const miss = await generation('k')
    await backend.delete('k', { ifGeneration: miss })
    await refuses('k', miss, 'the absent key was deleted since, at its generation')
    await refuses('k', deleted.generation, 'the key was deleted again since')
  },

  async 'delete() with an older generation changes nothing, and returns the one in force'(probe) {
    const { put, backend, holds, accepts } = probe
    const miss = await probe.generation('k')
    const first = await put('k', 'a')
    const inForce = await put('k', 'b')
    for (const ifGeneration of [first, miss, '', 'unknown']) {
      const { existed, generation } = await backend.delete('k', { ifGeneration })
      same(existed, false, 'existed of a refused delete()')
      same(generation, inForce, 'The generation of a refused delete()')
      await holds('k', 'b', 'After a refused delete()')
    }
    await accepts('k', 'c', inForce, 'the delete() in between was refused')
  },

  async 'a generation nobody gave out is refused, and the empty string is one'({ put, refuses, generation, accepts }) {
    await put('held', 'a')
    for (const foreign of ['', '0', '1', '-1', 'NaN', 'null', 'undefined', '0.0', '0:0:0', 'x'.repeat(1000)]) {
      await refuses('held', foreign, `no generation was ever ${shown(foreign)}`)
      await refuses('absent', foreign, `no generation was ever ${shown(foreign)}`)
    }
    await accepts('absent', 'a', await generation('absent'), 'all that happened since were refused writes')
  },

  async 'writes and deletes of other keys do not outdate a miss, or hardly ever'({ generation, backend, putIf, put }) {
    const misses = await Promise.all(KEYS.map(async (key) => [key, await generation(key)] as const))
    let accepted = 0
    for (const [key, miss] of misses) {
      await put(`other-${key}`, 'a')
      await backend.delete(`other-${key}`, {})
      await backend.deletePrefix(`another-${key}`)
      if ((await putIf(key, 'a', miss)) !== undefined) accepted++
    }
    const all = KEYS.length
    check(accepted > all / 2, `Of ${all} writers of ${all} different keys ${accepted} were accepted: the rest starves`)
  },

  async 'writes of other keys never outdate a value that is held'({ put, accepts, backend }) {
    const held = await put('k', 'a')
    for (const key of KEYS) {
      await put(key, 'a')
      await backend.delete(key, {})
    }
    await accepts('k', 'b', held, 'only other keys changed since')
  },
}

/** What is asked of a tier that can be made to lose what it knows. */
export const lostCases = (lose: (backend: CacheBackend, key: string) => Awaitable<void>): Cases => ({
  async 'a write compared with a value that was lost is refused'({ put, backend, misses, refuses }) {
    const held = await put('k', 'a')
    await lose(backend, 'k')
    await misses('k', 'After its loss')
    await refuses('k', held, 'the record of that generation was lost')
  },

  async 'a deletion defeats a writer from before it, although its tombstone was lost'(probe) {
    const { generation, put, backend, refuses } = probe
    const miss = await generation('k')
    const held = await put('k', 'a')
    const deleted = await backend.delete('k', {})
    await lose(backend, 'k')
    for (const before of [miss, held]) await refuses('k', before, 'the key was deleted since, and then lost')
    const late = await probe.putIf('k', 'b', deleted.generation)
    if (late === undefined) await probe.misses('k', 'After a refused set()')
    else await probe.holds('k', 'b', 'After an accepted set()')
  },

  async 'after a loss, a look-up gives a generation that can be written with'({ put, backend, generation, accepts }) {
    await put('k', 'a')
    await lose(backend, 'k')
    await accepts('k', 'b', await generation('k'), 'nothing happened since the miss')
  },
})
