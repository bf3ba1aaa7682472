/** The same readers without evercurrent: with the cache people write, and with none. What they do is told as events too. */

import type { CacheEvent, Fact, Inspection } from 'evercurrent'
import type { Source } from 'evercurrent/devtools'
import { PlainTtl, within } from '../../postgres/plain-ttl.ts'
import { type Subject, subjectById, subjects, type Value } from './subjects.ts'
import { fetchTimeout, nameOf, type Way } from './way.ts'

/** Asks the source, and tells who listens of each call. */
class Teller {
  readonly #listeners = new Set<(event: CacheEvent) => void>()

  source(inspect: (subject: Subject) => Partial<Inspection>): Source {
    const nothing = { freshness: undefined, age: undefined, refreshAt: undefined, expiresAt: undefined }
    const rest = { nextAttemptAt: undefined, lastError: undefined, generation: 0, waiting: 0, observers: 0 }
    return {
      on: (listener) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
      inspect: () =>
        subjects.map((subject) => ({
          status: 'empty',
          ...nothing,
          ...rest,
          ...nameOf(subject),
          ...inspect(subject),
        })),
    }
  }

  tell(subject: Subject, fact: Fact): void {
    const event = { at: Date.now(), name: undefined, ...nameOf(subject), ...fact }
    for (const listener of this.#listeners) listener(event)
  }

  async ask(subject: Subject): Promise<Value> {
    const began = performance.now()
    const took = () => ({ reason: 'expired', tookMs: performance.now() - began }) as const
    this.tell(subject, { kind: 'fetch-started', reason: 'expired' })
    try {
      const value = await within(fetchTimeout, subject.ask)
      this.tell(subject, { kind: 'fetch-succeeded', ...took(), changed: true })
      return value
    } catch (error) {
      this.tell(subject, { kind: 'fetch-failed', ...took(), error, class: 'retry', nextAttemptAt: 0 })
      throw error
    }
  }
}

export function plainWay(): Way {
  const teller = new Teller()
  const cache = new PlainTtl<Value>(
    (id) => subjectById(id).ttl,
    (id) => teller.ask(subjectById(id)),
  )
  /** those whose answer has arrived: until then nothing is held */
  const arrived = new WeakSet<Promise<Value>>()
  const drop = async (subject: Subject) => {
    cache.delete(subject.id)
    teller.tell(subject, { kind: 'invalidated' })
  }
  return {
    source: teller.source(({ id }) => {
      const held = cache.peek(id)
      if (!held || !arrived.has(held.answer)) return {}
      const age = performance.now() - held.askedAt
      const left = held.expiresAt - performance.now()
      // A plain cache has no window: it is fresh until the moment it is not.
      const expiresAt = Date.now() + left
      return { status: 'current', freshness: left > 0 ? 'fresh' : 'expired', age, refreshAt: expiresAt, expiresAt }
    }),
    async read({ id }) {
      const held = cache.peek(id)
      const isHeld = held !== undefined && arrived.has(held.answer) && performance.now() < held.expiresAt
      const answer = cache.get(id)
      const value = await answer
      arrived.add(answer)
      return { value, served: isHeld ? 'fresh' : 'waited' }
    },
    invalidate: drop,
    reject: drop,
    async write(subject, value) {
      cache.set(subject.id, value)
      teller.tell(subject, { kind: 'value-set' })
    },
    end: () => {},
  }
}

export function noCacheWay(): Way {
  const teller = new Teller()
  return {
    source: teller.source(() => ({})),
    read: async (subject) => ({ value: await teller.ask(subject), served: 'waited' }),
    invalidate: async () => {},
    reject: async () => {},
    write: async () => {},
    end: () => {},
  }
}
