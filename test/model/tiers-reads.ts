/** The reads of one registry in a ground of tiers, each judged when it settles. */
import { BatchError, type Reading } from 'evercurrent'
import type { Pending } from './tiers-ground.ts'
import { judgeError, judgeValue, type Reader } from './tiers-laws.ts'
import type { Made } from './tiers-ledger.ts'
import type { Base } from './tiers-life.ts'
import { rule } from './tiers-rule.ts'

export function readsOf({ ground, by, cache, counts, reader, follow }: Base) {
  const { clock, rules } = ground
  const judge = (reader: Reader, value: number) => {
    ground.say(`${reader.name} gives ${value}`)
    judgeNow(reader, value)
  }
  const judgeNow = (reader: Reader, value: number) => {
    const made = ground.made.get(value)
    rule(
      made !== undefined,
      'the registry: no value out of nowhere',
      () => `${reader.name} gives ${value}, which nobody made`,
    )
    judgeValue(rules, reader, made as Made, ground.brought.get(value), clock.wallNow())
  }
  const mustHave = (pending: Pending, why: string) =>
    rule(!ground.pending.has(pending), 'L2: what can be had is given at once', () => `${pending.name} waits, ${why}`)
  const one = (kind: Reader['kind'], key: string, ask: () => Promise<number | undefined>, olderThan?: number) => {
    const asked = reader(kind, key, olderThan)
    ground.say(`${asked.name}`)
    const seen = kind === 'get' ? cache.peek(key) : undefined
    const is = (value: number | undefined) => {
      if (value !== undefined) judge(asked, value)
      else {
        ground.say(`${asked.name} finds nothing`)
        rule(kind === 'find', 'L18: undefined is not a value', () => `${asked.name} gives undefined`)
      }
    }
    const or = (error: unknown) => {
      ground.say(`${asked.name} rejects: ${error}`)
      if (kind === 'find') counts.findsFailed++
      judgeError(asked, error)
    }
    const pending = follow(asked.name, [asked], ask(), is, or)
    if (seen !== undefined) ground.later(() => mustHave(pending, `although ${seen} could be had`))
    return pending
  }
  return {
    get(key: string) {
      counts.reads++
      return one('get', key, () => cache.get(key))
    },
    read(key: string) {
      counts.reads++
      const check = ({ value, fetchedAt }: Reading<number>) => {
        const made = ground.made.get(value)
        const isRight = !made || made.how === 'set' || made.at === fetchedAt
        rule(
          isRight,
          'L2: a tier keeps when a value was fetched',
          () => `${by} read ${value} of ${key} as fetched at ${fetchedAt}, and not ${made?.at}`,
        )
        return value
      }
      return one('read', key, async () => check(await cache.read(key)))
    },
    find(key: string) {
      counts.reads++
      return one('find', key, () => cache.find(key))
    },
    refresh: (key: string) => one('refresh', key, () => cache.refresh(key)),
    refreshIfOlder: (key: string, ms: number) =>
      one('refresh if older', key, () => cache.refresh(key, { ifOlderThan: ms }), ms),
    getMany(keys: readonly string[]) {
      counts.reads += keys.length
      const readers = keys.map((key) => reader('getMany', key))
      const name = `${by}.getMany(${keys.join(', ')})`
      ground.say(name)
      const is = (values: ReadonlyMap<unknown, number>) => {
        for (const [at, key] of keys.entries()) {
          const value = values.get(key)
          if (value !== undefined) judge(readers[at] as Reader, value)
        }
      }
      const or = (error: unknown) => {
        ground.say(`${name} rejects: ${error}`)
        if (!(error instanceof BatchError)) throw error
        for (const [key, reason] of error.errors) {
          judgeError(readers[keys.indexOf(key as string)] as Reader, reason)
        }
        is(error.values as ReadonlyMap<unknown, number>)
      }
      return follow(name, readers, cache.getMany(keys), is, or)
    },
    /** What can be had of every key without waiting. */
    look() {
      for (const { name } of ground.keys) {
        for (const kind of ['peek', 'tryGet'] as const) {
          const value = cache[kind](name)
          if (value !== undefined) judgeNow(reader(kind, name), value)
        }
      }
    },
  }
}
