/** Proves from what was recorded of a fleet that nobody was given what had been invalidated, and measures what may be late. */
import type { Fact, LookFact, MoveFact, ReadFact } from './facts.ts'

export interface Verdict {
  /** a sentence each: (a) after a process knew, (b) out of the tier, and what was older than its ttl */
  readonly violations: readonly string[]
  /** (c) how long after a change elsewhere memory still answered with what was older, a number for each such read */
  readonly windows: readonly number[]
  readonly reads: number
  readonly moves: number
}

/** L3 lets a read notice within a second how late it is. */
const noticedWithin = 1000

const of = <F extends Fact>(facts: readonly Fact[], kind: F['kind']): F[] =>
  facts.filter((fact): fact is F => fact.kind === kind)

export function check(facts: readonly Fact[]): Verdict {
  const violations: string[] = []
  const windows: number[] = []
  const moves = of<MoveFact>(facts, 'move')
  const reads = of<ReadFact>(facts, 'read')
  const readsOf = groupBy(reads)
  const looksOf = groupBy(of<LookFact>(facts, 'look'))
  const byGeneration = new Map(moves.flatMap((move) => move.generations.map((name) => [`${move.key} ${name}`, move])))

  /** From when on a process knows of a change: it made it, whether or not the tier could be told, or it heard of it. */
  const known: { readonly member: number; readonly since: number; readonly move: MoveFact }[] = moves.map((move) => ({
    member: move.member,
    since: move.ended,
    move,
  }))
  for (const fact of facts) {
    if (fact.kind !== 'heard') continue
    const move = byGeneration.get(`${fact.key} ${fact.generation}`)
    if (move) known.push({ member: fact.member, since: fact.at, move })
  }

  const say = (rule: string, fact: ReadFact | LookFact, move: MoveFact, since: number) =>
    violations.push(
      `(${rule}) ${fact.key}: process ${fact.member} was given version ${fact.version}` +
        `${fact.kind === 'read' ? ` from ${fact.from}` : ' by the tier'} ${(fact.began - since).toFixed(2)} ms after` +
        ` ${move.how} by ${move.member} had made it ${move.atLeast}`,
    )
  const isOlder = ({ version }: ReadFact | LookFact, { atLeast }: MoveFact) =>
    version !== undefined && version < atLeast

  for (const { member, since, move } of known) {
    // A `set` that was refused changed nothing.
    if (!move.isDone && move.how === 'set') continue
    for (const read of readsOf.get(move.key) ?? [])
      if (read.member === member && read.began >= since && isOlder(read, move)) say('a', read, move, since)
  }
  for (const move of moves) {
    if (!move.isDone) continue
    for (const look of looksOf.get(move.key) ?? [])
      if (look.began >= move.ended && isOlder(look, move)) say('b', look, move, move.ended)
    for (const read of readsOf.get(move.key) ?? [])
      if (read.began >= move.ended && isOlder(read, move)) windows.push(read.began - move.ended)
  }
  for (const { key, member, from, expiresAt, readAt } of reads) {
    if (from === 'memory' && readAt !== undefined && expiresAt !== undefined && readAt > expiresAt + noticedWithin)
      violations.push(`(ttl) ${key}: process ${member} was given what had expired ${readAt - expiresAt} ms before`)
  }
  return { violations, windows, reads: reads.length, moves: moves.length }
}

/** `Map.groupBy` is not in Node 20. */
function groupBy<F extends { readonly key: string }>(facts: readonly F[]): Map<string, F[]> {
  const groups = new Map<string, F[]>()
  for (const fact of facts) {
    const group = groups.get(fact.key)
    if (group) group.push(fact)
    else groups.set(fact.key, [fact])
  }
  return groups
}

/** The middle one, or the one below which that share lies. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
