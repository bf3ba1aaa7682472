/** Whether the messages of a channel arrive: it says so to itself, for no client tells of every connection it lost. */

import { newEpoch } from './fences.ts'
import { after, every } from './redis-bells.ts'
import type { RedisSubscriberLike } from './redis-client.ts'

/** milliseconds between two messages to itself */
const pulse = 5000
/** the same while messages do not arrive */
const quickPulse = 500
/** milliseconds that whoever wants to listen waits for the server to know it */
const patience = 200

interface Surroundings {
  publish(channel: string, message: string): Promise<unknown>
  heard(message: string): void
  /** Messages arrive again, after some may have been lost. */
  missed(): void
}

export function createEar(subscriber: RedisSubscriberLike, channel: string, { publish, heard, missed }: Surroundings) {
  const own = `${channel}:${newEpoch()}`
  const ends: (() => Promise<void>)[] = []
  let opening: Promise<void> | undefined
  let isDeaf = false
  let isAwaited = false
  let isClosed = false
  let stopTimer: (() => void) | undefined

  const subscribe = async (to: string, listener: (message: string) => void) => {
    const end = await subscriber.subscribe(to, (message) => isClosed || listener(message))
    if (isClosed) await end()
    else ends.push(end)
  }
  const open = async () => {
    try {
      await subscribe(channel, heard)
      await subscribe(own, arrived)
      if (isDeaf) beat()
    } catch {
      opening = undefined
      isDeaf = true
    }
  }
  const arrived = () => {
    isAwaited = false
    if (!isDeaf) return
    isDeaf = false
    missed()
    schedule()
  }
  const beat = () => {
    if (isAwaited) isDeaf = true
    isAwaited = true
    if (opening) publish(own, '').catch(() => {})
    else opening = open()
    schedule()
  }
  const schedule = () => {
    stopTimer?.()
    stopTimer = isClosed ? undefined : every(isDeaf ? quickPulse : pulse, beat)
  }

  subscriber.on('ready', () => {
    if (!opening || isClosed) return
    isDeaf = true
    beat()
  })

  return {
    /** From now on messages are heard, or it is told that some were missed. */
    async listen(): Promise<void> {
      if (opening || isClosed) return opening && !isDeaf ? bounded(opening) : undefined
      opening = open()
      schedule()
      return bounded(opening)
    },
    close(): void {
      isClosed = true
      stopTimer?.()
      for (const end of ends) end().catch(() => {})
    },
  }

  function bounded(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const stop = after(patience, () => {
        isDeaf = true
        resolve()
      })
      work.finally(() => {
        stop()
        resolve()
      })
    })
  }
}
