/** The checker finds what it is there for, in histories written by hand. */
import { expect, it } from 'vitest'
import { check } from './checker.ts'
import type { Fact, LookFact, MoveFact, ReadFact } from './facts.ts'

const key = 'g/a'
const read = (member: number, began: number, version: number, more: Partial<ReadFact> = {}): ReadFact => ({
  kind: 'read',
  member,
  key,
  began,
  ended: began + 1,
  version,
  from: 'memory',
  ...more,
})
const look = (member: number, began: number, version: number): LookFact => ({
  kind: 'look',
  member,
  key,
  began,
  ended: began + 1,
  version,
})
const move = (more: Partial<MoveFact> = {}): MoveFact => ({
  kind: 'move',
  how: 'invalidate',
  member: 0,
  key,
  began: 100,
  ended: 110,
  atLeast: 2,
  isDone: true,
  generations: ['g2'],
  ...more,
})
const heard = (member: number, at: number, generation = 'g2'): Fact => ({ kind: 'heard', member, key, generation, at })
const broken = (...facts: Fact[]) => check(facts).violations.map((violation) => violation.slice(0, 5))

it('a process that is given what it had invalidated itself breaks (a), also when the tier could not be told', () => {
  expect(broken(move(), read(0, 111, 1))).toEqual(['(a) g'])
  expect(broken(move({ isDone: false }), read(0, 111, 1))).toEqual(['(a) g'])
  expect(broken(move(), read(0, 105, 1))).toEqual([])
  expect(broken(move(), read(0, 111, 2))).toEqual([])
})

it('a set() that was refused changed nothing', () => {
  expect(broken(move({ how: 'set', isDone: false }), read(0, 111, 1))).toEqual([])
  expect(broken(move({ how: 'set' }), read(0, 111, 1))).toEqual(['(a) g'])
})

it('a process that is given what it heard to be outdated breaks (a), one that has not heard of it has a window', () => {
  expect(broken(move(), heard(1, 120), read(1, 121, 1))).toEqual(['(a) g'])
  expect(broken(move(), heard(1, 120, 'g1'), read(1, 121, 1))).toEqual([])
  expect(check([move(), heard(1, 120), read(1, 115, 1)])).toMatchObject({ violations: [], windows: [5] })
})

it('a tier that gives what had been invalidated breaks (b), whoever asks it', () => {
  expect(broken(move(), look(1, 111, 1))).toEqual(['(b) g'])
  expect(broken(move(), look(1, 109, 1))).toEqual([])
  expect(broken(move({ isDone: false }), look(1, 111, 1))).toEqual([])
})

it('a value served long after its expiry is found', () => {
  expect(broken(read(0, 1, 1, { expiresAt: 1000, readAt: 2500 }))).toEqual(['(ttl)'])
  expect(broken(read(0, 1, 1, { expiresAt: 1000, readAt: 1900 }))).toEqual([])
})
