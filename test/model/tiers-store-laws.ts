/** What a registry may ask of the source and of the tier, and what a store may take of it. */
import type { Asked } from './tiers-laws.ts'
import { type Ledger, type Made, told } from './tiers-ledger.ts'
import { rule } from './tiers-rule.ts'
import type { Change, TierCall } from './tiers-store.ts'

/** L5: a fetch may begin beside another of its key only if that one has lost the slot. */
export function judgeFetch(ledger: Ledger, others: readonly Asked[], tick: number): void {
  for (const other of others) {
    if (other.ledger !== ledger || other.settled || other.signal.aborted) continue
    const lost = ledger.lastSuperseded > other.since
    rule(
      lost,
      'L5: one fetch owns the slot',
      () => `${ledger.by} asks for ${ledger.key} (${tick}) while its fetch since ${other.tick} owns the slot`,
    )
  }
}

/** Of those that share a store and a coordinator one fetches what all of them need. */
export function judgeLease(mine: Asked, others: readonly Asked[]): void {
  const { by, key } = mine.ledger
  for (const other of others) {
    const { ledger, settled, signal, since } = other
    if (ledger.by === by || ledger.key !== key || settled || signal.aborted || !other.isLeased) continue
    if (ledger.lastSuperseded > since) continue
    const what = () => `${by} asks for ${key} while ${ledger.by} does, since ${other.tick}`
    rule(false, 'the coordinator: one of all fetches what is missing', what)
  }
}

/** L6: what the store took was still true. */
export function judgeTaken(
  call: TierCall,
  made: Made,
  changes: readonly Change[],
  all: ReadonlyMap<number, Made>,
): void {
  if (made.how === 'set') return
  const tookAt = call.actedAt?.tick as number
  const what = `the store took ${told(made)} for ${made.key}`
  for (const change of changes) {
    if (change.tick >= tookAt || !change.keys.includes(made.key)) continue
    const written = change.call?.value === undefined ? undefined : all.get(change.call.value)
    if (written && written.how === 'fetched') {
      const isOlder = written.tick <= made.tick
      rule(
        isOlder,
        'L6: the store does not go back',
        () => `${what} after it took ${told(written)}, which was fetched later`,
      )
    } else if (change.tick > made.tick) {
      const by = written ? `took ${told(written)}` : `${change.call?.operation ?? 'lost everything'}`
      rule(false, 'L6: the store takes no fetch from before a change', () => `${what}, which began before it: ${by}`)
    }
  }
}

/** L6: a look-up waits for the writes before it, so a fetch that began after them is not refused because of them. */
export function judgeRefused(call: TierCall, made: Made, changes: readonly Change[]): void {
  const last = changes.findLast(({ keys }) => keys.includes(made.key))
  if (!last || last.tick > made.tick || last.call?.line !== call.line || last.call.value === undefined) return
  const what = () => `${told(made)} is refused: ${call.line.name} itself wrote ${last.call?.value} since it looked`
  rule(false, 'L6: no process defeats its own refresh', what)
}

/** What a registry may send: one write of a key at a time, in the order of the fetches, and drops that somebody asked for. */
export function judgeSent(call: TierCall, ledger: Ledger, made: Made | undefined, calls: readonly TierCall[]): void {
  if (call.operation === 'look up') return
  const what = `${call.line.name} sends: ${call.operation} ${ledger.key}`
  for (const other of calls) {
    if (other === call || other.line !== call.line || other.operation === 'look up' || other.isAnswered) continue
    if (other.signal?.aborted || !other.keys.includes(ledger.key)) continue
    rule(false, 'L6: one write of a key at a time', () => `${what}, and its write before is still on its way`)
  }
  if (made?.how === 'fetched') {
    const last = ledger.past.landed?.made
    rule(
      !last || last.tick <= made.tick,
      'L6: writes go in the order of the fetches',
      () => `${what}: ${told(made)} after ${last && told(last)}`,
    )
    rule(
      call.isConditional,
      'L6: what was fetched is written on a condition',
      () => `${what}: ${told(made)}, without a condition`,
    )
  }
}

/** L6, L10: a drop that nobody asked for as such (the key is gone, a value was rejected) takes nothing newer with it. */
export function judgeDrop(
  call: TierCall,
  ledger: Ledger,
  fetching: readonly Asked[],
  changes: readonly Change[],
  all: ReadonlyMap<number, Made>,
): void {
  if (call.operation !== 'drop' || ledger.owed.size > 0) return
  const last = changes.findLast(({ keys, tick }) => keys.includes(ledger.key) && tick < (call.actedAt?.tick as number))
  const lost = last?.call?.value === undefined ? undefined : all.get(last.call.value)
  if (!lost || ledger.rejected.has(lost.value) || ledger.rejecting.has(lost.value)) return
  const gone = fetching.findLast((one) => one.ledger === ledger && one.error?.gone)
  const isOlder = gone !== undefined && (last?.tick as number) < gone.tick
  const what = () => `${call.line.name} drops ${told(lost)} from the tier, and nobody asked for that`
  if (gone) rule(isOlder, 'L6: "gone" drops nothing that was fetched or set later', what)
  else rule(false, 'L10: a rejection drops what was rejected, and nothing else', what)
}
