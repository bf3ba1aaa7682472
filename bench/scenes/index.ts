/** All scenes, by the names they are chosen with. */

import { cast, tokenCast } from '../contenders.ts'
import type { Scene } from './scene.ts'

const second = 1000
const minute = 60 * second
const wish = { due: 8 * second, ttl: 10 * second, stale: 10 * second }

const every = (ms: number, until: number) => Array.from({ length: Math.floor(until / ms) }, (_, i) => (i + 1) * ms)

/** Exponential pauses, the same in every run. */
function poisson(mean: number, until: number): number[] {
  let seed = 7
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return (seed + 1) / (2 ** 32 + 1)
  }
  const pause = () => -mean * Math.log(random())
  const times: number[] = []
  let at = pause()
  while (at < until) {
    times.push(Math.ceil(at))
    at += pause()
  }
  return times
}

const healthy =
  (takes: number): Scene['source'] =>
  () => ({ takes, fails: false })

export const scenes: Readonly<Record<string, Scene>> = {
  dense: {
    title: 'Expiry under dense reads',
    story:
      'A value may be 10 s old, is due after 8 s, and takes 0.5 s to load; a read every 50 ms for 100 s. Good is: nobody waits, nothing is older than 10 s, few loads.',
    wish,
    cast,
    reads: every(50, 100 * second),
    source: healthy(500),
  },
  sparse: {
    title: 'Expiry under sparse reads',
    story:
      'The same, with a read every 5 s on average, at random, for 20 minutes. A refresh that only a read can start often comes too late; one on a timer does not.',
    wish,
    cast,
    reads: poisson(5 * second, 20 * minute),
    source: healthy(500),
  },
  storm: {
    title: 'Error storm',
    story:
      'A value may be 1 s old and is due after 0.8 s; from then on every load fails, after 5 ms; 1,000 reads a second for 5 s. What is held may be served for a minute after it expired. Good is: few loads, and no reader gets an error.',
    wish: { due: 800, ttl: second, stale: 61 * second },
    cast,
    reads: every(1, 5 * second).map((at) => at + 800),
    source: (at) => ({ takes: 5, fails: at > 0 }),
  },
  outage: {
    title: 'Outage and recovery',
    story:
      'Loads take 0.5 s. From second 5 to 65 the source is down and refuses at once; a read every 50 ms for 100 s. What is held may be served for two minutes after it expired. Recovery is how long after the outage the first newer value is served.',
    wish: { ...wish, stale: 130 * second },
    cast,
    reads: every(50, 100 * second),
    source: (at) => ({
      takes: at > 5 * second && at < 65 * second ? 0 : 500,
      fails: at > 5 * second && at < 65 * second,
    }),
    recoversAt: 65 * second,
  },
  slow: {
    title: 'Slow source',
    story:
      'From second 5 a load takes 4 s, twice the time between due and expiry; a read every 50 ms for 100 s. What is held may be served for a minute after it expired.',
    wish: { ...wish, stale: 70 * second },
    cast,
    reads: every(50, 100 * second),
    source: (at) => ({ takes: at > 5 * second ? 4000 : 500, fails: false }),
  },
  token: {
    title: 'A token of one hour, its issuer down for four minutes',
    story:
      'A token is asked for anew in its last five minutes, or two in the Azure cycler; from minute 54:30 to 59:00 its issuer refuses, after 100 ms. A read every 250 ms from minute 54 to 65. The token is good until a new one is there: good is that no reader gets an error or waits, and few calls.',
    wish: { due: 55 * minute, ttl: 60 * minute, stale: 60 * minute },
    cast: tokenCast,
    reads: every(250, 11 * minute).map((at) => at + 54 * minute),
    source: (at) => ({ takes: 100, fails: at > 54.5 * minute && at < 59 * minute }),
  },
}
