/** The story as lines on the terminal: when, who, what. */

import type { CacheEvent } from 'evercurrent'
import type { Tally } from './readers.ts'

type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'bad'
const colours = { plain: 0, strong: 1, faint: 2, good: 32, bad: 31 }
const { NO_COLOR } = process.env
const colourful = process.stdout.isTTY === true && !NO_COLOR

export class Timeline {
  readonly #began = performance.now()
  /** by cache: how long it waits after each failure since its last success */
  readonly #coolDowns = new Map<string | undefined, number[]>()

  say(who: string, what: string, tone: Tone = 'plain'): void {
    const when = ((performance.now() - this.#began) / 1000).toFixed(1).padStart(5)
    print(`${when} s  ${who.padEnd(8)} ${what}`, tone)
  }

  /** One second of traffic. */
  pulse(second: Tally): void {
    const { reads, waited, stale, errors, calls, failedCalls } = second
    this.say(
      '',
      `reads ${reads} | p99 ${milliseconds(second.percentile(0.99))} | waited ${waited} | stale ${stale} | ` +
        `oldest ${seconds(second.oldest)} | errors ${errors} | calls ${calls}, failed ${failedCalls}`,
      'faint',
    )
  }

  /** What a cache says about itself; the unremarkable goes unsaid. */
  event(event: CacheEvent): void {
    const { name } = event
    if (event.kind === 'invalidated') this.say('cache', `${name}: invalidated`)
    if (event.kind === 'fetch-failed') {
      const coolDown = event.nextAttemptAt - event.at
      const earlier = this.#coolDowns.get(name)
      this.#coolDowns.set(name, [...(earlier ?? []), coolDown])
      const what = `${name}: call failed (${messageOf(event.error)}), the next in ${seconds(coolDown)}`
      if (!earlier) this.say('cache', what, 'bad')
    }
    if (event.kind === 'fetch-succeeded') {
      const coolDowns = this.#coolDowns.get(name)
      this.#coolDowns.delete(name)
      const took = `read in ${milliseconds(event.tookMs)}`
      if (coolDowns) {
        const waits = coolDowns.map((wait) => (wait / 1000).toFixed(1)).join(' ')
        this.say(
          'cache',
          `${name}: current again, ${took}, after ${coolDowns.length} failed calls (waits ${waits} s)`,
          'good',
        )
      } else if (event.reason === 'first') this.say('cache', `${name}: ${took}`)
      else if (event.changed) this.say('cache', `${name}: changed, ${took} behind the readers`, 'good')
    }
  }
}

export function print(line: string, tone: Tone = 'plain'): void {
  console.log(colourful && tone !== 'plain' ? `\u001b[${colours[tone]}m${line}\u001b[0m` : line)
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 3 : ms < 10 ? 1 : 0)} ms`
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
