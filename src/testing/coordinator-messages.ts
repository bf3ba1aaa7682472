/** The cases about announcements: they reach every other process, whole and in order. */

import { ascii, check, same, shown } from './contract-case.ts'
import type { Meeting } from './meeting.ts'

const keysOf = (messages: readonly unknown[], prefix: string) =>
  messages
    .map((message) => (message as { readonly key?: string }).key)
    .filter((key) => key?.startsWith(prefix))
    .join(' ')

export const messageCases: Record<string, (meeting: Meeting) => Promise<void>> = {
  async 'an announcement reaches every other process'({ members: [one, two, three] }) {
    const inboxes = [await two.listen(), await three.listen()]
    await one.announce('k', { generation: 'g7', origin: 'process 1' })
    for (const inbox of inboxes) {
      const { key, generation, origin, ...more } = await inbox.about('k')
      same(`${key} ${generation} ${origin}`, 'k g7 process 1', 'The announcement')
      same(more.prefix, undefined, 'prefix of the announcement of a key')
    }
  },

  async 'that a key is a prefix is told'({ members: [one, two] }) {
    const inbox = await two.listen()
    await one.announce('db/', { prefix: true })
    same((await inbox.about('db/')).prefix, true, 'prefix of the announcement of a prefix')
    await one.announce('db', {})
    same((await inbox.about('db')).prefix, undefined, 'prefix of the announcement of a key')
    await one.announce('', { prefix: true })
    same((await inbox.about('')).prefix, true, 'prefix of the announcement of the empty prefix')
  },

  async 'keys and generations with every ASCII character arrive as they are'({ members: [one, two] }) {
    const inbox = await two.listen()
    const all = ascii.join('')
    for (const key of [...ascii, all, '{"key":"a"}', '__proto__', 'k'.repeat(1000)]) {
      await one.announce(key, { generation: `${key}${all}`, origin: all })
      const { generation, origin } = await inbox.about(key)
      same(generation, `${key}${all}`, `The generation announced for ${shown(key)}`)
      same(origin, all, `The origin announced for ${shown(key)}`)
    }
  },

  async 'what one process announces arrives in order, once'({ members: [one, two], settle }) {
    const inbox = await two.listen()
    const keys = Array.from({ length: 50 }, (_, at) => `order-${at}`)
    for (const key of keys) await one.announce(key)
    await inbox.about('order-49')
    await settle()
    same(keysOf(inbox.messages, 'order-'), keys.join(' '), 'The announcements, in order')
  },

  async 'what several processes announce at the same time arrives'({ members, within }) {
    const inboxes = await Promise.all(members.map(({ listen }) => listen()))
    const keys = members.flatMap((_, from) => Array.from({ length: 10 }, (_, at) => `${from}-${at}`))
    const announcing = keys.map((key) => members[Number(key[0])]?.announce(key))
    await within(Promise.all(announcing), 'Announcing from several processes')
    for (const [at, inbox] of inboxes.entries()) {
      await Promise.all(keys.filter((key) => Number(key[0]) !== at).map((key) => inbox.about(key)))
    }
  },

  async 'nothing is heard after unsubscribing, and the other listeners still hear'({ members: [one, two], settle }) {
    const [leaving, staying] = [await two.listen(), await two.listen()]
    await one.announce('before')
    await Promise.all([leaving.about('before'), staying.about('before')])
    leaving.stop()
    leaving.stop()
    await one.announce('after')
    await staying.about('after')
    await settle()
    same(keysOf(leaving.messages, 'after'), '', 'What an ended subscription heard')
  },

  async 'a listener subscribed twice is two subscriptions'({ members: [one, two], settle, within }) {
    const heard: string[] = []
    const listener = (message: unknown) => {
      heard.push((message as { readonly key?: string }).key ?? '')
    }
    const first = await within(two.coordinator.subscribe(listener), 'subscribe()')
    const second = await within(two.coordinator.subscribe(listener), 'subscribe()')
    first()
    await one.announce('for the second')
    await settle()
    check(heard.includes('for the second'), 'Ending one of two subscriptions of a function ended both')
    second()
  },

  async 'a listener that throws keeps nobody else from hearing'({ members: [one, two, three], within }) {
    const throwing = await within(
      two.coordinator.subscribe(() => {
        throw new Error('a listener throws')
      }),
      'subscribe()',
    )
    const inboxes = [await two.listen(), await three.listen()]
    for (const key of ['k1', 'k2']) {
      await one.announce(key)
      for (const inbox of inboxes) await inbox.about(key)
    }
    throwing()
  },

  async 'an announcement is delivered after publish() was called, not during it'({ members: [one, two], within }) {
    const inbox = await two.listen()
    const publishing = one.coordinator.publish({ key: 'k', generation: 'g1', origin: 'process 1' })
    same(inbox.messages.length, 0, 'How many messages were heard before publish() returned')
    await within(publishing, 'publish()')
    await inbox.about('k')
  },

  async 'a listener that changes what it is told changes nothing for the others'({ members: [one, two], within }) {
    const changing = await within(
      two.coordinator.subscribe((message) => {
        try {
          Object.assign(message as object, { generation: 'changed' })
        } catch {
          // Frozen is fine.
        }
      }),
      'subscribe()',
    )
    const inbox = await two.listen()
    await one.announce('k', { generation: 'g1' })
    same((await inbox.about('k')).generation, 'g1', 'The generation after another listener wrote to the message')
    changing()
  },
}
