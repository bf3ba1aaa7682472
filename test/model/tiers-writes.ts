/** The writes of one registry in a ground of tiers: what they change is in the book from the call on, and ends when it settles. */
import { BackendError } from 'evercurrent'
import { judgeRefusal } from './tiers-laws.ts'
import { dated, type Made } from './tiers-ledger.ts'
import type { Base } from './tiers-life.ts'
import { rule } from './tiers-rule.ts'
import { ttl } from './tiers-rules.ts'

export function writesOf(base: Base) {
  const { ground, by, cache, registry, ledgerOf, amend, touch, supersede, follow } = base
  const { clock, rules } = ground
  /** A call that changes something. */
  const write = <T>(
    name: string,
    keys: readonly string[],
    call: () => Promise<T>,
    done: (result: T) => void,
    failed = () => {},
  ) => {
    ground.say(name)
    for (const key of keys) touch(key)
    const or = (error: unknown) => {
      ground.say(`${name} rejects: ${error}`)
      failed()
      judgeRefusal(name, error, base.hadTrouble)
    }
    return follow(
      name,
      [],
      call(),
      (result) => {
        ground.say(`${name} resolves${result === undefined ? '' : `: ${result}`}`)
        done(result)
      },
      or,
    )
  }
  const drop = (name: string, keys: readonly string[], call: () => Promise<unknown>) => {
    const tick = ground.tick()
    const token = {}
    const others = ground.keys.map(({ name }) => name).filter((key) => !keys.includes(key))
    const before = others.map((key) => cache.peek(key))
    for (const key of keys) {
      const ledger = ledgerOf(key)
      // A read that begins after the call is after it; the call itself is not over yet.
      amend(ledger, { dropped: tick, landed: undefined })
      ledger.owed.add(token)
      ledger.lastDrop = tick
      supersede(key)
    }
    const pending = write(name, keys, call, () => {
      for (const key of keys) ledgerOf(key).owed.delete(token)
    })
    const after = others.map((key) => cache.peek(key))
    ground.attempt(() =>
      rule(
        // What is to make room is made room for at any call.
        rules.maxEntries < Infinity || before.join() === after.join(),
        'the registry: a drop keeps to its keys',
        () => `${name} dropped other keys too`,
      ),
    )
    return pending
  }

  return {
    set(key: string) {
      const ledger = ledgerOf(key)
      const made = ground.make({ key, how: 'set', by, tick: ground.tick(), at: clock.wallNow() })
      const held = cache.peek(key)
      const accepted = () => {
        const { set } = ledger.past
        made.resolved = ground.tick()
        touch(key)
        ledger.arrivals.set(made.value, clock.wallNow())
        supersede(key)
        rule(
          made.accepted !== undefined,
          'L9: set() resolves once the tier has it',
          () => `${by}.set(${key}, ${made.value}) resolved before a tier took it`,
        )
        if (ledger.lastDrop > made.tick) return
        const isLast = !set || (set.accepted?.tick ?? -1) < (made.accepted?.tick ?? -1)
        if (isLast) amend(ledger, { set: made, gone: -1 })
      }
      let touched = 0
      const isLanding = ground.fetching.some((one) => one.ledger === ledger && one.settled && !one.landed)
      const refused = () => {
        made.failed = true
        const now = cache.peek(key)
        rule(
          now !== made.value,
          'L9: set() that rejects holds nothing',
          () => `${by}.set(${key}, ${now}) rejected, and the value is held`,
        )
        // What comes, or is announced, in the same turn may change it too.
        if (isLanding || rules.joined) return
        const known = held === undefined ? undefined : (ground.made.get(held) as Made)
        if (!known || ledger.lastTouch > touched || clock.wallNow() >= dated(known) + ttl || base.isOver) return
        if (rules.maxEntries < ground.keys.length) return
        rule(
          now === held,
          'L9: set() that rejects leaves memory as it was',
          () => `${by}.set(${key}) rejected, and ${held} that was held became ${now}`,
        )
      }
      const name = `${by}.set(${key}, ${made.value})`
      const pending = write(name, [key], () => cache.set(key, made.value), accepted, refused)
      touched = ledger.lastTouch
      return pending
    },
    seed(key: string, age: number) {
      const at = clock.wallNow() - age
      const held = cache.peek(key)
      const known = held === undefined ? undefined : ground.made.get(held)
      const made = ground.make({ key, how: 'seeded', by, tick: ground.tick(), at })
      const isTaken = cache.seed(key, made.value, { fetchedAt: at })
      ground.say(`${by}.seed(${key}, ${made.value}) of ${age} ms ago: ${isTaken}`)
      touch(key)
      if (!isTaken) return
      ledgerOf(key).arrivals.set(made.value, clock.wallNow())
      supersede(key)
      const isNewer = !known || known.how === 'set' || known.at < at
      rule(
        isNewer,
        'L9: seed() replaces only what is older',
        () => `${by}.seed(${key}) of ${at} replaced ${held} of ${known?.at}`,
      )
    },
    invalidate: (key: string) => drop(`${by}.invalidate(${key})`, [key], () => cache.invalidate(key)),
    invalidatePrefix: (first: string) =>
      drop(`${by}.invalidatePrefix(${first})`, ground.keysUnder(first), () => cache.invalidatePrefix(first)),
    clear: () => drop(`${by}.clear()`, ground.keysUnder(), () => cache.clear()),
    reject(key: string, value: number) {
      const ledger = ledgerOf(key)
      const tick = ground.tick()
      supersede(key)
      ledger.rejecting.add(value)
      ledger.lastDrop = tick
      const name = `${by}.invalidate(${key}, { ifValue: ${value} })`
      return write(
        name,
        [key],
        () => cache.invalidate(key, { ifValue: value }),
        (did) => {
          if (did) ledger.rejected.set(value, tick)
        },
      )
    },
    expire(key: string) {
      const at = clock.wallNow()
      supersede(key)
      amend(ledgerOf(key), { expired: { tick: ground.tick(), at } })
      return write(
        `${by}.expire(${key})`,
        [key],
        () => cache.expire(key),
        () => {},
      )
    },
    flush: () =>
      write(
        `${by}.flush()`,
        [],
        () => registry.flush(),
        () => {},
      ),
    dispose() {
      base.isOver = true
      ground.say(`${by} ends`)
      for (const { name } of ground.keys) supersede(name)
      follow(
        `${by}.dispose()`,
        [],
        registry.dispose(),
        () => {},
        (error) => {
          rule(
            error instanceof BackendError,
            'L20: dispose() rejects with errors of the tier alone',
            () => `${by}.dispose() rejected with ${error}`,
          )
        },
      )
    },
  }
}
