/** How the processes of a fleet agree on who fetches, and hear of one another's changes: leases and a channel of Redis. */

import { BackendError } from '../errors.ts'
import type { Announcement, Coordinator, Lease } from './coordinator.ts'
import { newEpoch } from './fences.ts'
import { createListeners } from './listeners.ts'
import { after, createBells, every } from './redis-bells.ts'
import type { RedisClientLike, RedisSubscriberLike } from './redis-client.ts'
import { createEar } from './redis-ear.ts'
import type { Run } from './redis-scripts.ts'
import { encoded } from './redis-store.ts'

/** milliseconds that a lease lasts when its holder has died */
const lasts = 2000
/** milliseconds that a fence is remembered after the release */
const remembered = 600_000
/** milliseconds that a command may take before whoever waits for it goes on without */
const patience = 200
/** milliseconds until who waits looks by itself whether the lease is free: at first, doubling, and at most */
const naps = { woken: [250, 2000], polling: [25, 250] } as const

interface Given {
  readonly run: Run
  readonly client: RedisClientLike
  readonly subscriber: RedisSubscriberLike | undefined
  readonly prefix: string
}

export function createRedisCoordinator({ run, client, subscriber, prefix }: Given) {
  const listeners = createListeners()
  const bells = createBells()
  const channel = `${prefix}:news`
  /** what stops the renewing of each lease that is held */
  const renewing = new Set<() => void>()
  const leaseKey = (key: string) => `${prefix}:l:{:${encoded(key)}}`
  const publish = (to: string, message: string) => run('publish', to, [message])
  const ear =
    subscriber &&
    createEar(subscriber, channel, {
      publish,
      heard(message) {
        if (message.startsWith('a')) return listeners.tell(JSON.parse(message.slice(1)) as Announcement)
        const [fence, key = ''] = message.slice(1).split(' ')
        bells.ring(key, Number(fence))
      },
      missed: () => listeners.tell('lost-messages'),
    })
  // A server that is gone wakes nobody: whoever waits asks it, and hears that it is gone.
  client.on('error', () => bells.stir())

  const held = (key: string, holder: string, fence: string): Lease => {
    const stopRenewing = every(lasts / 3, () => {
      run('renew', leaseKey(key), [holder, String(lasts)]).catch(() => {})
    })
    renewing.add(stopRenewing)
    let released: Promise<unknown> | undefined
    return {
      fence,
      async release() {
        stopRenewing()
        renewing.delete(stopRenewing)
        const message = `r${fence} ${encoded(key)}`
        released ??= run('release', leaseKey(key), [holder, String(remembered), channel, message])
        await released
      },
    }
  }

  /** The lease; or for how long somebody else has it and its fence; `undefined`: he is done. */
  const acquire = async (key: string, hasWaited: boolean): Promise<Lease | readonly [number, number] | undefined> => {
    const holder = newEpoch()
    const asked = run('acquire', leaseKey(key), [holder, String(lasts), hasWaited ? 'waited' : 'asks']).then(
      (answer) => {
        if (typeof answer === 'number') return undefined
        if (!Array.isArray(answer)) return held(key, holder, text(answer))
        return [answer[0] as number, Number(text(answer[1]))] as const
      },
    )
    try {
      return await inTime(asked)
    } catch (error) {
      // What is given too late is given back.
      asked.then((late) => late && 'release' in late && late.release()).catch(() => {})
      throw error
    }
  }

  const coordinator: Coordinator = {
    async lease(key, signal) {
      signal.throwIfAborted()
      await ear?.listen()
      const [first, longest] = ear ? naps.woken : naps.polling
      // Before it asks, or it might be released in between.
      const bell = bells.hang(encoded(key), signal)
      try {
        for (let nap: number = first, hasWaited = false; ; nap = Math.min(2 * nap, longest), hasWaited = true) {
          const answer = await acquire(key, hasWaited)
          if (answer && 'release' in answer) {
            if (!signal.aborted) return answer
            Promise.resolve(answer.release()).catch(() => {})
          }
          signal.throwIfAborted()
          if (!answer) return undefined
          const [left, fence] = answer as readonly [number, number]
          if (await bell.heard(fence, Math.min(left + 5, nap))) return undefined
          signal.throwIfAborted()
        }
      } finally {
        bell.takeDown()
      }
    },
    async publish(message) {
      await publish(channel, `a${JSON.stringify(message)}`)
    },
    async subscribe(listener) {
      const end = listeners.add(listener)
      await ear?.listen()
      return end
    },
  }
  return {
    coordinator,
    close() {
      for (const stop of renewing) stop()
      ear?.close()
    },
  }
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array)

async function inTime<T>(work: Promise<T>): Promise<T> {
  let stop = () => {}
  const late = new Promise<never>((_, reject) => {
    const message = `Redis did not answer within ${patience} ms`
    stop = after(patience, () => reject(new BackendError(message, { operation: 'lease', reason: 'unreachable' })))
  })
  return Promise.race([work, late]).finally(stop)
}
