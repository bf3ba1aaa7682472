/** The cases about leases: one holder for each key, and nobody is left waiting. */

import type { Lease } from '../backend/coordinator.ts'
import { ascii, check, rejects, same, shown } from './contract-case.ts'
import type { Meeting } from './meeting.ts'

const fenceOf = ({ fence }: Lease): bigint => {
  check(/^\d+$/.test(fence), `A fence has to be a string of decimal digits, got ${shown(fence)}`)
  return BigInt(fence)
}

export const leaseCases: Record<string, (meeting: Meeting) => Promise<void>> = {
  async 'a free key is leased at once, and again after its release'({ members: [one, two] }) {
    await (await one.hold('k')).release()
    await (await one.hold('k')).release()
    await (await two.hold('k')).release()
  },

  async 'fences grow from lease to lease, whoever holds it'({ members: [one, two, three] }) {
    let last = -1n
    for (const member of [one, two, three, two, one, one, three, one, two, one, two, three]) {
      const lease = await member.hold('k')
      const fence = fenceOf(lease)
      check(fence > last, `The fence of a later lease has to be greater: got ${fence} after ${last}`)
      last = fence
      await lease.release()
    }
  },

  async 'a held key is not leased to another process'({ members: [one, two], waits, within }) {
    const held = await one.hold('k')
    const waiting = two.ask('k')
    await waits(waiting, 'lease() of a key that another process holds settled before its release')
    await held.release()
    same(await within(waiting, 'Waking who waited'), undefined, 'What who waited is given once the holder is done')
    await (await two.hold('k')).release()
  },

  async 'a held key is not leased to its own process again'({ members: [one], waits, within }) {
    const held = await one.hold('k')
    const waiting = one.ask('k')
    await waits(waiting, 'lease() of a key that this process holds settled before its release')
    await held.release()
    same(await within(waiting, 'Waking who waited'), undefined, 'What who waited is given once the holder is done')
  },

  async 'everybody who waited is woken by one release'({ members, waits, within }) {
    const held = await members[0].hold('k')
    const waiting = [...members, ...members].map(({ ask }) => ask('k'))
    await waits(Promise.race(waiting), 'lease() of a held key settled before its release')
    await held.release()
    for (const given of await within(Promise.all(waiting), 'Waking everybody who waited')) {
      same(given, undefined, 'What who waited is given once the holder is done')
    }
    await (await members[2].hold('k')).release()
  },

  async 'keys with every ASCII character are leased apart'({ members: [one, two] }) {
    const keys = [...ascii, ...ascii.map((character) => `k${character}`), '__proto__', 'constructor']
    const leases: Lease[] = []
    for (const [at, key] of keys.entries()) leases.push(await (at % 2 ? one : two).hold(key))
    for (const lease of leases) await lease.release()
    await (await one.hold(keys[5] ?? '')).release()
  },

  async 'a signal ends the waiting, and takes nothing from the holder'({ members: [one, two, three], waits, within }) {
    const held = await one.hold('k')
    const controller = new AbortController()
    const given = two.ask('k', controller.signal)
    const patient = three.ask('k')
    await waits(given, 'lease() of a held key settled before its release')
    controller.abort(new Error('no longer needed'))
    const gaveUp = rejects(() => given)
    check(await within(gaveUp, 'Ending the waiting by its signal'), 'lease() whose signal fired has to reject')
    await waits(patient, 'When one who waited gave up, another one was woken although the key is still held')
    await held.release()
    same(await within(patient, 'Waking who waited'), undefined, 'What who waited is given once the holder is done')
    await (await two.hold('k')).release()
  },

  async 'a signal that fired before ends it at once, and leaves the key free'({ members: [one, two], within }) {
    const asking = rejects(() => one.ask('k', AbortSignal.abort()))
    check(await within(asking, 'Refusing a signal that fired'), 'lease() whose signal had fired has to reject')
    await (await two.hold('k')).release()
  },

  async 'a signal that fires after the lease was given does not end it'({ members: [one, two], waits, within }) {
    const controller = new AbortController()
    const held = await within(one.ask('k', controller.signal), 'The lease of a free key')
    check(held !== undefined, 'lease() of a free key gave undefined')
    controller.abort()
    const waiting = two.ask('k')
    await waits(waiting, 'A lease ended with the signal of its request; only its release ends it')
    await held.release()
    same(await within(waiting, 'Waking who waited'), undefined, 'What who waited is given once the holder is done')
  },

  async 'releasing twice is releasing once, and frees nobody else’s lease'({
    members: [one, two, three],
    waits,
    within,
  }) {
    const first = await one.hold('k')
    await first.release()
    const second = await two.hold('k')
    await first.release()
    const waiting = three.ask('k')
    await waits(waiting, 'A second release() of an old lease freed the lease of another process')
    await second.release()
    await within(waiting, 'Waking who waited')
  },

  async 'releases of other keys wake nobody'({ members: [one, two], waits, within }) {
    const [held, other] = [await one.hold('k'), await one.hold('k1')]
    const waiting = two.ask('k')
    await other.release()
    await waits(waiting, 'The release of another key woke who waited')
    await held.release()
    await within(waiting, 'Waking who waited')
  },

  async 'of many that ask again and again one at a time holds it, and all get their turn'({ members, within }) {
    let holders = 0
    let turns = 0
    const takeTurn = async ({ ask, announce }: Meeting['members'][number]) => {
      for (;;) {
        const lease = await ask('k')
        if (!lease) continue
        check(++holders === 1, `${holders} hold the lease of one key at the same time`)
        await announce('a turn')
        await Promise.resolve()
        check(holders-- === 1, 'The lease of one key was given to another one before its release')
        turns++
        await lease.release()
        return
      }
    }
    const all = [...members, ...members, ...members, ...members]
    await within(Promise.all(all.map(takeTurn)), `A turn for each of ${all.length}`)
    same(turns, all.length, 'How many had their turn')
  },
}
