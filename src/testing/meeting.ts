/** Three coordinators under test, and the waiting that the cases of their contract do: on conditions, never for long. */

import type { Announcement, Coordinator, Lease } from '../backend/coordinator.ts'
import { check, shown } from './contract-case.ts'

export type Meeting = ReturnType<typeof meeting>
type Heard = Announcement | 'lost-messages'

/** One of the processes. */
export interface Member {
  readonly coordinator: Coordinator
  /** Asks for a lease that has to be granted. */
  hold(key: string): Promise<Lease>
  /** Asks for a lease; `undefined`: another one held it and is done. */
  ask(key: string, signal?: AbortSignal): Promise<Lease | undefined>
  announce(key: string, more?: Partial<Announcement>): Promise<void>
  listen(): Promise<Inbox>
}

export interface Inbox {
  readonly messages: readonly Heard[]
  /** Resolves to the message about the key once it is there. */
  about(key: string): Promise<Announcement>
  readonly stop: () => void
}

export function meeting(coordinators: readonly [Coordinator, Coordinator, Coordinator], patience: number) {
  const within = async <T>(happening: PromiseLike<T> | T, what: string): Promise<T> => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not happen within ${patience} ms`)), patience)
    })
    try {
      return await Promise.race([happening, late])
    } finally {
      clearTimeout(timer)
    }
  }

  const listenTo = async (coordinator: Coordinator): Promise<Inbox> => {
    const messages: Heard[] = []
    const watchers = new Set<() => void>()
    const subscribed = coordinator.subscribe((message) => {
      messages.push(message)
      for (const watch of watchers) watch()
    })
    const stop = await within(subscribed, 'subscribe()')
    const find = (key: string) =>
      messages.find((message): message is Announcement => message !== 'lost-messages' && message.key === key)
    const about = (key: string) =>
      new Promise<Announcement>((resolve) => {
        const watch = () => {
          const found = find(key)
          if (!found) return
          watchers.delete(watch)
          resolve(found)
        }
        watchers.add(watch)
        watch()
      })
    return { messages, stop, about: (key) => within(about(key), `Hearing the announcement of ${shown(key)}`) }
  }

  const member = (coordinator: Coordinator, at: number): Member => ({
    coordinator,
    async ask(key, signal = new AbortController().signal) {
      return await coordinator.lease(key, signal)
    },
    async hold(key) {
      const lease = await within(coordinator.lease(key, new AbortController().signal), `The lease of ${shown(key)}`)
      check(lease !== undefined, `lease() of ${shown(key)}, which nobody held, gave undefined`)
      return lease
    },
    async announce(key, more) {
      const message = { key, generation: 'g1', origin: `process ${at}`, ...more }
      await within(coordinator.publish(message), `publish() of ${shown(key)}`)
    },
    listen: () => listenTo(coordinator),
  })

  const [one, two, three] = coordinators
  const members = [member(one, 1), member(two, 2), member(three, 3)] as const
  let rounds = 0

  /** Long enough for what was about to happen: a message from each to each, and a turn of the event loop. */
  const settle = async () => {
    const key = `settling ${++rounds}`
    const inboxes = await Promise.all(members.map(({ listen }) => listen()))
    for (const [from, { announce }] of members.entries()) {
      await announce(`${key} from ${from}`)
      const others = inboxes.filter((_, at) => at !== from)
      await Promise.all(others.map((inbox) => inbox.about(`${key} from ${from}`)))
    }
    for (const { stop } of inboxes) stop()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }

  /** Fails if it settles although it must wait. */
  const waits = async (happening: Promise<unknown>, what: string) => {
    let settled = false
    const note = () => {
      settled = true
    }
    happening.then(note, note)
    await settle()
    check(!settled, what)
  }

  return { members, within, settle, waits }
}
