/** The traffic: calls of the API, all through one cache of tokens, and the count of what became of them. */

import { setTimeout as pause } from 'node:timers/promises'
import type { BackgroundCache } from 'evercurrent'
import { type AccessToken, authorizedFetch } from 'evercurrent/oauth'

/** What happened between two moments. */
export interface Tally {
  readonly calls: number
  /** calls that ended with 401 */
  readonly refused: number
  /** calls that ended with an error, by its name */
  readonly errors: readonly string[]
  /** how often a call had to wait for a token, or had none */
  readonly waits: number
  /** requests for a token, and how many of them failed */
  readonly requests: number
  readonly failed: number
}

const together = 6
const pauseBetween = 4

export class Callers {
  readonly #token: BackgroundCache<AccessToken>
  readonly #fetch: typeof fetch
  readonly #url: string
  readonly #errors: string[] = []
  #calls = 0
  #refused = 0

  constructor(token: BackgroundCache<AccessToken>, url: string) {
    this.#token = token
    this.#fetch = authorizedFetch(token)
    this.#url = url
  }

  /** One call: its status, or the name of its error. */
  async call(path = '/orders'): Promise<number | string> {
    this.#calls += 1
    try {
      const response = await this.#fetch(this.#url + path)
      await response.text()
      if (response.status === 401) this.#refused += 1
      return response.status
    } catch (error) {
      const { name } = error as Error
      this.#errors.push(name)
      return name
    }
  }

  /** Six callers, each calling again after a short pause, until something is so. */
  async callUntil(enough: () => boolean): Promise<void> {
    const caller = async () => {
      for (; !enough(); await pause(pauseBetween)) await this.call()
    }
    await Promise.all(Array.from({ length: together }, caller))
  }

  async callFor(ms: number): Promise<void> {
    const end = performance.now() + ms
    await this.callUntil(() => performance.now() >= end)
  }

  /** What happens while this is done. */
  async count(act: () => Promise<unknown>): Promise<Tally> {
    const before = this.#totals()
    await act()
    const after = this.#totals()
    return {
      calls: after.calls - before.calls,
      refused: after.refused - before.refused,
      errors: after.errors.slice(before.errors.length),
      waits: after.waits - before.waits,
      requests: after.requests - before.requests,
      failed: after.failed - before.failed,
    }
  }

  #totals(): Tally {
    const { misses, fetches, fetchFailures } = this.#token.stats()
    return {
      calls: this.#calls,
      refused: this.#refused,
      errors: [...this.#errors],
      waits: misses,
      requests: fetches,
      failed: fetchFailures,
    }
  }
}
