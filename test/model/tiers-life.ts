/** One life of one registry in a world of tiers: what it is made of, and what it asks of the source. */
import { type CacheEvent, CacheRegistry, type FetchContext } from 'evercurrent'
import type { Fetching, Ground, Pending } from './tiers-ground.ts'
import { type Reader, SourceError } from './tiers-laws.ts'
import { isFailing, type Ledger, type Made, openLedger } from './tiers-ledger.ts'
import { readsOf } from './tiers-reads.ts'
import { backendDeadline, refreshWindow, ttl } from './tiers-rules.ts'
import { type Line, mark } from './tiers-store.ts'
import { judgeFetch, judgeLease } from './tiers-store-laws.ts'
import { writesOf } from './tiers-writes.ts'

export type Base = ReturnType<typeof beginBase>
export type Life = ReturnType<typeof beginLife>

const late = async <T>(value: T): Promise<T> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  return value
}

export function beginLife(ground: Ground, line: Line) {
  const base = beginBase(ground, line)
  return Object.assign(base, readsOf(base), writesOf(base))
}

function beginBase(ground: Ground, line: Line) {
  const { clock, rules, store } = ground
  const by = line.name
  const ledgers = new Map(ground.keys.map(({ name }) => [name, openLedger(by, name, clock.wallNow())]))
  const ledgerOf = (key: string) => ledgers.get(key) as Ledger
  const events: CacheEvent[] = []
  const coordinator = ground.meeting?.coordinator
  const registry = new CacheRegistry({
    clock,
    random: () => 0.5,
    maxEntries: rules.maxEntries,
    backend: { ...store.at(line), ...(coordinator && { coordinator }) },
  })
  registry.on((event) => {
    events.push(event)
    const key = ground.keys.find(({ parts }) => parts.join() === event.key?.join())?.name
    if (key === undefined) return
    if (event.kind === 'fetch-discarded') supersede(key)
    if (event.kind === 'fetch-failed') ledgerOf(key).lastFailure = ground.tick()
    if (event.kind === 'fetch-succeeded') ledgerOf(key).lastSuccess = ground.tick()
  })
  const counts = { reads: 0, findsFailed: 0, fetches: 0 }

  const amend = (ledger: Ledger, change: Partial<Ledger['past']>) => {
    ledger.past = { ...ledger.past, ...change }
  }
  const touch = (key: string) => {
    ledgerOf(key).lastTouch = ground.tick()
  }
  const supersede = (key: string) => {
    ledgerOf(key).lastSuperseded = ground.tick()
  }

  /** The earliest that a fetch that asks the source now may have taken the slot: it asks the tier first. */
  const flewSince = (ledger: Ledger, tick: number) => {
    const readers = [...ground.pending]
      .flatMap(({ readers }) => readers)
      .flatMap((reader) => (reader.ledger === ledger ? [reader.tick] : []))
    ledger.lookUps = ledger.lookUps.filter(({ at }) => clock.wallNow() - at <= backendDeadline)
    return Math.min(tick, ledger.lookUps.shift()?.tick ?? tick, ...readers)
  }

  const fetch = (key: string, context: FetchContext) =>
    new Promise<number>((resolve, reject) => {
      const ledger = ledgerOf(key)
      const tick = ground.tick()
      counts.fetches++
      ground.say(`${by} asks the source for ${key}`)
      const fetching: Fetching = {
        key,
        isLeased: context.reason !== 'refresh' && !base.hadTrouble,
        ledger,
        tick,
        since: flewSince(ledger, tick),
        at: context.startedAt,
        signal: context.signal,
        settled: undefined,
        settle(how) {
          fetching.settled = { tick: ground.tick(), at: clock.wallNow() }
          touch(key)
          if (how === 'ok') {
            const made = ground.make({ key, how: 'fetched', by, tick, at: context.startedAt }, fetching)
            ground.say(`the source gives ${by} ${made.value} for ${key}, asked at ${ground.ago(context.startedAt)}`)
            ledger.arrivals.set(made.value, clock.wallNow())
            resolve(made.value)
          } else {
            const error = new SourceError(fetching, how === 'gone')
            fetching.error = error
            ledger.lastSourceFailure = ground.tick()
            ground.say(`the source tells ${by} of ${key}: ${error.message}`)
            const isOwner = ledger.lastSuperseded < fetching.since && !context.signal.aborted
            if (how === 'gone' && isOwner) {
              const told = ground.tick()
              ground.later(() => {
                if (ledger.lastDropRefused < told) amend(ledger, { gone: tick })
              })
            }
            reject(error)
          }
          ground.later(() => {
            fetching.landed = ground.tick()
          })
          ground.answersAtOnce(fetching)
        },
      }
      const isNeeded = /first|expired/.test(context.reason) && ledger.lastSuperseded < fetching.since
      ground.attempt(() => {
        judgeFetch(ledger, ground.fetching, tick)
        if (rules.joined && isNeeded && !base.hadTrouble) judgeLease(fetching, ground.fetching)
      })
      context.signal.addEventListener('abort', () => {
        ledger.lastSourceFailure = ground.tick()
      })
      ground.fetching.push(fetching)
    })

  const cache = registry.define<number>({
    type: 'number',
    ttl,
    refreshWindow,
    staleIfError: rules.staleIfError,
    fetchTimeout: rules.fetchTimeout,
    classifyError: (error) => (error instanceof SourceError && error.gone ? 'gone' : 'retry'),
    codec: {
      encode: (value) => (rules.slowCodec ? late(mark.put(value)) : mark.put(value)),
      decode(bytes) {
        const value = mark.find(bytes) as number
        const made = ground.made.get(value) as Made
        ledgerOf(made.key).arrivals.set(value, clock.wallNow())
        touch(made.key)
        return rules.slowCodec ? late(value) : value
      },
    },
    key: (name) => ground.partsOf(name),
    fetch,
  })

  const reader = (kind: Reader['kind'], key: string, olderThan?: number): Reader => {
    const ledger = ledgerOf(key)
    const name = `${by}.${kind}(${key})`
    const began = { tick: ground.tick(), at: clock.wallNow(), past: ledger.past, wasFailing: isFailing(ledger) }
    return { kind, ledger, name, ...began, ...(olderThan !== undefined && { olderThan }) }
  }
  /** Follows a call to its end; whatever is judged there is judged in the ground. */
  const follow = <T>(
    name: string,
    readers: readonly Reader[],
    call: Promise<T>,
    is: (value: T) => void,
    or: (error: unknown) => void,
  ) => {
    const pending: Pending = { name, readers }
    ground.pending.add(pending)
    const end = (judge: () => void) => {
      ground.pending.delete(pending)
      ground.attempt(judge)
    }
    call.then(
      (value) => end(() => is(value)),
      (error: unknown) => end(() => or(error)),
    )
    return pending
  }

  const base = {
    ground,
    by,
    line,
    registry,
    cache,
    events,
    counts,
    ledgerOf,
    amend,
    touch,
    supersede,
    reader,
    follow,
    hadTrouble: false,
    isOver: false,
  }
  return base
}
