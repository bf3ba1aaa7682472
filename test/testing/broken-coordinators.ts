/** Coordinators with one bug each, and the case of the contract that has to find it. */
import type { Announcement, Coordinator, Lease } from 'evercurrent'
import { memoryCoordinator } from 'evercurrent/backend/memory'
import type { Broken } from './broken.ts'

type Listener = Parameters<Coordinator['subscribe']>[0]

const sound = memoryCoordinator
const never = new AbortController().signal

/** Leases made by hand: `wake` decides what a release does to those who wait. */
const leasing = (
  wake: (waiting: ((given: Lease | undefined) => void)[], grant: () => Lease) => unknown,
): Coordinator => {
  const held = new Map<string, ((given: Lease | undefined) => void)[]>()
  let fence = 0
  return {
    ...sound(),
    async lease(key, signal) {
      signal.throwIfAborted()
      const waiting = held.get(key)
      if (waiting) {
        return new Promise((resolve, reject) => {
          waiting.push(resolve)
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      }
      const queue: ((given: Lease | undefined) => void)[] = []
      held.set(key, queue)
      const grant = (): Lease => {
        let done = false
        const release = () => {
          if (done) return
          done = true
          held.delete(key)
          wake(queue.splice(0), () => {
            held.set(key, queue)
            return grant()
          })
        }
        return { fence: String(++fence), release }
      }
      return grant()
    },
  }
}

const publishing = (deliver: (message: Announcement, listeners: readonly Listener[]) => unknown): Coordinator => {
  const listeners = new Set<{ readonly hear: Listener }>()
  return {
    ...sound(),
    async publish(message) {
      await deliver(
        message,
        [...listeners].map(({ hear }) => hear),
      )
    },
    subscribe(listener) {
      const one = { hear: listener }
      listeners.add(one)
      return () => {
        listeners.delete(one)
      }
    },
  }
}

const isolated = (listener: Listener, message: Announcement) => {
  try {
    listener(message)
  } catch {
    // Its own affair.
  }
}
const all = async (message: Announcement, listeners: readonly Listener[]) => {
  await undefined
  for (const listener of listeners) isolated(listener, { ...message })
}

const changed = (change: (coordinator: Coordinator) => Partial<Coordinator>) => (): Coordinator => {
  const coordinator = sound()
  return { ...coordinator, ...change(coordinator) }
}
const announcing = (change: (message: Announcement) => Announcement) =>
  changed(({ publish }) => ({ publish: (message) => publish(change(message)) }))

const broken = (bug: string, make: () => Coordinator, caughtBy: string): Broken<Coordinator> => ({
  bug,
  make,
  caughtBy,
})

const oneListenerEach = (): Coordinator => {
  const listeners = new Set<Listener>()
  return {
    ...sound(),
    publish: (message) => all(message, [...listeners]),
    subscribe(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

const lateEverySecondTime = () => {
  let messages = 0
  return publishing(async (message, listeners) => {
    if (++messages % 2) return all(message, listeners)
    setTimeout(() => all(message, listeners), 1)
  })
}

const releasingWhoeverHoldsIt = (): Coordinator => {
  const coordinator = sound()
  const current = new Map<string, Lease>()
  return {
    ...coordinator,
    async lease(key, signal) {
      const lease = await coordinator.lease(key, signal)
      if (!lease) return lease
      current.set(key, lease)
      return { ...lease, release: () => current.get(key)?.release() }
    },
  }
}

/** What the broken ones are made of, without the bug. */
export const soundCoordinators: readonly (() => Coordinator)[] = [
  () => leasing((waiting) => waiting.map((wake) => wake(undefined))),
  () => publishing(all),
]

export const brokenCoordinators: readonly Broken<Coordinator>[] = [
  broken(
    'everybody gets the lease',
    changed(() => ({ lease: () => ({ fence: String(performance.now()).replace('.', ''), release() {} }) })),
    'a held key is not leased to another process',
  ),
  broken(
    'all fences are equal',
    changed(({ lease }) => ({
      async lease(key, signal) {
        const given = await lease(key, signal)
        return given && { ...given, fence: '1' }
      },
    })),
    'fences grow from lease to lease, whoever holds it',
  ),
  broken(
    'a fence is random',
    changed(({ lease }) => ({
      async lease(key, signal) {
        const given = await lease(key, signal)
        return given && { ...given, fence: crypto.randomUUID() }
      },
    })),
    'fences grow from lease to lease, whoever holds it',
  ),
  broken('nobody is woken', () => leasing(() => {}), 'a held key is not leased to another process'),
  broken(
    'only the first is woken',
    () => leasing((waiting) => waiting[0]?.(undefined)),
    'everybody who waited is woken by one release',
  ),
  broken(
    'who waited is given the lease',
    () =>
      leasing(([next, ...others], grant) => {
        next?.(grant())
        for (const wake of others) wake(undefined)
      }),
    'a held key is not leased to another process',
  ),
  broken(
    'who asks for a held key is sent back at once',
    changed(({ lease }) => {
      const held = new Set<string>()
      return {
        async lease(key, signal) {
          if (held.has(key)) return undefined
          const given = await lease(key, signal)
          held.add(key)
          const release = () => {
            held.delete(key)
            return given?.release()
          }
          return given && { ...given, release }
        },
      }
    }),
    'a held key is not leased to another process',
  ),
  broken(
    'a signal is ignored',
    changed(({ lease }) => ({ lease: (key) => lease(key, never) })),
    'a signal ends the waiting, and takes nothing from the holder',
  ),
  broken(
    'a signal that fired before is ignored',
    changed(({ lease }) => ({ lease: (key, signal) => lease(key, signal.aborted ? never : signal) })),
    'a signal that fired before ends it at once, and leaves the key free',
  ),
  broken(
    'a signal that fired before leaves the key leased',
    changed(({ lease }) => ({
      async lease(key, signal) {
        const given = await lease(key, signal.aborted ? never : signal)
        signal.throwIfAborted()
        return given
      },
    })),
    'a signal that fired before ends it at once, and leaves the key free',
  ),
  broken(
    'a lease ends with the signal of its request',
    changed(({ lease }) => ({
      async lease(key, signal) {
        const given = await lease(key, signal)
        signal.addEventListener('abort', () => void given?.release())
        return given
      },
    })),
    'a signal that fires after the lease was given does not end it',
  ),
  broken(
    'a second release frees whoever holds it',
    releasingWhoeverHoldsIt,
    'releasing twice is releasing once, and frees nobody else’s lease',
  ),
  broken(
    'one lease for all keys',
    changed(({ lease }) => ({ lease: (_, signal) => lease('', signal) })),
    'keys with every ASCII character are leased apart',
  ),
  broken(
    'keys are compared without case',
    changed(({ lease }) => ({ lease: (key, signal) => lease(key.toLowerCase(), signal) })),
    'keys with every ASCII character are leased apart',
  ),
  broken(
    'that a key is a prefix is lost',
    announcing(({ key, generation, origin }) => ({ key, generation, origin })),
    'that a key is a prefix is told',
  ),
  broken(
    'every key is a prefix',
    announcing((message) => ({ ...message, prefix: true })),
    'an announcement reaches every other process',
  ),
  broken(
    'keys are trimmed on their way',
    announcing((message) => ({ ...message, key: message.key.trim() })),
    'keys and generations with every ASCII character arrive as they are',
  ),
  broken(
    'only one process hears',
    () => publishing((message, listeners) => all(message, listeners.slice(0, 1))),
    'an announcement reaches every other process',
  ),
  broken(
    'everything is told twice',
    () => publishing((message, listeners) => all(message, [...listeners, ...listeners])),
    'what one process announces arrives in order, once',
  ),
  broken('messages overtake one another', lateEverySecondTime, 'what one process announces arrives in order, once'),
  broken(
    'listeners are called while publish() runs',
    () =>
      publishing((message, listeners) => {
        for (const listener of listeners) isolated(listener, { ...message })
      }),
    'an announcement is delivered after publish() was called, not during it',
  ),
  broken(
    'a listener that throws silences the others',
    () =>
      publishing(async (message, listeners) => {
        await undefined
        for (const listener of listeners) listener({ ...message })
      }),
    'a listener that throws keeps nobody else from hearing',
  ),
  broken(
    'all listeners are told the same object',
    () =>
      publishing(async (message, listeners) => {
        await undefined
        const told = { ...message }
        for (const listener of listeners) isolated(listener, told)
      }),
    'a listener that changes what it is told changes nothing for the others',
  ),
  broken('a function listens once', oneListenerEach, 'a listener subscribed twice is two subscriptions'),
  broken(
    'a subscription never ends',
    changed(({ subscribe }) => ({
      async subscribe(listener) {
        await subscribe(listener)
        return () => {}
      },
    })),
    'nothing is heard after unsubscribing, and the other listeners still hear',
  ),
]
