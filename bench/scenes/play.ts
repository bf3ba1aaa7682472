/** Plays a scene with one contender, in fake time, and tells what its readers and its source saw. */

import type { Contender } from '../compare/contender.ts'
import type { Time } from '../compare/fake-time.ts'
import { median } from '../scenario.ts'
import type { Scene, Seen } from './scene.ts'

/** A reader who got its answer no later than this was not blocked, and a value no more past its time was not expired. */
const tolerance = 2

export async function play(contender: Contender, scene: Scene, time: Time): Promise<Omit<Seen, 'unhandled'>> {
  let [loads, inTheAir, atOnce] = [0, 0, 0]
  let first = Number.NaN
  /** A value says when the source gave it. */
  const load = () => {
    loads++
    atOnce = Math.max(atOnce, ++inTheAir)
    const { takes, fails } = scene.source(Number.isNaN(first) ? 0 : time.now() - first)
    return new Promise<string>((resolve, reject) => {
      setTimeout(() => {
        inTheAir--
        if (fails) reject(new Error('source down'))
        else resolve(String(time.now()))
      }, takes)
    })
  }
  const subject = await contender.start(load, scene.wish)
  const opening = Promise.resolve(subject.read())
  for (let waited = 0; Number.isNaN(first) && waited < 10_000; waited += 10) {
    opening.then(() => {
      if (Number.isNaN(first)) first = time.now()
    })
    await time.pass(10)
  }
  if (loads !== 1) throw new Error(`${contender.name} asked ${loads} times for its first value`)
  const before = loads
  atOnce = inTheAir

  let [answered, errors, blocked, longestWait, pastTtl] = [0, 0, 0, 0, 0]
  let recovered: number | undefined
  const ages: number[] = []
  const read = () => {
    const asked = time.now()
    const settle = () => {
      answered++
      const wait = time.now() - asked
      longestWait = Math.max(longestWait, wait)
      if (wait > tolerance) blocked++
    }
    const arrive = (value: unknown) => {
      settle()
      const given = Number(value)
      if (!Number.isFinite(given) || typeof value !== 'string') throw new Error(`${contender.name} gave ${value}`)
      const age = time.now() - given
      ages.push(age)
      if (age > scene.wish.ttl + tolerance) pastTtl++
      if (scene.recoversAt !== undefined && given - first >= scene.recoversAt)
        recovered ??= time.now() - first - scene.recoversAt
    }
    const fail = () => {
      settle()
      errors++
    }
    try {
      Promise.resolve(subject.read()).then(arrive, fail)
    } catch {
      fail()
    }
  }
  for (const at of scene.reads) {
    await time.pass(first + at - time.now())
    read()
    await time.settle()
  }
  // What is in the air comes to its end: who retries for a while may take longer to refuse.
  for (let more = 0; answered < scene.reads.length && more < 120; more++) await time.pass(1000)
  if (answered !== scene.reads.length)
    throw new Error(`${contender.name} left ${scene.reads.length - answered} readers`)
  return {
    reads: answered,
    loads: loads - before,
    atOnce,
    blocked,
    longestWait,
    errors,
    pastTtl,
    medianAge: ages.length ? median(ages) : Number.NaN,
    oldest: Math.max(...ages),
    recovered,
  }
}
